/**
 * Puts a mark into the journal when a local hour begins, and at the start: an hour without events ends too, and at a replay it ends
 * at the same place.
 */
import { LocalClock } from "#kernel/local-time.ts";
import type { Clock, Timer } from "#kernel/ports/clock.ts";

const LOOK_PERIOD_MS = 1000;
/** Of `YYYY-MM-DDTHH:MM:SS`. */
const HOUR_CHARS = 13;

export class HourMarks {
  readonly #clock: Clock;
  readonly #mark: (nowMs: number) => boolean;
  readonly #localClock = new LocalClock();
  readonly #timer: Timer;
  #marked = "";

  /** `mark` is called again after a second when it could not. */
  constructor(clock: Clock, mark: (nowMs: number) => boolean) {
    this.#clock = clock;
    this.#mark = mark;
    this.#timer = clock.every(LOOK_PERIOD_MS, () => this.#look());
    this.#look();
  }

  stop(): void {
    this.#timer.cancel();
  }

  #look(): void {
    const nowMs = this.#clock.wallMs();
    const hour = this.#localClock.at(nowMs).isoSeconds.slice(0, HOUR_CHARS);
    if (hour !== this.#marked && this.#mark(nowMs)) this.#marked = hour;
  }
}
