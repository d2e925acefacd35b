/**
 * Goal: events of this host's programs reach the journal once and in order, none is dropped for want of room, and nothing hostile does harm. Method:
 * sockets in memory, a journal whose room the test decides, the peer's datagrams (vectors), cut and damaged ones.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { EventInput } from "#model/event-block.ts";
import type { Pressure } from "#model/event-sink.ts";
import { FakeClock } from "#testing/clock.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import { SeededRandom } from "#testing/random.ts";
import { FakeUnixDatagrams } from "#testing/unix-datagrams.ts";
import { EventQueue, parseLocalEvent } from "./event-queue.ts";
import { LOG_PERIOD_MS, PRESSURE_LOOK_MS, RELAY_PERIOD_MS, RELAYED_MAX } from "./limits.ts";
import { MessageRelay } from "./message-relay.ts";

const PATH = "/home/queue/sockets/queue";
const VECTORS = new URL("../../test/vectors/analysis/queue.jsonl", import.meta.url);

class Sink {
  readonly events: EventInput[] = [];
  pressure: Pressure = "none";
  hasRoom = true;

  append(event: EventInput): boolean {
    if (this.hasRoom) this.events.push(event);
    return this.hasRoom;
  }

  whenDurable(run: () => void): void {
    run();
  }
}

async function serve() {
  const needs = {
    clock: new FakeClock(),
    log: new RecordingLog(),
    metrics: new RecordingMetrics(),
    datagrams: new FakeUnixDatagrams(),
    sink: new Sink(),
  };
  const queue = new EventQueue(PATH, needs);
  await queue.start();
  return { ...needs, queue, send: (text: string) => needs.datagrams.send(PATH, text) };
}

test("EventQueue journals what the peer takes, for the agent that it names", async () => {
  const { send, sink, log, clock, metrics } = await serve();
  send("1:my|:script:Nov 20 04:41:01 h sshd[1]: \xff: x\0");
  send("1:[001] (web1) any->integration:{}");
  const receivedMs = clock.wallMs();
  assert.deepEqual(sink.events, [
    {
      receivedMs,
      queue: "1",
      agentId: "000",
      locationPrefix: "",
      location: "my:script",
      message: "Nov 20 04:41:01 h sshd[1]: \xff: x",
    },
    {
      receivedMs,
      queue: "1",
      agentId: "001",
      locationPrefix: "",
      location: "(web1) any->integration",
      message: "{}",
    },
  ]);
  assert.equal(metrics.get("local_events"), 2);
  assert.deepEqual(log.lines, []);
});

test("parseLocalEvent() refuses of the peer's datagrams what the peer refuses", () => {
  const rows = readFileSync(VECTORS, "utf8").trim().split("\n");
  for (const row of rows) {
    const { datagram, category, archive } = JSON.parse(row);
    const parsed = parseLocalEvent(Buffer.from(datagram, "utf8"));
    assert.equal("error" in parsed, category === "bad-format", datagram);
    if (archive.length > 0) assert("agentId" in parsed && parsed.agentId === archive[0].agent.id, datagram);
  }
});

test("EventQueue says what it cannot read in the peer's words, once in a while", async () => {
  const { send, sink, log, clock, metrics } = await serve();
  const bad = [
    "1:no-colon-here",
    "x",
    "1:[001 any:x",
    "1:[../../x] (a) any->b:x",
    `1:[${"9".repeat(300)}]:x`,
  ];
  for (const text of bad) send(text);
  assert.deepEqual(log.texts("error"), [
    "(1106): String not correctly formatted.",
    "(1222): Invalid msg: 1:no-colon-here",
  ]);
  clock.advance(LOG_PERIOD_MS);
  send("\x1b");
  assert.equal(log.texts("error").at(-1), "(1222): Invalid msg: ? (4 more since the last line)");
  assert.equal(metrics.get("local_events_malformed"), 6);
  assert.equal(sink.events.length, 0);
});

test("EventQueue lets senders wait while the journal has pressure, and drops nothing", async () => {
  const { send, sink, clock, datagrams, queue, metrics } = await serve();
  const texts = Array.from({ length: 5 }, (_, number) => `1:x:${number}`);
  sink.pressure = "high";
  send(texts[0] ?? "");
  send(texts[1] ?? "");
  assert.equal(sink.events.length, 1, "what was read is taken");
  clock.advance(PRESSURE_LOOK_MS);
  assert.equal(datagrams.waiting(PATH), 1);
  sink.pressure = "none";
  sink.hasRoom = false;
  clock.advance(PRESSURE_LOOK_MS);
  for (const text of texts.slice(2)) send(text);
  assert.equal(sink.events.length, 1, "the second is kept");
  clock.advance(PRESSURE_LOOK_MS);
  sink.hasRoom = true;
  clock.advance(PRESSURE_LOOK_MS);
  assert.deepEqual(
    sink.events.map(({ message }) => message),
    ["0", "1", "2", "3", "4"],
  );
  assert.equal(metrics.get("local_events_pauses"), 2);
  sink.hasRoom = false;
  send("1:x:last");
  sink.hasRoom = true;
  await queue.stop();
  assert.equal(sink.events.at(-1)?.message, "last");
  assert.equal(clock.pendingTimers, 0);
});

test("parseLocalEvent() survives cuts and damage", () => {
  const whole = Buffer.from("1:[001] (web1) any->C|:\\logs\\a.log:Nov 20 04:41:01 h x: y", "latin1");
  for (let cut = 0; cut <= whole.length; cut++) parseLocalEvent(whole.subarray(0, cut));
  const random = new SeededRandom(3);
  for (let round = 0; round < 3000; round++) {
    const parsed = parseLocalEvent(random.mutate(whole));
    if (!("error" in parsed)) assert.match(parsed.agentId, /^[0-9]+$/);
  }
  parseLocalEvent(Buffer.alloc(65_535, "|"));
});

test("MessageRelay hands over so many at a time and lets the others wait", async () => {
  const clock = new FakeClock();
  const datagrams = new FakeUnixDatagrams();
  const relayed: string[] = [];
  const needs = {
    clock,
    datagrams,
    metrics: new RecordingMetrics(),
    relay: (text: string) => relayed.push(text),
  };
  const relay = new MessageRelay(PATH, needs);
  await relay.start();
  datagrams.send(PATH, "first\0rest");
  assert.deepEqual(relayed, ["first"]);
  for (let number = 1; number < RELAYED_MAX + 5; number++) datagrams.send(PATH, `${number}`);
  assert.equal(relayed.length, RELAYED_MAX);
  clock.advance(RELAY_PERIOD_MS);
  assert.equal(relayed.length, RELAYED_MAX + 5);
  await relay.stop();
  assert.equal(clock.pendingTimers, 0);
});
