/**
 * Keeps the log test's thread: it is no part of what the manager must do, so its end is not the manager's. One that failed, or that
 * works on one request for too long, is started anew; its sessions are lost.
 */
import { type CodedError, messageOf } from "#kernel/errors.ts";
import type { Clock, Timer } from "#kernel/ports/clock.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { ThreadHost } from "./thread.ts";

/** A thread tells its counters every second, unless it is busy: so long may a request take, loading a rule set included. */
export const REQUEST_MS_MAX = 60_000;
/** Of its thread: room for its rule sets and for what its sessions remember, whose own bounds are below it. */
export const LOGTEST_HEAP_MEGABYTES_MAX = 512;

const LOOK_PERIOD_MS = 5000;
const LOOKS_MAX = REQUEST_MS_MAX / LOOK_PERIOD_MS;
/** So that what fails at every start is not started for ever and ever. */
export const RESTART_DELAY_MS = 10_000;

/** What the keeper needs of a `Thread`. */
export type KeptThread = {
  readonly ready: Promise<string>;
  readonly counters: Readonly<Record<string, number>>;
  terminate(): Promise<number>;
};

export type LogtestKeeperNeeds = {
  readonly clock: Clock;
  readonly log: Log;
  readonly startThread: (lost: ThreadHost["lost"]) => KeptThread;
};

export class LogtestKeeper {
  readonly #needs: LogtestKeeperNeeds;
  readonly #looker: Timer;
  #thread: KeptThread | null = null;
  #restart: Timer | null = null;
  #countersSeen: KeptThread["counters"] | null = null;
  #looksWithoutChange = 0;
  #isStopped = false;

  constructor(needs: LogtestKeeperNeeds) {
    this.#needs = needs;
    this.#looker = needs.clock.every(LOOK_PERIOD_MS, () => this.#look());
  }

  get counters(): Readonly<Record<string, number>> {
    return this.#thread?.counters ?? {};
  }

  /** Resolves when the log test serves, or cannot: that is said, and not tried again. */
  async start(): Promise<void> {
    const thread = this.#needs.startThread((_, error) => this.#lost(error));
    this.#thread = thread;
    this.#looksWithoutChange = 0;
    try {
      await thread.ready;
    } catch (error) {
      this.#needs.log.write("error", `The log test cannot be served: ${messageOf(error)}`);
      if (this.#thread === thread) this.#thread = null;
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#looker.cancel();
    this.#restart?.cancel();
    const thread = this.#thread;
    this.#thread = null;
    await thread?.terminate();
  }

  #look(): void {
    const thread = this.#thread;
    if (thread === null) return;
    this.#looksWithoutChange = thread.counters === this.#countersSeen ? this.#looksWithoutChange + 1 : 0;
    this.#countersSeen = thread.counters;
    if (this.#looksWithoutChange < LOOKS_MAX) return;
    this.#thread = null;
    void thread.terminate().then(() => this.#startLater(`it was busy for ${REQUEST_MS_MAX / 1000} s`));
  }

  #lost(error: CodedError): void {
    this.#thread = null;
    this.#startLater(error.message);
  }

  #startLater(reason: string): void {
    if (this.#isStopped) return;
    const text = `The log test ended: ${reason}; its sessions are lost, and it is started again`;
    this.#needs.log.write("error", text);
    this.#restart = this.#needs.clock.after(RESTART_DELAY_MS, () => void this.start());
  }
}
