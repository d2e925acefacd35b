/** Work in place, a few milliseconds at a time: between two slices the thread serves its connections. */
import type { Clock } from "#kernel/ports/clock.ts";

/** What a connection may wait for once. */
const SLICE_MS = 4;

export class Slices {
  readonly #clock: Clock;
  readonly #isOver: () => boolean;
  readonly #startMs: number;
  #sliceMs: number;

  /** `isOver` says that nobody wants the work any more. */
  constructor(clock: Clock, isOver: () => boolean) {
    this.#clock = clock;
    this.#isOver = isOver;
    this.#startMs = clock.monotonicMs();
    this.#sliceMs = this.#startMs;
  }

  /** Time for `rest()`. */
  get isTired(): boolean {
    return this.#clock.monotonicMs() - this.#sliceMs >= SLICE_MS;
  }

  /** Since the work began. */
  get elapsedMs(): number {
    return this.#clock.monotonicMs() - this.#startMs;
  }

  /** False when the work is to be left as it is. */
  async rest(): Promise<boolean> {
    await new Promise<void>((resolve) => this.#clock.after(0, resolve));
    this.#sliceMs = this.#clock.monotonicMs();
    return !this.#isOver();
  }
}
