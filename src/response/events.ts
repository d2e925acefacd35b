/** All that dispatching responses says and counts. Texts with a number are the peer's. */
import type { Clock } from "#kernel/ports/clock.ts";
import type { Log, LogLevel } from "#kernel/ports/log.ts";
import type { Metrics } from "#kernel/ports/metrics.ts";
import { LOG_PERIOD_MS } from "./limits.ts";
import type { SendOutcome } from "./needs.ts";

/** Why a response did not leave for an agent or did not come to an end on this host; the counter is `responses_<code>`. */
export type UnsentCode =
  | "decision_invalid"
  | "request_invalid"
  | "version_unknown"
  | "message_too_long"
  | "over_limit"
  | "not_handed_over"
  | "too_late"
  | "registry_failed"
  | "lost_at_stop"
  | "invalid"
  | "failed"
  | "not_recorded"
  | Exclude<SendOutcome, "sent">;

export class ResponseEvents {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #metrics: Metrics;
  readonly #said = new Map<UnsentCode, { atMs: number; unsaid: number }>();

  constructor(needs: { readonly clock: Clock; readonly log: Log; readonly metrics: Metrics }) {
    this.#clock = needs.clock;
    this.#log = needs.log;
    this.#metrics = needs.metrics;
  }

  /** On this host, to a good end. */
  ran(): void {
    this.#metrics.add("responses_run");
  }

  inForce(count: number): void {
    this.#metrics.set("responses_in_force", count);
  }

  sent(): void {
    this.#metrics.add("responses_sent");
  }

  unsent(
    code: UnsentCode,
    text: string,
    { level = "warning", count = 1 }: { readonly level?: LogLevel; readonly count?: number } = {},
  ): void {
    this.#metrics.add(`responses_${code}`, count);
    const nowMs = this.#clock.monotonicMs();
    const said = this.#said.get(code) ?? { atMs: Number.NEGATIVE_INFINITY, unsaid: 0 };
    this.#said.set(code, said);
    if (nowMs - said.atMs < LOG_PERIOD_MS) {
      said.unsaid++;
      return;
    }
    this.#log.write(level, said.unsaid === 0 ? text : `${text} (${said.unsaid} more since the last line)`);
    said.atMs = nowMs;
    said.unsaid = 0;
  }
}
