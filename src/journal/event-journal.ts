/**
 * The journal as the sources of events see it: collects events into blocks, writes them, and says when they are durable.
 *
 * Belongs to the intake thread. Memory is bounded: one block being filled, `WAITING_BYTES_MAX` of blocks that a full journal
 * refused, and one entry for each `whenDurable()` that waits.
 */
import assert from "node:assert/strict";
import type { Clock, Timer } from "#kernel/ports/clock.ts";
import { EventBlockBuilder, type EventInput } from "#model/event-block.ts";
import type { EventSink, Pressure } from "#model/event-sink.ts";
import type { JournalEvents } from "./events.ts";
import type { JournalWriter } from "./journal-writer.ts";
import { FLUSH_DELAY_MS, RETRY_PERIOD_MS, WAITING_BYTES_MAX } from "./limits.ts";
import type { SharedProgress } from "./shared-progress.ts";

export type EventJournalNeeds = {
  readonly writer: JournalWriter;
  readonly progress: SharedProgress;
  readonly clock: Clock;
  readonly events: JournalEvents;
};

export class EventJournal implements EventSink {
  readonly #needs: EventJournalNeeds;
  readonly #builder: EventBlockBuilder;
  #flushTimer: Timer | null = null;
  /** Finished blocks that the writer refused, oldest first, made for the positions that follow the writer's. */
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #retryTimer: Timer | null = null;
  /** Wait for the block that is being filled; its end is not known yet. */
  #runsOfBlock: (() => void)[] = [];
  #runs: { readonly position: number; readonly run: () => void }[] = [];
  #watching = false;

  constructor(needs: EventJournalNeeds) {
    this.#needs = needs;
    this.#builder = new EventBlockBuilder(needs.writer.epoch);
  }

  get pressure(): Pressure {
    if (this.#waiting.length > 0) return "full";
    return this.#needs.writer.nearLimit ? "high" : "none";
  }

  append(event: EventInput): boolean {
    if (!this.#builder.append(event)) {
      if (!this.#finishBlock()) return false;
      assert(this.#builder.append(event), "an empty block takes any event");
    }
    this.#needs.events.appended();
    this.#flushSoon();
    return true;
  }

  /** The text is a change that takes effect at this place of the journal; false as for `append()`. */
  appendControl(receivedMs: number, text: string): boolean {
    if (!this.#builder.appendControl(receivedMs, text)) {
      if (!this.#finishBlock()) return false;
      assert(this.#builder.appendControl(receivedMs, text), "an empty block takes any record");
    }
    this.#flushSoon();
    return true;
  }

  whenDurable(run: () => void): void {
    if (this.#builder.empty) this.#runs.push({ position: this.#nextPosition, run });
    else this.#runsOfBlock.push(run);
    this.#watchDurable();
  }

  /** Writes what was appended without waiting for the block to fill. */
  flush(): void {
    this.#flushTimer?.cancel();
    this.#flushTimer = null;
    // A full journal that has no room for the block either keeps filling it: the retry comes back to it.
    if (!this.#builder.empty) this.#finishBlock();
  }

  /** Everything before `position` has been used by everybody and may be removed. */
  discardBefore(position: number): void {
    this.#needs.writer.discardBefore(position);
  }

  /**
   * Resolves when all that was appended is durable. Events that a full journal could not take by now are lost and counted: they
   * were never accepted. The sync loop must run until then.
   */
  async close(): Promise<void> {
    const { writer, progress, events } = this.#needs;
    this.flush();
    this.#writeWaiting();
    this.#retryTimer?.cancel();
    const lostBlocks = this.#waiting.length + (this.#builder.empty ? 0 : 1);
    if (lostBlocks > 0) events.lostAtClose(lostBlocks);
    for (;;) {
      const durable = progress.durable;
      if (durable >= writer.position || progress.syncFailed) break;
      await progress.durableChanged(durable);
    }
    this.#runDurable();
    writer.close();
  }

  get #nextPosition(): number {
    return this.#needs.writer.position + this.#waitingBytes;
  }

  #flushSoon(): void {
    this.#flushTimer ??= this.#needs.clock.after(FLUSH_DELAY_MS, () => this.flush());
  }

  /** Hands the block to the writer, or keeps it while the writer refuses. False when there is no room to keep it. */
  #finishBlock(): boolean {
    const mustWait = this.#waiting.length > 0;
    if (mustWait && this.#waitingBytes + this.#builder.bytes > WAITING_BYTES_MAX) return false;
    const block = this.#builder.take(this.#nextPosition);
    const end = this.#nextPosition + block.length;
    for (const run of this.#runsOfBlock) this.#runs.push({ position: end, run });
    this.#runsOfBlock = [];
    if (mustWait || !this.#needs.writer.append(block)) this.#keep(block);
    this.#watchDurable();
    return true;
  }

  #keep(block: Buffer): void {
    this.#waiting.push(Buffer.from(block));
    this.#waitingBytes += block.length;
    this.#retryTimer ??= this.#needs.clock.every(RETRY_PERIOD_MS, () => this.#writeWaiting());
  }

  #writeWaiting(): void {
    let written = 0;
    for (const block of this.#waiting) {
      if (!this.#needs.writer.append(block)) break;
      this.#waitingBytes -= block.length;
      written++;
    }
    this.#waiting = this.#waiting.slice(written);
    if (this.#waiting.length > 0) return;
    this.#retryTimer?.cancel();
    this.#retryTimer = null;
    this.flush();
  }

  #watchDurable(): void {
    if (this.#watching || this.#runs.length === 0) return;
    this.#watching = true;
    void this.#runEachTime();
  }

  async #runEachTime(): Promise<void> {
    const { progress } = this.#needs;
    while (this.#runs.length > 0 && !progress.syncFailed) {
      const durable = progress.durable;
      this.#runDurable();
      if (this.#runs.length > 0) await progress.durableChanged(durable);
    }
    this.#watching = false;
  }

  #runDurable(): void {
    for (let due = this.#takeDue(); due.length > 0; due = this.#takeDue()) {
      for (const run of due) run(); // which may call `whenDurable()` again
    }
  }

  #takeDue(): (() => void)[] {
    const { durable } = this.#needs.progress;
    const firstLater = this.#runs.findIndex(({ position }) => position > durable);
    const count = firstLater === -1 ? this.#runs.length : firstLater;
    return this.#runs.splice(0, count).map(({ run }) => run);
  }
}
