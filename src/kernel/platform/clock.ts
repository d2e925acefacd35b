/** The machine's clock. */
import type { Clock, Timer } from "../ports/clock.ts";

export class SystemClock implements Clock {
  wallMs(): number {
    return Date.now();
  }

  monotonicMs(): number {
    return performance.now();
  }

  after(delayMs: number, run: () => void): Timer {
    const timer = setTimeout(run, delayMs);
    return { cancel: () => clearTimeout(timer) };
  }

  every(periodMs: number, run: () => void): Timer {
    const timer = setInterval(run, periodMs);
    return { cancel: () => clearInterval(timer) };
  }
}
