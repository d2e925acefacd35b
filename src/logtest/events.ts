/** Everything the log test service says and counts. Texts with a number are the peer's. */
import type { Log } from "#kernel/ports/log.ts";
import type { Metrics } from "#kernel/ports/metrics.ts";

export type LogtestCounter =
  | "logtest_requests"
  | "logtest_requests_refused"
  | "logtest_events_failed"
  | "logtest_sessions_opened"
  | "logtest_sessions_failed"
  | "logtest_sessions_removed"
  | "logtest_sessions_idle"
  /** Closed for `max_sessions`, for what all remember, for the number of rule sets. */
  | "logtest_sessions_over_limit"
  | "logtest_sessions_over_memory"
  | "logtest_sessions_over_rulesets"
  | "logtest_rulesets_loaded";

export class LogtestEvents {
  readonly #log: Log;
  readonly #metrics: Metrics;

  constructor({ log, metrics }: { readonly log: Log; readonly metrics: Metrics }) {
    this.#log = log;
    this.#metrics = metrics;
  }

  count(counter: LogtestCounter, amount = 1): void {
    this.#metrics.add(counter, amount);
  }

  open(sessions: number, rulesets: number): void {
    this.#metrics.set("logtest_sessions", sessions);
    this.#metrics.set("logtest_rulesets", rulesets);
  }

  started(): void {
    this.#log.write("info", "(7200): Logtest started");
  }

  eventFailed(cause: string): void {
    this.count("logtest_events_failed");
    this.#log.write("error", `An event of the log test could not be analysed: ${cause}`);
  }
}
