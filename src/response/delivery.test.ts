/** Goal: what leaves for an agent is the control message, and what does not leave is told. Method: a sender that answers as the connection service. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "#testing/clock.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import { ResponseDelivery } from "./delivery.ts";
import { ResponseEvents } from "./events.ts";
import { ResponseHandover } from "./handover.ts";
import { HANDOVER_CHARS_MAX, LOG_PERIOD_MS } from "./limits.ts";
import type { SendOutcome } from "./needs.ts";

class Bench {
  readonly clock = new FakeClock();
  readonly log = new RecordingLog();
  readonly metrics = new RecordingMetrics();
  readonly events = new ResponseEvents(this);
  readonly sent: string[] = [];
  outcome: SendOutcome = "sent";
  readonly delivery = new ResponseDelivery((agentId, message) => {
    this.sent.push(`${agentId} ${Buffer.from(message).toString("latin1")}`);
    return this.outcome;
  }, this.events);
}

test("ResponseDelivery sends the text as a control message, byte for byte", () => {
  const bench = new Bench();
  bench.delivery.deliver("001", '#!-execd {"a":"\xff"}');
  assert.deepEqual(bench.sent, ['001 #!-execd {"a":"\xff"}']);
  assert.equal(bench.metrics.get("responses_sent"), 1);
  assert.deepEqual(bench.log.lines, []);
});

test("ResponseDelivery counts and says why a message did not leave, once in a while", () => {
  const bench = new Bench();
  const texts: Readonly<Record<Exclude<SendOutcome, "sent">, string>> = {
    agent_unknown: "(1320): Agent '001' not found.",
    agent_disconnected: "(1245): Sending message to disconnected agent '001'.",
    not_connected: "Agent '001' is not connected.",
    output_full: "Agent '001' does not read what it is sent.",
  };
  for (const outcome of ["agent_unknown", "agent_disconnected", "not_connected", "output_full"] as const) {
    bench.outcome = outcome;
    for (let count = 0; count < 3; count++) bench.delivery.deliver("001", "{}");
    bench.clock.advance(LOG_PERIOD_MS);
    bench.delivery.deliver("001", "{}");
    const line = `${texts[outcome]} Its active response is lost.`;
    assert.deepEqual(bench.log.texts("warning"), [line, `${line} (2 more since the last line)`]);
    assert.equal(bench.metrics.get(`responses_${outcome}`), 4);
    bench.log.lines.length = 0;
  }
  bench.delivery.deliver("../1", "{}");
  assert.equal(bench.metrics.get("responses_agent_unknown"), 5);
});

test("ResponseHandover hands on what the other side has room for and drops the rest", () => {
  const bench = new Bench();
  const handed: string[] = [];
  const handover = new ResponseHandover((lines) => handed.push(lines), bench.events);
  const large = `${"x".repeat(HANDOVER_CHARS_MAX - 10)}\n`;
  for (const lines of [large, "a\nb\n", "c\nd\ne\nf\ng\n"]) handover.hand(lines);
  assert.deepEqual(handed, [large, "a\nb\n"]);
  assert.equal(bench.metrics.get("responses_not_handed_over"), 5);
  handover.taken(large.length);
  handover.hand("h\n");
  assert.deepEqual(handed.slice(1), ["a\nb\n", "h\n"]);
  // A piece that is too large by itself goes when nothing else is on its way.
  handover.taken(6);
  handover.hand(`${large}${large}`);
  assert.equal(handed.length, 4);
});
