/** Where every source of events puts them: the journal, as the services see it. */
import type { EventInput } from "./event-block.ts";

/**
 * `none`: go on. `high`: the journal nears its limit, read less. `full`: nothing more is accepted for now; what is in hand still
 * finds room, but read nothing new.
 */
export type Pressure = "none" | "high" | "full";

export interface EventSink {
  readonly pressure: Pressure;
  /** Copies the event. False only when a full journal has no room left for it either: the caller keeps the event. */
  append(event: EventInput): boolean;
  /** Calls `run` once everything appended so far is on stable storage, in the order of the calls; at once when it already is. */
  whenDurable(run: () => void): void;
}
