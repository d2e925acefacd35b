/** Goal: one line when the clock is set, none while it runs. Method: a clock that the test moves and sets. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "#testing/clock.ts";
import { RecordingLog } from "#testing/log.ts";
import { ClockWatch } from "./clock-watch.ts";

test("ClockWatch says once how far the clock was set, and in which direction", () => {
  const clock = new FakeClock();
  const log = new RecordingLog();
  const watch = new ClockWatch(clock, log);
  clock.advance(60_000);
  clock.jump(4000); // a correction, not a jump
  clock.advance(60_000);
  assert.deepEqual(log.texts(), []);
  clock.jump(3_600_000);
  clock.advance(10_000);
  assert.equal(log.texts("warning").length, 1);
  assert.match(log.texts()[0] ?? "", /set forward by 3604 s/);
  clock.jump(-7_200_000);
  clock.advance(10_000);
  assert.match(log.texts()[1] ?? "", /set back by 7200 s/);
  watch.stop();
  assert.equal(clock.pendingTimers, 0);
});
