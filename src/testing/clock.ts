/** A clock that moves only when a test says so; timers run in time order while it moves. */
import type { Clock, Timer } from "#kernel/ports/clock.ts";

type Scheduled = {
  atMs: number;
  readonly order: number;
  readonly periodMs: number | null;
  readonly run: () => void;
};

export class FakeClock implements Clock {
  #monotonicMs = 0;
  #wallOffsetMs: number;
  #scheduled: Scheduled[] = [];
  #order = 0;

  constructor(wallMs = Date.UTC(2026, 0, 15, 12, 0, 0)) {
    this.#wallOffsetMs = wallMs;
  }

  wallMs(): number {
    return this.#wallOffsetMs + this.#monotonicMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  after(delayMs: number, run: () => void): Timer {
    return this.#schedule(delayMs, null, run);
  }

  every(periodMs: number, run: () => void): Timer {
    return this.#schedule(periodMs, periodMs, run);
  }

  /** Lets time pass; timers that fall due run at their moment. */
  advance(byMs: number): void {
    const untilMs = this.#monotonicMs + byMs;
    for (;;) {
      const next = this.#scheduled
        .filter((entry) => entry.atMs <= untilMs)
        .sort((a, b) => a.atMs - b.atMs || a.order - b.order)[0];
      if (next === undefined) break;
      this.#monotonicMs = Math.max(this.#monotonicMs, next.atMs);
      if (next.periodMs === null) this.#remove(next);
      else next.atMs += next.periodMs;
      next.run();
    }
    this.#monotonicMs = untilMs;
  }

  /** The wall clock is set to another time, as an operator or NTP does. */
  jump(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  get pendingTimers(): number {
    return this.#scheduled.length;
  }

  #schedule(delayMs: number, periodMs: number | null, run: () => void): Timer {
    const entry = { atMs: this.#monotonicMs + delayMs, order: this.#order++, periodMs, run };
    this.#scheduled.push(entry);
    return { cancel: () => this.#remove(entry) };
  }

  #remove(entry: Scheduled): void {
    this.#scheduled = this.#scheduled.filter((other) => other !== entry);
  }
}
