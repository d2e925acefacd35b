/** Pauses of one task that can be stopped in any of them. */
import type { Clock } from "#kernel/ports/clock.ts";
import { PAUSE_SECONDS_MAX } from "./limits.ts";

const MILLISECONDS = 1000;

/** Thrown by the pause in which the task was stopped, and by each one after it. */
export class Stopped extends Error {}

export class Sleeper {
  readonly #clock: Clock;
  #stopped = false;
  #wake: (() => void) | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async sleep(seconds: number): Promise<void> {
    this.#throwIfStopped();
    await new Promise<void>((resolve) => {
      const timer = this.#clock.after(Math.min(seconds, PAUSE_SECONDS_MAX) * MILLISECONDS, resolve);
      this.#wake = () => {
        timer.cancel();
        resolve();
      };
    });
    this.#throwIfStopped();
  }

  stop(): void {
    this.#stopped = true;
    this.#wake?.();
  }

  #throwIfStopped(): void {
    if (this.#stopped) throw new Stopped("stopped");
  }
}
