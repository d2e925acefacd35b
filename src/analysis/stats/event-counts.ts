/** What the analysis has done since the start, under the names of the peer's state file (wazuh v4.14.7: src/analysisd/state.c). */
import type { Metrics } from "#kernel/ports/metrics.ts";

/** Each queue that the peer counts apart. */
const NAMES: Readonly<Record<string, string>> = {
  "3": "hostinfo_events_decoded",
  "5": "dbsync_messages_dispatched",
  "8": "syscheck_events_decoded",
  "9": "rootcheck_events_decoded",
  d: "syscollector_events_decoded",
  f: "winevt_events_decoded",
  p: "sca_events_decoded",
};
/** Messages that no decoder reads: synchronisation, results of upgrades. */
const NOT_DECODED = new Set(["5", "u"]);
/** A queue is one byte. */
const QUEUES = 256;

export class EventCounts {
  readonly #received = new Float64Array(QUEUES);
  #processed = 0;

  receive(queue: string): void {
    const place = queue.charCodeAt(0) % QUEUES;
    this.#received[place] = (this.#received[place] ?? 0) + 1;
  }

  /** The rules have seen one. */
  process(): void {
    this.#processed++;
  }

  publish(metrics: Metrics): void {
    let received = 0;
    let decoded = 0;
    let others = 0;
    for (const [place, count] of this.#received.entries()) {
      if (count === 0) continue;
      const queue = String.fromCharCode(place);
      const name = NAMES[queue];
      received += count;
      if (!NOT_DECODED.has(queue)) decoded += count;
      if (name !== undefined) metrics.set(name, count);
      else if (!NOT_DECODED.has(queue)) others += count;
    }
    metrics.set("events_received", received);
    metrics.set("total_events_decoded", decoded);
    metrics.set("other_events_decoded", others);
    metrics.set("events_processed", this.#processed);
    // The peer's queues overflow; here events wait in the journal.
    metrics.set("events_dropped", 0);
  }
}
