/** Goal: a dead letter is one line of JSON from which the event can be made again, byte for byte. Method: every byte, odd errors. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LocalClock } from "#kernel/local-time.ts";
import { DEAD_LETTERS_PER_SECOND_MAX, DeadLetterLimit, deadLetterLine } from "./dead-letters.ts";

const BYTES = Array.from({ length: 256 }, (_, index) => String.fromCharCode(index)).join("");
const RAW = {
  position: 5967,
  receivedMs: 1_795_249_255_115,
  queue: "8",
  agentId: "001",
  location: `(web1) any->${BYTES}`,
  message: BYTES,
};

function letterOf(error: unknown): { readonly [name: string]: unknown } {
  const line = deadLetterLine(RAW, error, new LocalClock());
  assert.match(line, /^[\x20-\xff]+\n$/, "one line of bytes");
  return JSON.parse(line);
}

test("deadLetterLine() keeps every byte of the event", () => {
  const { id, event } = letterOf(new Error("x"));
  assert.equal(id, "1795249255.5967");
  assert.deepEqual(event, { queue: "8", agent: "001", location: RAW.location, message: BYTES });
});

test("deadLetterLine() names the error and the places that led to it", () => {
  const thrower = (): never => {
    throw new TypeError("no \u010a good\nat all");
  };
  try {
    thrower();
  } catch (error) {
    const { reason, frames } = letterOf(error);
    assert.equal(reason, "TypeError: no \u010a good\nat all");
    assert(Array.isArray(frames) && frames.length <= 5);
    assert.match(String(frames[0]), /^at thrower \(.*dead-letters\.test\.ts:\d+:\d+\)$/);
  }
  assert.equal(letterOf("a text")["reason"], "a text");
  assert.deepEqual(letterOf(undefined)["frames"], []);
  assert.equal(String(letterOf(new Error("y".repeat(100_000)))["reason"]).length, 500);
});

test("DeadLetterLimit allows so many in each second of the events' time", () => {
  const limit = new DeadLetterLimit();
  const allowed = (receivedMs: number) =>
    Array.from({ length: 50 }, () => limit.allows(receivedMs)).filter(Boolean).length;
  assert.equal(allowed(5000), DEAD_LETTERS_PER_SECOND_MAX);
  assert.equal(allowed(5999), 0);
  assert.equal(allowed(6000), DEAD_LETTERS_PER_SECOND_MAX);
});
