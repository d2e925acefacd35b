/** Goal: order is kept whatever the journal refuses. Method: a sink that takes a given number of events and then refuses. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { EventInput } from "#model/event-block.ts";
import type { EventSink } from "#model/event-sink.ts";
import { PatientSink } from "./patient-sink.ts";

class NarrowSink implements EventSink {
  readonly pressure = "high";
  room = 0;
  readonly messages: string[] = [];

  append({ message }: EventInput): boolean {
    if (this.room === 0) return false;
    this.room--;
    this.messages.push(String(message));
    return true;
  }

  whenDurable(run: () => void): void {
    run();
  }
}

function event(message: string): EventInput {
  return { receivedMs: 0, queue: "1", agentId: "001", locationPrefix: "", location: "", message };
}

test("PatientSink hands over in order, as far as there is room", () => {
  const narrow = new NarrowSink();
  const sink = new PatientSink(narrow);
  narrow.room = 1;
  for (const message of ["a", "b"]) sink.append(event(message));
  assert.deepEqual([sink.blocked, sink.pressure, sink.waitingEvents], [true, "full", 1]);
  narrow.room = 1;
  sink.append(event("c"));
  assert.deepEqual(narrow.messages, ["a"], "c waits behind b although there is room");
  sink.retry();
  assert.deepEqual([narrow.messages, sink.waitingEvents], [["a", "b"], 1]);
  narrow.room = 5;
  sink.retry();
  sink.append(event("d"));
  assert.deepEqual(narrow.messages, ["a", "b", "c", "d"]);
  assert.deepEqual([sink.blocked, sink.pressure], [false, "high"]);
});

test("PatientSink answers for nothing while something waits", () => {
  const sink = new PatientSink(new NarrowSink());
  sink.append(event("a"));
  assert.throws(() => sink.whenDurable(() => {}), assert.AssertionError);
});
