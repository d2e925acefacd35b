/** What becomes of a decision about responses: its line, or a count and a word in the log. */
import type { Clock } from "#kernel/ports/clock.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { Metrics } from "#kernel/ports/metrics.ts";
import type { Verdict } from "../alert/document.ts";
import type { Event } from "../event.ts";
import { type AlertDocuments, decisionLine } from "./document.ts";
import type { Firing } from "./firing.ts";

/** What agents send could otherwise fill the log. */
const WARNING_PERIOD_MS = 1000;

export type ResponseRecordsNeeds = { readonly clock: Clock; readonly log: Log; readonly metrics: Metrics };

export class ResponseRecords {
  readonly #needs: ResponseRecordsNeeds;
  #warnedMs = Number.NEGATIVE_INFINITY;
  #unsaid = 0;

  constructor(needs: ResponseRecordsNeeds) {
    this.#needs = needs;
  }

  /** Null when nothing is to be run. */
  line(
    event: Event,
    verdict: Verdict,
    { firing, documents }: { readonly firing: Firing; readonly documents: AlertDocuments },
  ): string | null {
    const { metrics } = this.#needs;
    switch (firing.kind) {
      case "none":
        return null;
      case "white_listed":
        metrics.add("responses_white_listed");
        return null;
      case "refused":
        metrics.add("responses_refused");
        this.#warn(firing.warning);
        return null;
      case "fires":
        return this.#decided(event, { rule: verdict.rule, responses: firing.responses }, documents);
    }
  }

  #decided(
    event: Event,
    decided: Parameters<typeof decisionLine>[1],
    documents: AlertDocuments,
  ): string | null {
    const { metrics } = this.#needs;
    const line = decisionLine(event, decided, documents);
    if (line === null) {
      metrics.add("responses_alert_too_long");
      const place = `agent ${event.agentId}, journal position ${event.position}`;
      this.#warn(`No active response is run for an alert that is too long for an agent's message (${place})`);
      return null;
    }
    metrics.add("responses_decided", decided.responses.length);
    return line;
  }

  #warn(text: string): void {
    const { clock, log } = this.#needs;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#warnedMs < WARNING_PERIOD_MS) {
      this.#unsaid++;
      return;
    }
    this.#warnedMs = nowMs;
    log.write("warning", this.#unsaid === 0 ? text : `${text} (${this.#unsaid} more since the last line)`);
    this.#unsaid = 0;
  }
}
