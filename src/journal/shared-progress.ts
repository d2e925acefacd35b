/**
 * How far the journal is, in memory that its threads share: the writer publishes what is written, the sync thread what is durable.
 *
 * The only mutable state that threads share. Each number has one writer, and a waiter looks at the number (or at the bell that
 * every change rings) before it sleeps on it, so an idle journal costs nothing and no wake-up is lost.
 */

const WRITTEN = 0;
const DURABLE = 1;
const SEGMENT_START = 2;
const EPOCH = 3;
const STOPPED = 4;
/** Counts the changes of `written` and `stopped`. */
const BELL = 5;
const SLOTS = 6;

const NOT_OPEN = -1;
const SYNC_FAILED = -2;

/** Where a journal begins when it is opened. */
type Opening = { readonly epoch: number; readonly start: number };

export class SharedProgress {
  /** To be handed to another thread, which makes its own `SharedProgress` of it. */
  readonly shared: SharedArrayBuffer;
  readonly #slots: BigInt64Array;

  constructor(shared?: SharedArrayBuffer) {
    this.shared = shared ?? new SharedArrayBuffer(SLOTS * BigInt64Array.BYTES_PER_ELEMENT);
    this.#slots = new BigInt64Array(this.shared);
    if (shared === undefined) this.#slots.fill(BigInt(NOT_OPEN), WRITTEN, STOPPED);
  }

  get open(): boolean {
    return this.written !== NOT_OPEN;
  }

  /** The end of what was accepted. A thread that needs `segmentStart` too reads it after this. */
  get written(): number {
    return this.#get(WRITTEN);
  }

  /** The end of what is on stable storage. */
  get durable(): number {
    return this.#get(DURABLE);
  }

  /** Where the segment begins that is written now. Every older one is complete. */
  get segmentStart(): number {
    return this.#get(SEGMENT_START);
  }

  get epoch(): number {
    return this.#get(EPOCH);
  }

  get stopped(): boolean {
    return Atomics.load(this.#slots, STOPPED) !== 0n;
  }

  /** The sync thread met an error: what was not durable then may be lost, whatever a later sync says. */
  get syncFailed(): boolean {
    return this.durable === SYNC_FAILED;
  }

  publishOpen(opening: Opening): void {
    this.#set(EPOCH, opening.epoch);
    this.#set(SEGMENT_START, opening.start);
    this.#set(DURABLE, opening.start);
    this.publishWritten(opening.start);
  }

  publishSegment(start: number): void {
    this.#set(SEGMENT_START, start);
  }

  publishWritten(position: number): void {
    this.#set(WRITTEN, position);
    this.#ring();
  }

  publishDurable(position: number): void {
    this.#set(DURABLE, position);
    Atomics.notify(this.#slots, DURABLE);
  }

  publishSyncFailed(): void {
    this.publishDurable(SYNC_FAILED);
  }

  /** Ends the sync loop after a last sync, and wakes every reader. */
  stop(): void {
    this.#set(STOPPED, 1);
    Atomics.notify(this.#slots, STOPPED);
    this.#ring();
  }

  /** Resolves when `written` is no longer what the caller saw, or the journal was stopped. */
  async writtenChanged(seen: number): Promise<void> {
    while (this.written === seen && !this.stopped) {
      const bell = Atomics.load(this.#slots, BELL);
      if (this.written === seen && !this.stopped) await Atomics.waitAsync(this.#slots, BELL, bell).value;
    }
  }

  /** Resolves when `durable` is no longer what the caller saw. */
  async durableChanged(seen: number): Promise<void> {
    await Atomics.waitAsync(this.#slots, DURABLE, BigInt(seen)).value;
  }

  /** Blocks the thread until `written` is no longer what it saw, or the journal was stopped. */
  waitForWritten(seen: number): void {
    while (this.written === seen && !this.stopped) {
      const bell = Atomics.load(this.#slots, BELL);
      if (this.written === seen && !this.stopped) Atomics.wait(this.#slots, BELL, bell);
    }
  }

  /** Blocks the thread for so long, less when the journal is stopped. */
  pause(delayMs: number): void {
    Atomics.wait(this.#slots, STOPPED, 0n, delayMs);
  }

  #ring(): void {
    Atomics.add(this.#slots, BELL, 1n);
    Atomics.notify(this.#slots, BELL);
  }

  #get(slot: number): number {
    return Number(Atomics.load(this.#slots, slot));
  }

  #set(slot: number, value: number): void {
    Atomics.store(this.#slots, slot, BigInt(value));
  }
}
