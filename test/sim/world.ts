/**
 * One simulated world: a seed, a time that jumps from one event to the next, and processes that can end at any moment.
 *
 * Knows nothing of managers or agents: `network.ts` and `disk.ts` are built on it, and so may be any kind of node. The same seed
 * gives the same run: all that happens is a timer of one clock, and what promises bring along runs before the next timer does.
 */
import type { Clock, Timer } from "#kernel/ports/clock.ts";
import { FakeClock } from "#testing/clock.ts";
import { SeededRandom } from "#testing/random.ts";

/** Lines that a failure shows: what happened last. */
const TRACE_LINES_MAX = 400;
const NO_TIMER: Timer = { cancel: () => {} };

/** How a process ends: killed, its files stay as they are; with the power of its host, what was not synced may be gone. */
export type ProcessEnding = "kill" | "power_loss";

export class World {
  readonly seed: number;
  readonly random: SeededRandom;
  readonly #clock: FakeClock;
  readonly #trace: string[] = [];
  readonly #failures: string[] = [];
  #steps = 0;

  constructor(seed: number, startMs: number) {
    this.seed = seed;
    this.random = new SeededRandom(seed);
    this.#clock = new FakeClock(startMs);
  }

  /** Since the world began. */
  get nowMs(): number {
    return this.#clock.monotonicMs();
  }

  /** The true time; processes see it through clocks that may be set wrong. */
  get wallMs(): number {
    return this.#clock.wallMs();
  }

  get steps(): number {
    return this.#steps;
  }

  get failures(): readonly string[] {
    return this.#failures;
  }

  get trace(): readonly string[] {
    return this.#trace;
  }

  after(delayMs: number, run: () => void): Timer {
    return this.#clock.after(delayMs, run);
  }

  every(periodMs: number, run: () => void): Timer {
    return this.#clock.every(periodMs, run);
  }

  /** A whole number of milliseconds in [from, to]. */
  between(from: number, to: number): number {
    return from + this.random.below(to - from + 1);
  }

  /** A whole number in [0, bound). */
  below(bound: number): number {
    return this.random.below(bound);
  }

  chance(share: number): boolean {
    return this.random.next() < share;
  }

  note(text: string): void {
    this.#trace.push(`${(this.nowMs / 1000).toFixed(3)} ${text}`);
    if (this.#trace.length > TRACE_LINES_MAX) this.#trace.shift();
  }

  fail(text: string): void {
    this.note(`FAILURE ${text}`);
    this.#failures.push(`at ${(this.nowMs / 1000).toFixed(3)} s: ${text}`);
  }

  /** Lets the time pass up to `untilMs`, or until `done` says so or something failed. */
  async run(untilMs: number, done: () => boolean = () => false): Promise<void> {
    const rejected = (reason: unknown): void => this.fail(`unhandled rejection: ${textOf(reason)}`);
    process.on("unhandledRejection", rejected);
    try {
      while (this.#failures.length === 0 && !done() && this.#step(untilMs)) await promisesSettled();
    } finally {
      process.off("unhandledRejection", rejected);
    }
  }

  #step(untilMs: number): boolean {
    this.#steps++;
    try {
      return this.#clock.runNext(untilMs);
    } catch (error) {
      this.fail(`uncaught: ${textOf(error)}`);
      return true;
    }
  }
}

function textOf(reason: unknown): string {
  return reason instanceof Error ? (reason.stack ?? reason.message) : String(reason);
}

function promisesSettled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * A process of the world, and its clock. When it ends its timers are gone; the code that is running at that moment runs on to its
 * next timer, unheard: disks and networks take nothing more of it.
 */
export class SimulatedProcess implements Clock {
  readonly name: string;
  readonly #world: World;
  readonly #timers = new Set<Timer>();
  readonly #atEnd: ((ending: ProcessEnding) => void)[] = [];
  readonly #wallOffsetMs: () => number;
  #alive = true;

  /** `wallOffsetMs`: how wrong the clock of its host is. */
  constructor(world: World, name: string, wallOffsetMs: () => number = () => 0) {
    this.#world = world;
    this.name = name;
    this.#wallOffsetMs = wallOffsetMs;
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** What it still means to do, once or again and again. */
  get timers(): number {
    return this.#timers.size;
  }

  wallMs(): number {
    return this.#world.wallMs + this.#wallOffsetMs();
  }

  monotonicMs(): number {
    return this.#world.nowMs;
  }

  after(delayMs: number, run: () => void): Timer {
    if (!this.#alive) return NO_TIMER;
    const timer = this.#world.after(delayMs, () => {
      this.#timers.delete(timer);
      this.#run(run);
    });
    return this.#kept(timer);
  }

  every(periodMs: number, run: () => void): Timer {
    return this.#alive ? this.#kept(this.#world.every(periodMs, () => this.#run(run))) : NO_TIMER;
  }

  /** Calls `run` when the process ends, in the order of the calls. */
  atEnd(run: (ending: ProcessEnding) => void): void {
    this.#atEnd.push(run);
  }

  end(ending: ProcessEnding): void {
    if (!this.#alive) return;
    this.#alive = false;
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    for (const run of this.#atEnd) run(ending);
  }

  /** What throws after the end of the process is nobody's business. */
  #run(run: () => void): void {
    try {
      run();
    } catch (error) {
      if (this.#alive) throw error;
    }
  }

  #kept(timer: Timer): Timer {
    this.#timers.add(timer);
    return {
      cancel: () => {
        timer.cancel();
        this.#timers.delete(timer);
      },
    };
  }
}

/** Messages of one thread of a process to another: in order, each after a while. */
export function threadLine<Message>(
  world: World,
  process: SimulatedProcess,
  deliver: (message: Message) => void,
): (message: Message) => void {
  let lastMs = 0;
  return (message) => {
    // Mostly at once; now and then the other thread is busy.
    const delayMs = world.chance(0.02) ? world.between(0, 300) : world.between(0, 3);
    lastMs = Math.max(lastMs, world.nowMs + delayMs);
    process.after(lastMs - world.nowMs, () => deliver(message));
  };
}
