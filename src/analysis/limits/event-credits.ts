/**
 * How many events may be analysed: as many credits as the limit allows in its timeframe. An event takes one and gives it back when
 * its second leaves the timeframe, so that a quiet time pays for a burst (wazuh v4.14.7: src/analysisd/limits.c).
 */
import assert from "node:assert/strict";

export class EventCredits {
  /** Taken in each second of the timeframe; a second's place is its remainder. */
  readonly #taken: Uint32Array;
  #credits: number;
  /** The newest second of the timeframe. */
  #second = Number.NaN;

  constructor(eventsPerSecond: number, timeframeSeconds: number) {
    assert(eventsPerSecond > 0 && timeframeSeconds > 0, "a limit of events");
    this.#taken = new Uint32Array(timeframeSeconds);
    this.#credits = eventsPerSecond * timeframeSeconds;
  }

  /** False when there is none; the next second may bring some. Seconds never go back. */
  take(second: number): boolean {
    if (second !== this.#second) this.#advance(second);
    if (this.#credits === 0) return false;
    this.#credits--;
    const place = second % this.#taken.length;
    this.#taken[place] = (this.#taken[place] ?? 0) + 1;
    return true;
  }

  #advance(second: number): void {
    const passed = Number.isNaN(this.#second) ? 0 : second - this.#second;
    for (let ago = Math.min(passed, this.#taken.length) - 1; ago >= 0; ago--) {
      const place = (second - ago) % this.#taken.length;
      this.#credits += this.#taken[place] ?? 0;
      this.#taken[place] = 0;
    }
    this.#second = second;
  }
}
