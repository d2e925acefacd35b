/** Goal: events wait for the next second, and the log says it once. Method: a clock that the test moves. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "#testing/clock.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import { EventLimit } from "./event-limit.ts";

function newLimit(): { limit: EventLimit; clock: FakeClock; log: RecordingLog; metrics: RecordingMetrics } {
  const [clock, log, metrics] = [new FakeClock(), new RecordingLog(), new RecordingMetrics()];
  const limit = new EventLimit({ clock, log, metrics }, { eventsPerSecond: 2, timeframeSeconds: 1 });
  return { limit, clock, log, metrics };
}

test("EventLimit says how long an event has to wait: until the next second", () => {
  const { limit, clock } = newLimit();
  clock.advance(1000 - (clock.monotonicMs() % 1000) + 300);
  assert.deepEqual([limit.take(), limit.take(), limit.take()], [0, 0, 700]);
  clock.advance(699);
  assert.equal(limit.take(), 1);
  clock.advance(1);
  assert.deepEqual([limit.take(), limit.take(), limit.take() > 0], [0, 0, true]);
});

test("EventLimit says that events wait and that none does any more, once an hour, and counts each time", () => {
  const { limit, clock, log, metrics } = newLimit();
  assert.deepEqual(log.texts("info"), ["EPS limit enabled, EPS: '2', timeframe: '1'"]);
  const burst = () => {
    for (let asked = 0; asked < 7; ) {
      const waitMs = limit.take();
      if (waitMs === 0) asked++;
      else clock.advance(waitMs);
    }
    assert.equal(limit.reached, true);
    limit.caughtUp();
    assert.equal(limit.reached, false);
  };
  burst();
  assert.equal(log.texts("warning").length, 1);
  assert.match(log.texts("info")[1] ?? "", /held events back for 3 s/);
  burst();
  limit.caughtUp();
  assert.equal(log.texts("warning").length, 1);
  assert.equal(log.texts("info").length, 2);
  assert.equal(metrics.get("eps_limit_reached"), 2);
  assert(metrics.get("eps_seconds_over_limit") >= 6);
  clock.advance(3_600_000);
  burst();
  assert.equal(log.texts("warning").length, 2);
  assert.equal(log.texts("info").length, 3);
});
