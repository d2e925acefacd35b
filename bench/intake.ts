/**
 * How many small sealed messages the agent connection service takes a CPU-second: frames, keys, MD5, zlib, AES, the event, the
 * block that would go to the journal. Sockets, the journal's writes and acks are not in it.
 */
import assert from "node:assert/strict";
import type { AgentEntry } from "#connection/agent-table.ts";
import { encodeFrame } from "#formats/wire/agent/frame.ts";
import { sealMessage } from "#formats/wire/agent/message.ts";
import { messageCipher } from "#formats/wire/agent/message-cipher.ts";
import { EventBlockBuilder, type EventInput } from "#model/event-block.ts";
import type { EventSink } from "#model/event-sink.ts";
import { FakeClock } from "#testing/clock.ts";
import { FakeNetwork } from "#testing/network.ts";
import { agentEntry } from "./agents.ts";
import { type Benchmark, cpuSecondsSince, type Figures, quantile } from "./benchmark.ts";
import { startConnectionService } from "./connection-service.ts";

const AGENTS = 1000;
/** Messages that one read of a socket brings: agents send each by itself, some meet on the way. */
const MESSAGES_PER_CHUNK = 4;
const CHUNKS_PER_AGENT = 10;
const ROUNDS = 5;
const LOG_LINE =
  "Nov 21 10:00:01 web1 sshd[1001]: Failed password for invalid user admin from 203.0.113.9 port 40001 ssh2";

/** Builds the journal's blocks and lets them go. */
export class BlockSink implements EventSink {
  readonly pressure = "none";
  events = 0;
  blocks = 0;
  readonly #builder = new EventBlockBuilder(1);

  append(event: EventInput): boolean {
    this.events++;
    if (this.#builder.append(event)) return true;
    this.#builder.take(0);
    this.blocks++;
    return this.#builder.append(event);
  }

  whenDurable(run: () => void): void {
    run();
  }
}

function sealedChunk(agent: AgentEntry, firstLocal: number): Buffer {
  const cipher = messageCipher(agent, "aes");
  const frames = Array.from({ length: MESSAGES_PER_CHUNK }, (_, index) => {
    const counters = { global: 1, local: firstLocal + index };
    const message = Buffer.from(`1:/var/log/auth.log:${LOG_LINE} ${counters.local}`);
    const input = { cipher, random: 55_555, counters, message, idPrefix: agent.id };
    return encodeFrame(sealMessage(input));
  });
  return Buffer.concat(frames);
}

async function measure(): Promise<Figures> {
  const sink = new BlockSink();
  const network = new FakeNetwork();
  const service = await startConnectionService(sink, network, new FakeClock());
  const agents = Array.from({ length: AGENTS }, (_, index) => agentEntry(index + 1));
  for (const agent of agents) service.applyKeyChange({ kind: "put", agent });
  const connections = agents.map(() => network.connect(1514));
  const chunks = agents.map((agent) =>
    Array.from({ length: CHUNKS_PER_AGENT }, (_, chunk) =>
      sealedChunk(agent, 1 + chunk * MESSAGES_PER_CHUNK),
    ),
  );

  const rates: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    for (let chunk = 0; chunk < CHUNKS_PER_AGENT; chunk++) {
      for (const [index, connection] of connections.entries()) {
        const bytes = chunks[index]?.[chunk];
        assert(bytes !== undefined);
        connection.receive(bytes);
      }
    }
    const messages = AGENTS * CHUNKS_PER_AGENT * MESSAGES_PER_CHUNK;
    rates.push(messages / cpuSecondsSince(before));
  }
  assert.equal(sink.events, ROUNDS * AGENTS * CHUNKS_PER_AGENT * MESSAGES_PER_CHUNK);

  return {
    messagesPerCpuSecond: Math.round(quantile(rates, 0.5)),
    agents: AGENTS,
    messagesPerChunk: MESSAGES_PER_CHUNK,
    messageBytes: 20 + LOG_LINE.length,
    blocks: sink.blocks,
  };
}

export const intake: Benchmark = {
  corpora: ["small messages"],
  mainFigure: "messagesPerCpuSecond",
  needs: () => [],
  measure,
};
