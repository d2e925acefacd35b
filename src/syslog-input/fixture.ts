/** For the tests of this folder: a listener on fakes, and a journal that fills up when a test says so. */

import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { AddressRule } from "#config/text-kinds.ts";
import { parseAddressRule } from "#config/text-kinds.ts";
import { SystemClock } from "#kernel/platform/clock.ts";
import { systemNetwork } from "#kernel/platform/network.ts";
import type { EventInput } from "#model/event-block.ts";
import type { EventSink, Pressure } from "#model/event-sink.ts";
import { FakeClock } from "#testing/clock.ts";
import { FakeFiles } from "#testing/files.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import { FakeNetwork } from "#testing/network.ts";
import type { SyslogListenerConfig } from "./config.ts";
import { SyslogListener } from "./listener.ts";

export const SENDER = "192.0.2.10";

export function rules(...texts: readonly string[]): AddressRule[] {
  return texts.map((text) => {
    const rule = parseAddressRule(text);
    if (rule === null) throw new Error(`no rule: ${text}`);
    return rule;
  });
}

export const CONFIG: SyslogListenerConfig = {
  host: "127.0.0.1",
  port: 514,
  protocol: "tcp",
  tls: null,
  format: "raw",
  allowed: rules("192.0.2.0/24", "2001:db8::/32", "127.0.0.1"),
  denied: rules("192.0.2.66"),
  messagesPerSecond: 0,
  idleSeconds: 86_400,
  processId: 4711,
};

export class TestSink implements EventSink {
  pressure: Pressure = "none";
  /** Events that still find room. */
  room = Number.POSITIVE_INFINITY;
  readonly events: EventInput[] = [];

  append(event: EventInput): boolean {
    if (this.room <= 0) return false;
    this.room--;
    const message = typeof event.message === "string" ? event.message : Buffer.from(event.message);
    this.events.push({ ...event, message });
    return true;
  }

  whenDurable(run: () => void): void {
    run();
  }

  get texts(): string[] {
    return this.events.map(({ message }) =>
      typeof message === "string" ? message : Buffer.from(message).toString("latin1"),
    );
  }

  /** As the peer's queue would show them, but for the escapes of the location. */
  get queued(): string[] {
    return this.events.map(({ queue, location }, index) => `${queue}:${location}:${this.texts[index]}`);
  }
}

export class TestListener {
  readonly clock = new FakeClock();
  readonly network = new FakeNetwork();
  readonly log = new RecordingLog();
  readonly metrics = new RecordingMetrics();
  readonly files = new FakeFiles();
  readonly sink = new TestSink();
  readonly listener: SyslogListener;

  constructor(changes: Partial<SyslogListenerConfig> = {}) {
    this.listener = new SyslogListener({ ...CONFIG, ...changes }, this);
  }

  datagram(text: string | Buffer, address = SENDER): void {
    const bytes = typeof text === "string" ? Buffer.from(text, "latin1") : text;
    this.network.datagram(514, bytes, { address, port: 40_000 });
  }
}

/** A listener on the system's sockets and clock, on a free port; it ends with the test. */
export async function startOnLoopback(
  context: TestContext,
  changes: Partial<SyslogListenerConfig>,
  files = new FakeFiles(),
) {
  const needs = { log: new RecordingLog(), metrics: new RecordingMetrics(), sink: new TestSink(), files };
  const config = { ...CONFIG, allowed: rules("any"), port: 0, ...changes };
  const listener = new SyslogListener(config, { ...needs, network: systemNetwork, clock: new SystemClock() });
  await listener.start().catch(async (error: unknown) => {
    await listener.stop();
    throw error;
  });
  context.after(() => listener.stop());
  return { ...needs, port: listener.port };
}

/** Waits for what another socket or process brings about. */
export async function until(holds: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 10_000;
  while (!holds()) {
    assert(performance.now() < deadlineMs, "not reached");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

export async function startListener(changes: Partial<SyslogListenerConfig> = {}): Promise<TestListener> {
  const test = new TestListener(changes);
  await test.listener.start();
  return test;
}
