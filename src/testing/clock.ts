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
  readonly #scheduled = new Set<Scheduled>();
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
    while (this.runNext(untilMs));
  }

  /** Runs the one timer that falls due next, at its moment; false when there is none by then, and then it is `untilMs`. */
  runNext(untilMs: number): boolean {
    const next = this.#next();
    if (next === null || next.atMs > untilMs) {
      this.#monotonicMs = Math.max(this.#monotonicMs, untilMs);
      return false;
    }
    this.#monotonicMs = Math.max(this.#monotonicMs, next.atMs);
    if (next.periodMs === null) this.#remove(next);
    else next.atMs += next.periodMs;
    next.run();
    return true;
  }

  /** The wall clock is set to another time, as an operator or NTP does. */
  jump(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  get pendingTimers(): number {
    return this.#scheduled.size;
  }

  #schedule(delayMs: number, periodMs: number | null, run: () => void): Timer {
    const entry = { atMs: this.#monotonicMs + delayMs, order: this.#order++, periodMs, run };
    this.#scheduled.add(entry);
    return { cancel: () => this.#remove(entry) };
  }

  #next(): Scheduled | null {
    let next: Scheduled | null = null;
    for (const entry of this.#scheduled) {
      if (next === null || entry.atMs < next.atMs || (entry.atMs === next.atMs && entry.order < next.order))
        next = entry;
    }
    return next;
  }

  #remove(entry: Scheduled): void {
    this.#scheduled.delete(entry);
  }
}
