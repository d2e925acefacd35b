/**
 * The one writer of the journal: appends blocks to segment files, and refuses as long as a block would have no place.
 *
 * A block is accepted when `append()` returned true: the system has all of it. A refused block leaves nothing behind.
 * What is not here: collecting events into blocks (event-journal.ts) and stable storage (sync-loop.ts).
 */
import assert from "node:assert/strict";
import { CodedError, messageOf } from "#kernel/errors.ts";
import type { Clock } from "#kernel/ports/clock.ts";
import type { Files, OpenFile } from "#kernel/ports/files.ts";
import type { Random } from "#kernel/ports/random.ts";
import type { BlockFault } from "#model/event-block.ts";
import { makeEpoch, readEpoch } from "./epoch.ts";
import type { JournalEvents, Refusal } from "./events.ts";
import {
  FREE_BYTES_MIN,
  FREE_CHECK_PERIOD_MS,
  JOURNAL_BYTES_MAX,
  RESTART_GAP_BYTES,
  SEGMENT_BYTES,
  SOFT_LIMIT_SHARE,
  UNSYNCED_BYTES_MAX,
} from "./limits.ts";
import { SegmentReader } from "./segment-reader.ts";
import { listSegments, type Segment, segmentPath } from "./segments.ts";
import type { SharedProgress } from "./shared-progress.ts";

export type JournalWriterNeeds = {
  readonly files: Files;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: JournalEvents;
  readonly progress: SharedProgress;
  readonly directory: string;
};

export type JournalLimits = {
  readonly segmentBytes: number;
  readonly journalBytesMax: number;
  readonly freeBytesMin: number;
};

export const DEFAULT_LIMITS: JournalLimits = {
  segmentBytes: SEGMENT_BYTES,
  journalBytesMax: JOURNAL_BYTES_MAX,
  freeBytesMin: FREE_BYTES_MIN,
};

type CompleteSegment = { readonly start: number; readonly end: number; readonly path: string };

export class JournalWriter {
  readonly #needs: JournalWriterNeeds;
  readonly #limits: JournalLimits;
  readonly #epoch: number;
  /** Oldest first, without the one that is written. */
  #complete: CompleteSegment[];
  #segmentStart: number;
  #file: OpenFile;
  #position: number;
  #released: number;
  #unreleasedBytes: number;
  #freeBytes = 0;
  #freeCheckedAtMs = Number.NEGATIVE_INFINITY;

  /** Opens the journal, or makes it. Throws `CodedError` when the directory cannot be used. */
  constructor(needs: JournalWriterNeeds, limits = DEFAULT_LIMITS) {
    this.#needs = needs;
    this.#limits = limits;
    const { files, directory, events, progress } = needs;
    files.makeDirectory(directory);
    const segments = listSegments(files, directory);
    const epoch = segments.length === 0 ? null : readEpoch(files, directory);
    if (epoch === null && segments.length > 0) events.epochLost();
    this.#epoch = epoch ?? makeEpoch(files, directory, needs.random);
    const last = segments.at(-1);
    // The gap counts from the bytes found, before a torn tail is cut off.
    const start = last === undefined ? 0 : last.start + last.bytes + RESTART_GAP_BYTES;
    assert(Number.isSafeInteger(start), "position of the journal");
    this.#complete = segments.map(({ start, path, bytes }) => ({ start, path, end: start + bytes }));
    if (last !== undefined) this.#cutTornTail(last);

    this.#position = start;
    this.#segmentStart = start;
    this.#file = files.open(segmentPath(directory, start), "create");
    this.#syncDirectory();
    // Only now: until a later segment is sure to be found, even an empty one tells how far positions were given out.
    this.#removeWhere((segment) => segment.end === segment.start);
    this.#released = this.#complete[0]?.start ?? start;
    this.#unreleasedBytes = this.#countUnreleased();
    progress.publishOpen({ epoch: this.#epoch, start });
    events.opened(this.#epoch, start);
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** Where the next block will begin. */
  get position(): number {
    return this.#position;
  }

  get nearLimit(): boolean {
    if (this.#unreleasedBytes > this.#limits.journalBytesMax * SOFT_LIMIT_SHARE) return true;
    return this.#position - this.#needs.progress.durable > UNSYNCED_BYTES_MAX / 2;
  }

  /** Writes a block that was made for `position`. False: refused, nothing of it stays, try the same block later. */
  append(block: Buffer): boolean {
    const { events, progress } = this.#needs;
    try {
      const refusal = this.#refusalOf(block.length);
      if (refusal !== null) {
        events.refused(refusal, "");
        return false;
      }
      const segmentBytes = this.#position - this.#segmentStart;
      if (segmentBytes > 0 && segmentBytes + block.length > this.#limits.segmentBytes) this.#roll();
      this.#write(block);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      events.refused(error.code === "file_disk_full" ? "disk_full" : "write_failed", messageOf(error));
      return false;
    }
    this.#position += block.length;
    this.#unreleasedBytes += block.length;
    progress.publishWritten(this.#position);
    events.accepted(block.length);
    return true;
  }

  /**
   * Everything before `position` is needed no more: segments that lie before it go, the current one never. The last of them stays until
   * the current one is sure to be found after a loss of power: without any segment positions would begin anew.
   */
  discardBefore(position: number): void {
    assert(position <= this.#position, "release of what is not written");
    if (position <= this.#released) return;
    this.#released = position;
    const last = this.#needs.progress.durable > this.#segmentStart ? null : this.#complete.at(-1);
    this.#removeWhere((segment) => segment.end <= position && segment !== last);
    this.#unreleasedBytes = this.#countUnreleased();
    this.#needs.events.unreleased(this.#unreleasedBytes);
  }

  close(): void {
    this.#file.close();
  }

  #refusalOf(blockBytes: number): Refusal | null {
    const { progress } = this.#needs;
    if (progress.syncFailed) return "sync_failed";
    if (this.#position + blockBytes - progress.durable > UNSYNCED_BYTES_MAX) return "sync_behind";
    if (this.#unreleasedBytes + blockBytes > this.#limits.journalBytesMax) return "journal_limit";
    return this.#freeSpace() < this.#limits.freeBytesMin ? "free_space_low" : null;
  }

  /** Bytes of blocks that are still needed by somebody. */
  #countUnreleased(): number {
    const current = { start: this.#segmentStart, end: this.#position };
    let bytes = 0;
    for (const { start, end } of [...this.#complete, current]) {
      bytes += Math.max(0, end - Math.max(start, this.#released));
    }
    return bytes;
  }

  #freeSpace(): number {
    const { files, clock, directory } = this.#needs;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#freeCheckedAtMs >= FREE_CHECK_PERIOD_MS) {
      this.#freeBytes = files.freeBytes(directory);
      this.#freeCheckedAtMs = nowMs;
    }
    return this.#freeBytes;
  }

  #write(block: Buffer): void {
    const offset = this.#position - this.#segmentStart;
    try {
      this.#file.write(block, offset);
    } catch (error) {
      // Should this fail too, the next block is written over the same place.
      this.#file.truncate(offset);
      throw error;
    }
  }

  #roll(): void {
    const { files, directory, progress } = this.#needs;
    const file = files.open(segmentPath(directory, this.#position), "create");
    this.#file.close();
    const path = segmentPath(directory, this.#segmentStart);
    this.#complete.push({ start: this.#segmentStart, end: this.#position, path });
    this.#file = file;
    this.#segmentStart = this.#position;
    progress.publishSegment(this.#segmentStart);
  }

  #removeWhere(unneeded: (segment: CompleteSegment) => boolean): void {
    this.#complete = this.#complete.filter((segment) => !(unneeded(segment) && this.#remove(segment)));
  }

  #remove(segment: CompleteSegment): boolean {
    try {
      this.#needs.files.remove(segment.path);
      return true;
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      if (error.code === "file_not_found") return true;
      this.#needs.events.segmentKept(segment.path, messageOf(error));
      return false;
    }
  }

  /** The last block may have been under way when the power went: what follows the last whole block is cut off. */
  #cutTornTail(last: Segment): void {
    const { files, events } = this.#needs;
    const end = last.start + last.bytes;
    const reader = new SegmentReader(files, { ...last, epoch: this.#epoch, position: last.start });
    let wholeEnd = last.start;
    let fault: BlockFault | null = null;
    for (let part = reader.next(end); part !== null; part = reader.next(end)) {
      fault = part.kind === "damaged" ? part.fault : null;
      if (part.kind === "block") wholeEnd = part.nextPosition;
    }
    reader.close();
    // Blocks of another epoch or format are whole and not ours to remove.
    if (fault === null || fault === "wrong_place" || fault === "unknown_version") return;
    const file = files.open(last.path, "update");
    file.truncate(wholeEnd - last.start);
    file.close();
    this.#complete = this.#complete.with(-1, { ...last, end: wholeEnd });
    events.tornTail(last.path, end - wholeEnd);
  }

  #syncDirectory(): void {
    const directory = this.#needs.files.open(this.#needs.directory, "read");
    directory.sync();
    directory.close();
  }
}
