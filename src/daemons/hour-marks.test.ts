/** Goal: each local hour has one mark, also in zones with odd offsets and when the journal was full. Method: a clock that jumps. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "#testing/clock.ts";
import { HourMarks } from "./hour-marks.ts";

process.env["TZ"] = "Asia/Kolkata";

/** Ten minutes past noon in India. */
const START_MS = Date.UTC(2026, 10, 21, 6, 40);
const MINUTE_MS = 60_000;

test("HourMarks marks the start and each local hour", () => {
  const clock = new FakeClock(START_MS);
  const marks: number[] = [];
  const hourMarks = new HourMarks(clock, (nowMs) => marks.push((nowMs - START_MS) / MINUTE_MS) > 0);
  clock.advance(49 * MINUTE_MS);
  assert.deepEqual(marks, [0]);
  clock.advance(62 * MINUTE_MS);
  assert.deepEqual(marks, [0, 50, 110]);
  clock.jump(26 * 60 * MINUTE_MS);
  clock.advance(2000);
  assert.equal(marks.length, 4, "the clock was set to another day");
  hourMarks.stop();
  clock.advance(600 * MINUTE_MS);
  assert.equal(marks.length, 4);
});

test("HourMarks tries again until the mark is in the journal", () => {
  const clock = new FakeClock(START_MS);
  let asked = 0;
  const hourMarks = new HourMarks(clock, () => ++asked === 4);
  clock.advance(10_000);
  assert.equal(asked, 4);
  hourMarks.stop();
});
