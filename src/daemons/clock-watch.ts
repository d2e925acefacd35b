/**
 * Notices when the system's clock is set: the wall clock then moves otherwise than the monotonic one. Nothing breaks by it, since events
 * keep the time of their receipt and durations use the monotonic clock, but time rules and dates of alerts are then off.
 */
import type { Clock, Timer } from "#kernel/ports/clock.ts";
import type { Log } from "#kernel/ports/log.ts";

const LOOK_PERIOD_MS = 1000;
/** Slewing and a busy machine stay far below it. */
const JUMP_MS_MIN = 5000;

export class ClockWatch {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #timer: Timer;
  #offsetMs: number;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
    this.#offsetMs = clock.wallMs() - clock.monotonicMs();
    this.#timer = clock.every(LOOK_PERIOD_MS, () => this.#look());
  }

  stop(): void {
    this.#timer.cancel();
  }

  #look(): void {
    const offsetMs = this.#clock.wallMs() - this.#clock.monotonicMs();
    const jumpMs = offsetMs - this.#offsetMs;
    if (Math.abs(jumpMs) < JUMP_MS_MIN) return;
    this.#offsetMs = offsetMs;
    const seconds = Math.round(Math.abs(jumpMs) / 1000);
    const direction = jumpMs > 0 ? "forward" : "back";
    this.#log.write(
      "warning",
      `The system clock was set ${direction} by ${seconds} s; events received from now on carry the new time. Check the time service of this host`,
    );
  }
}
