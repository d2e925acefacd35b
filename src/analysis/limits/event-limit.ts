/**
 * `<global><limits><eps>`: when more events come than it allows, they wait in the journal, and none is lost. The peer drops what its
 * queues do not hold.
 */
import type { Clock } from "#kernel/ports/clock.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { Metrics } from "#kernel/ports/metrics.ts";
import { EventCredits } from "./event-credits.ts";

const SECOND_MS = 1000;
/** A limit that is reached again and again is said once in this time, as in the peer. */
const SAID_PERIOD_MS = 3_600_000;

export type EventLimitOptions = { readonly eventsPerSecond: number; readonly timeframeSeconds: number };

export type EventLimitNeeds = { readonly clock: Clock; readonly log: Log; readonly metrics: Metrics };

export class EventLimit {
  readonly #needs: EventLimitNeeds;
  readonly #credits: EventCredits;
  /** Since when events wait. */
  #reachedAtMs: number | null = null;
  #saidAtMs = Number.NEGATIVE_INFINITY;
  #waitedSecond = Number.NaN;

  constructor(needs: EventLimitNeeds, { eventsPerSecond, timeframeSeconds }: EventLimitOptions) {
    this.#needs = needs;
    this.#credits = new EventCredits(eventsPerSecond, timeframeSeconds);
    const place = `EPS: '${eventsPerSecond}', timeframe: '${timeframeSeconds}'`;
    needs.log.write("info", `EPS limit enabled, ${place}`);
  }

  /** 0 when an event may be analysed now, else how long to wait before asking again. */
  take(): number {
    const nowMs = this.#needs.clock.monotonicMs();
    const second = Math.floor(nowMs / SECOND_MS);
    if (this.#credits.take(second)) return 0;
    this.#reached(nowMs, second);
    return (second + 1) * SECOND_MS - nowMs;
  }

  /** Whether events wait. */
  get reached(): boolean {
    return this.#reachedAtMs !== null;
  }

  /** All events that came are analysed. */
  caughtUp(): void {
    if (this.#reachedAtMs === null) return;
    const seconds = Math.ceil((this.#needs.clock.monotonicMs() - this.#reachedAtMs) / SECOND_MS);
    const said = this.#saidAtMs === this.#reachedAtMs;
    this.#reachedAtMs = null;
    if (!said) return;
    this.#needs.log.write("info", `The EPS limit held events back for ${seconds} s; all are analysed now.`);
  }

  #reached(nowMs: number, second: number): void {
    if (second !== this.#waitedSecond) this.#needs.metrics.add("eps_seconds_over_limit");
    this.#waitedSecond = second;
    if (this.#reachedAtMs !== null) return;
    this.#reachedAtMs = nowMs;
    this.#needs.metrics.add("eps_limit_reached");
    if (nowMs - this.#saidAtMs < SAID_PERIOD_MS) return;
    this.#saidAtMs = nowMs;
    this.#needs.log.write("warning", "The EPS limit is reached: events wait in the journal, none is lost.");
  }
}
