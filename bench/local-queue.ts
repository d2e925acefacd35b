/**
 * How many events of a local program the event queue takes a CPU-second, from the kernel's socket to the block that would go to the journal; and
 * how long a turn of other work waits meanwhile. The sender's time is not in it.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { SystemClock } from "#kernel/platform/clock.ts";
import { SystemUnixDatagrams } from "#kernel/platform/unix-datagrams.ts";
import { EventQueue } from "#local-sockets/event-queue.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import { type Benchmark, cpuSecondsSince, type Figures } from "./benchmark.ts";
import { BlockSink } from "./intake.ts";

const EVENTS = 300_000;
const SENDER = fileURLToPath(new URL("./local-sender.ts", import.meta.url));
const NANOSECONDS_PER_MS = 1e6;

async function flood(path: string, events: number): Promise<void> {
  const child = spawn(process.execPath, [SENDER, path, String(events)], { stdio: "inherit" });
  assert.deepEqual(await once(child, "close"), [0, null]);
}

async function measure(): Promise<Figures> {
  const directory = mkdtempSync(`${tmpdir()}/local-queue-`);
  const path = `${directory}/queue`;
  const sink = new BlockSink();
  const queue = new EventQueue(path, {
    clock: new SystemClock(),
    log: new RecordingLog(),
    metrics: new RecordingMetrics(),
    datagrams: new SystemUnixDatagrams(),
    sink,
  });
  await queue.start();
  try {
    await flood(path, EVENTS / 10); // warm
    const delays = monitorEventLoopDelay({ resolution: 1 });
    delays.enable();
    const before = process.cpuUsage();
    const startMs = performance.now();
    await flood(path, EVENTS);
    const seconds = (performance.now() - startMs) / 1000;
    const messagesPerCpuSecond = Math.round(EVENTS / cpuSecondsSince(before));
    delays.disable();
    await queue.stop();
    assert.equal(sink.events, EVENTS + EVENTS / 10);
    const othersWaitedMsMax = Math.round(delays.max / NANOSECONDS_PER_MS);
    return { messagesPerCpuSecond, messagesPerSecond: Math.round(EVENTS / seconds), othersWaitedMsMax };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

export const localQueue: Benchmark = {
  corpora: ["one sender"],
  mainFigure: "messagesPerCpuSecond",
  needs: () => [],
  measure,
};
