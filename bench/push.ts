/**
 * How long events wait while shared files are sent: 1,000 agents that all lack a merged.mg of 50 MB and read as fast as they can, and
 * events that are due at fixed times. Frames, keys, MD5, zlib, AES of both directions and the turns of the sender are in it; sockets
 * and the journal's writes are not.
 */
import assert from "node:assert/strict";
import { hash } from "node:crypto";
import type { AgentEntry } from "#connection/agent-table.ts";
import { encodeFrame } from "#formats/wire/agent/frame.ts";
import { sealMessage } from "#formats/wire/agent/message.ts";
import { messageCipher } from "#formats/wire/agent/message-cipher.ts";
import { SystemClock } from "#kernel/platform/clock.ts";
import type { EventSink } from "#model/event-sink.ts";
import { type FakeConnection, FakeNetwork } from "#testing/network.ts";
import { SeededRandom } from "#testing/random.ts";
import { agentEntry } from "./agents.ts";
import { type Benchmark, cpuSecondsSince, type Figures, quantile } from "./benchmark.ts";
import { startConnectionService } from "./connection-service.ts";

const AGENTS = 1000;
const FILE_BYTES = 50_000_000;
const SECONDS = 5;
const EVENT_PERIOD_MS = 5;
const EVENTS_A_SECOND: Readonly<Record<string, number>> = { "200 events/s": 200, "5000 events/s": 5000 };
const LOG_LINE = "Nov 21 10:00:01 web1 sshd[1001]: Failed password for root from 203.0.113.9 port 40001 ssh2";

type Agent = {
  readonly entry: AgentEntry;
  readonly connection: FakeConnection;
  readonly frame: Buffer;
};

const sink: EventSink = { pressure: "none", append: () => true, whenDurable: (run) => run() };

function frameOf(entry: AgentEntry, text: string): Buffer {
  const cipher = messageCipher(entry, "aes");
  const counters = { global: 1, local: 1 };
  return encodeFrame(
    sealMessage({ cipher, random: 1, counters, message: Buffer.from(text), idPrefix: entry.id }),
  );
}

/** Text as lists and configuration are, which zlib makes small. */
function mergedFile(): Uint8Array {
  const random = new SeededRandom(3);
  const lines = Array.from(
    { length: 5000 },
    () => `${random.bytes(4).toString("hex")}.example.com:malicious\n`,
  );
  const shared = new Uint8Array(new SharedArrayBuffer(FILE_BYTES));
  const block = Buffer.from(lines.join(""));
  for (let at = 0; at < FILE_BYTES; at += block.length) shared.set(block.subarray(0, FILE_BYTES - at), at);
  return shared;
}

/** Takes what was sent, as agents that read fast; gives its bytes. */
function drain(agents: readonly Agent[]): number {
  let bytes = 0;
  for (const { connection } of agents) {
    for (const chunk of connection.sent) bytes += chunk.length;
    connection.sent.length = 0;
  }
  return bytes;
}

/** How late each event was handled. */
async function delaysOf(agents: readonly Agent[], rate: number): Promise<{ delays: number[]; sent: number }> {
  const perPeriod = Math.max(1, Math.round((rate * EVENT_PERIOD_MS) / 1000));
  const delays: number[] = [];
  const startMs = performance.now();
  let next = 0;
  let sent = 0;
  for (let dueMs = startMs; dueMs < startMs + SECONDS * 1000; dueMs += EVENT_PERIOD_MS) {
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    for (let count = 0; count < perPeriod; count++) {
      const agent = agents[next++ % agents.length];
      agent?.connection.receive(agent.frame);
      delays.push(performance.now() - dueMs);
    }
    sent += drain(agents);
  }
  return { delays, sent };
}

async function measure(corpus: string): Promise<Figures> {
  const rate = EVENTS_A_SECOND[corpus];
  assert(rate !== undefined);
  const network = new FakeNetwork();
  const service = await startConnectionService(sink, network, new SystemClock());
  const agents = Array.from({ length: AGENTS }, (_, index): Agent => {
    const entry = agentEntry(index + 1);
    service.applyKeyChange({ kind: "put", agent: entry });
    const connection = network.connect(1514);
    connection.receive(frameOf(entry, '#!-agent startup {"version":"v4.14.7"}'));
    return { entry, connection, frame: frameOf(entry, `1:/var/log/auth.log:${LOG_LINE}`) };
  });
  const idle = await delaysOf(agents, rate);
  const bytes = mergedFile();
  const sum = hash("md5", bytes);
  for (const { entry } of agents) {
    const names = { fileName: "merged.mg", shownName: "default/merged.mg" };
    service.push({ agentId: entry.id, sum, bytes, ...names });
  }
  await delaysOf(agents, rate); // warm
  const cpu = process.cpuUsage();
  const { delays, sent } = await delaysOf(agents, rate);
  const cpuShare = cpuSecondsSince(cpu) / SECONDS;
  await service.stop();
  return {
    longestDelayMs: Number(Math.max(...delays).toFixed(1)),
    p99DelayMs: Number(quantile(delays, 0.99).toFixed(1)),
    longestDelayIdleMs: Number(Math.max(...idle.delays).toFixed(1)),
    sealedMegabytesPerSecond: Number((sent / SECONDS / 1e6).toFixed(1)),
    cpuShare: Number(cpuShare.toFixed(2)),
    agents: AGENTS,
    fileBytes: FILE_BYTES,
  };
}

export const push: Benchmark = {
  corpora: Object.keys(EVENTS_A_SECOND),
  mainFigure: "longestDelayMs",
  needs: () => [],
  measure,
};
