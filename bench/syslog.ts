/**
 * How many syslog messages the listener takes a CPU-second, from the bytes of a datagram or a connection to the block that would go to the
 * journal. The kernel's sockets and the journal's writes are not in it.
 */
import assert from "node:assert/strict";
import { parseAddressRule } from "#config/text-kinds.ts";
import type { SyslogListenerConfig } from "#syslog-input/config.ts";
import { SyslogListener } from "#syslog-input/listener.ts";
import { FakeClock } from "#testing/clock.ts";
import { FakeFiles } from "#testing/files.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import { FakeNetwork } from "#testing/network.ts";
import { type Benchmark, cpuSecondsSince, type Figures, quantile } from "./benchmark.ts";
import { BlockSink } from "./intake.ts";

const PORT = 514;
const SENDERS = 200;
/** A read of a busy connection brings as many; over UDP each comes by itself. */
const MESSAGES_PER_SENDER = 500;
const ROUNDS = 7;
const TEXT = "Failed password for invalid user admin from 203.0.113.9 port 40001 ssh2";
const CLASSIC = `<38>Nov 21 10:00:01 web1 sshd[1001]: ${TEXT}`;
const MODERN = `<38>1 2026-11-21T10:00:01.123456+00:00 web1 sshd 1001 - [timeQuality tzKnown="1" isSynced="0"] ${TEXT}`;

type Corpus = Pick<SyslogListenerConfig, "protocol" | "format"> & {
  readonly message: string;
  /** With its length in front, else a line. */
  readonly counted: boolean;
};

const CORPORA: Readonly<Record<string, Corpus>> = {
  UDP: { protocol: "udp", format: "raw", message: CLASSIC, counted: false },
  "UDP RFC 5424": { protocol: "udp", format: "rfc5424", message: MODERN, counted: false },
  "TCP lines": { protocol: "tcp", format: "raw", message: CLASSIC, counted: false },
  "TCP lengths": { protocol: "tcp", format: "raw", message: CLASSIC, counted: true },
};

async function startListener(
  { protocol, format }: Corpus,
  needs: { readonly network: FakeNetwork; readonly clock: FakeClock; readonly sink: BlockSink },
): Promise<void> {
  const any = parseAddressRule("any");
  assert(any !== null);
  const access = { allowed: [any], denied: [], messagesPerSecond: 0, idleSeconds: 0 };
  const listener = new SyslogListener(
    { host: "0.0.0.0", port: PORT, protocol, format, tls: null, processId: 0, ...access },
    { files: new FakeFiles(), log: new RecordingLog(), metrics: new RecordingMetrics(), ...needs },
  );
  await listener.start();
}

/** What gives the listener the messages of every sender once. */
function feeder({ protocol, message, counted }: Corpus, network: FakeNetwork): () => void {
  const address = (sender: number) => `10.0.${sender >> 8}.${sender & 0xff}`;
  const senders = Array.from({ length: SENDERS }, (_, sender) => address(sender));
  if (protocol === "udp") {
    const bytes = Buffer.from(message);
    const remotes = senders.map((sender) => ({ address: sender, port: 40_000 }));
    return () => {
      for (let round = 0; round < MESSAGES_PER_SENDER; round++) {
        for (const remote of remotes) network.datagram(PORT, bytes, remote);
      }
    };
  }
  const framed = counted ? `${message.length} ${message}` : `${message}\n`;
  const chunk = Buffer.from(framed.repeat(MESSAGES_PER_SENDER));
  const connections = senders.map((sender) => network.connect(PORT, sender));
  return () => {
    for (const connection of connections) connection.receive(chunk);
  };
}

async function measure(name: string): Promise<Figures> {
  const corpus = CORPORA[name];
  assert(corpus !== undefined);
  const network = new FakeNetwork();
  const sink = new BlockSink();
  await startListener(corpus, { network, clock: new FakeClock(), sink });
  const feed = feeder(corpus, network);
  const messages = SENDERS * MESSAGES_PER_SENDER;
  feed(); // warm
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    feed();
    rates.push(messages / cpuSecondsSince(before));
  }
  assert.equal(sink.events, (ROUNDS + 1) * messages);
  return {
    messagesPerCpuSecond: Math.round(quantile(rates, 0.5)),
    senders: SENDERS,
    messageBytes: corpus.message.length,
    blocks: sink.blocks,
  };
}

export const syslog: Benchmark = {
  corpora: Object.keys(CORPORA),
  mainFigure: "messagesPerCpuSecond",
  needs: () => [],
  measure,
};
