/** Goal: counts stand under the peer's names. Method: some messages of each queue. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RecordingMetrics } from "#testing/log.ts";
import { EventCounts } from "./event-counts.ts";

test("EventCounts counts by queue what came, what was decoded and what the rules saw", () => {
  const counts = new EventCounts();
  const metrics = new RecordingMetrics();
  for (const queue of "11e88895dfpu3\xff") counts.receive(queue);
  for (let number = 0; number < 4; number++) counts.process();
  counts.publish(metrics);
  counts.publish(metrics);
  assert.deepEqual(Object.fromEntries(metrics.values), {
    events_received: 14,
    total_events_decoded: 12,
    hostinfo_events_decoded: 1,
    dbsync_messages_dispatched: 1,
    syscheck_events_decoded: 3,
    rootcheck_events_decoded: 1,
    syscollector_events_decoded: 1,
    winevt_events_decoded: 1,
    sca_events_decoded: 1,
    other_events_decoded: 4,
    events_processed: 4,
    events_dropped: 0,
  });
});
