/**
 * One kind of output (alerts.json, alerts.log, archives.json, archives.log) through its days and parts: every record once, in
 * order, whole.
 *
 * Records are collected and written with one write. A write that fails leaves nothing behind and is repeated; records that are
 * brought again meanwhile are left out like those that are in the file. What must be on disk before what is the caller's
 * knowledge (output-writer.ts). Throws `CodedError`.
 */
import assert from "node:assert/strict";
import type { Files, OpenFile } from "#kernel/ports/files.ts";
import { OUTPUT_BLOCK_BYTES } from "#model/output-block.ts";
import type { FileCursor } from "./cursors.ts";
import {
  type Day,
  dayPath,
  type FileDefinition,
  monthDirectory,
  namesIn,
  parentOf,
  partPath,
  partsAmong,
  sameDay,
  syncDirectory,
} from "./day-files.ts";
import type { OutputEvents } from "./events.ts";
import { ReplayedTail } from "./replayed-tail.ts";
import { findTail, type Tail } from "./tail.ts";

export type AlertFileNeeds = {
  readonly files: Files;
  readonly events: OutputEvents;
  /** Absolute. */
  readonly home: string;
};

type Part = { readonly path: string; readonly day: Day; readonly number: number; readonly file: OpenFile };

const NOTHING_WRITTEN = -1;

export class AlertFile {
  readonly definition: FileDefinition;
  readonly #needs: AlertFileNeeds;
  readonly #unnumbered: boolean;
  #part: Part | null = null;
  /** The file of which it is known where our records end: at start it may be continued. */
  #knownPath: string | null = null;
  /** Of the last record that is in the files. */
  #position = NOTHING_WRITTEN;
  #replayed: ReplayedTail | null = null;
  #recovered = false;

  readonly #standardPending = Buffer.allocUnsafeSlow(OUTPUT_BLOCK_BYTES);
  #pending = this.#standardPending;
  #pendingBytes = 0;
  #pendingRecords = 0;
  #pendingPosition = NOTHING_WRITTEN;
  #repeatedRecords = 0;

  #tornAt: number | null = null;
  #unsynced = false;
  #linkDue = false;
  #cursorDue = false;

  /** `unnumbered` says that the records bear no position although those of the kind do. */
  constructor(needs: AlertFileNeeds, definition: FileDefinition, unnumbered: boolean) {
    this.#needs = needs;
    this.definition = definition;
    this.#unnumbered = unnumbered;
  }

  /** Whether the cursor must be saved before the next write: without it a restart would look in the wrong place. */
  get cursorDue(): boolean {
    return this.#cursorDue;
  }

  cursorSaved(): void {
    this.#cursorDue = false;
  }

  /** What a restart must know; to be saved when all is synced. */
  get cursor(): FileCursor {
    const position = this.#position;
    if (this.#replayed !== null) return { path: this.#replayed.path, bytes: this.#replayed.offset, position };
    return { path: this.#openPart.path, bytes: this.#tornAt ?? this.bytes, position };
  }

  get bytes(): number {
    return this.#openPart.file.info().bytes;
  }

  isOf(day: Day): boolean {
    return this.#part !== null && sameDay(this.#part.day, day);
  }

  /** Whether a file of that day may still be written, compared or named by the saved cursor. */
  uses(day: Day): boolean {
    if (this.#part === null || this.#cursorDue || this.isOf(day)) return true;
    return this.#replayed?.path.startsWith(dayPath(this.definition, day)) === true;
  }

  /** Repairs the file that was written last and takes the position from it. May be called again after it threw. */
  recover(cursor: FileCursor | null): void {
    if (this.#recovered) return;
    if (cursor !== null) this.#recoverFrom(cursor);
    this.#recovered = true;
  }

  /** Goes to the files of `day`: to the highest part when it is empty or, at start, known to be ours; else to a new part. */
  openDay(day: Day, partBytesMax: number): void {
    const { files, home } = this.#needs;
    const names = namesIn(files, `${home}/${monthDirectory(this.definition, day)}`);
    const { plain, last } = partsAmong(names, this.definition, day);
    const continued =
      plain.includes(last) && this.#mayContinue(partPath(this.definition, day, last), partBytesMax);
    this.#switchTo(day, continued ? last : last + 1);
  }

  openNextPart(): void {
    const { day, number } = this.#openPart;
    this.#switchTo(day, number + 1);
  }

  /** Takes a record, `memory` from `start` to `end`; one that was taken before is left out. */
  add(position: number, memory: Buffer, start: number, end: number): void {
    if (position <= this.#pendingPosition || this.#isReplayed(position, memory, start, end)) {
      this.#repeatedRecords++;
      return;
    }
    const pendingEnd = this.#pendingBytes + end - start;
    if (pendingEnd > this.#pending.length) {
      const grown = Buffer.allocUnsafeSlow(pendingEnd);
      this.#pending.copy(grown, 0, 0, this.#pendingBytes);
      this.#pending = grown;
    }
    memory.copy(this.#pending, this.#pendingBytes, start, end);
    this.#pendingBytes = pendingEnd;
    this.#pendingRecords++;
    this.#pendingPosition = position;
  }

  /** Writes what was taken and is not yet written. Gives it, valid until the next record comes; null when there was nothing. */
  flush(): Buffer | null {
    const { events } = this.#needs;
    if (this.#repeatedRecords > 0) events.repeated(this.definition.kind, this.#repeatedRecords);
    this.#repeatedRecords = 0;
    if (this.#pendingRecords === 0) return null;
    const written = this.#pending.subarray(0, this.#pendingBytes);
    this.#write(written);
    events.written(this.definition.kind, this.#pendingRecords, this.#pendingBytes);
    this.#position = this.#pendingPosition;
    this.#pending = this.#standardPending;
    this.#pendingBytes = 0;
    this.#pendingRecords = 0;
    return written;
  }

  /** Puts the link on the part that is written now. */
  link(): void {
    if (!this.#linkDue) return;
    const { files, home } = this.#needs;
    files.link(`${home}/${this.#openPart.path}`, `${home}/${this.definition.link}`);
    this.#linkDue = false;
  }

  sync(): void {
    if (!this.#unsynced) return;
    this.#openPart.file.sync();
    this.#unsynced = false;
  }

  close(): void {
    this.#replayed?.close();
    this.#part?.file.close();
    this.#part = null;
  }

  get #openPart(): Part {
    assert(this.#part !== null, "an output file before its day");
    return this.#part;
  }

  #recoverFrom({ path, bytes, position }: FileCursor): void {
    const { files, home } = this.#needs;
    const size = files.info(`${home}/${path}`)?.bytes ?? -1;
    // Also when nothing lies behind the cursor: what was cut off by a start that ended before its sync must not come back.
    const tail = size >= bytes ? this.#repair(path, bytes, size) : { end: bytes, position: null };
    if (tail.position === null && tail.end > bytes) {
      this.#replayed = new ReplayedTail(path, files.open(`${home}/${path}`, "update"), bytes, tail.end);
    }
    this.#knownPath = path;
    this.#position = Math.max(position, tail.position ?? position);
    this.#pendingPosition = this.#position;
  }

  #repair(path: string, from: number, size: number): Tail {
    const file = this.#needs.files.open(`${this.#needs.home}/${path}`, "update");
    try {
      const tail = findTail(this.#unnumbered ? "archive_log" : this.definition.kind, file, from, size);
      if (tail.end < size) {
        this.#needs.events.torn(path, size - tail.end);
        file.truncate(tail.end);
      }
      // The position that is found here goes into the cursor file: what it stands for must be on disk first.
      file.sync();
      return tail;
    } finally {
      file.close();
    }
  }

  #mayContinue(path: string, partBytesMax: number): boolean {
    const { files, home } = this.#needs;
    const size = files.info(`${home}/${path}`)?.bytes ?? 0;
    if (size === 0) return true;
    // Ids of another program or another journal must not be mistaken for ours: their files are left as they are.
    return this.#part === null && path === this.#knownPath && size <= partBytesMax;
  }

  #switchTo(day: Day, number: number): void {
    const { files, home } = this.#needs;
    const path = partPath(this.definition, day, number);
    const left = this.#part;
    if (left !== null) {
      this.#cutTorn();
      this.sync();
    }
    const directory = `${home}/${monthDirectory(this.definition, day)}`;
    files.makeDirectory(directory);
    const file = files.open(`${home}/${path}`, "append");
    try {
      // The month's, the year's and the kind's own directory may all be new.
      for (const parent of [directory, parentOf(directory), parentOf(parentOf(directory))]) {
        syncDirectory(files, parent);
      }
    } catch (error) {
      file.close();
      throw error;
    }
    this.#part = { path, day, number, file };
    this.#linkDue = true;
    this.#cursorDue = true;
    if (left !== null) this.#leave(left);
  }

  #leave(part: Part): void {
    const { files, home } = this.#needs;
    const empty = part.file.info().bytes === 0;
    part.file.close();
    if (empty && files.info(`${home}/${part.path}`) !== null) files.remove(`${home}/${part.path}`);
  }

  #write(bytes: Buffer): void {
    const { file } = this.#openPart;
    this.#cutTorn();
    const before = this.bytes;
    this.#unsynced = true;
    try {
      file.write(bytes);
    } catch (error) {
      this.#tornAt = before;
      this.#cutTorn();
      throw error;
    }
  }

  /** Should this fail too, it is done before the next write. */
  #cutTorn(): void {
    if (this.#tornAt === null) return;
    this.#openPart.file.truncate(this.#tornAt);
    this.#tornAt = null;
  }

  #isReplayed(position: number, memory: Buffer, start: number, end: number): boolean {
    const replayed = this.#replayed;
    if (replayed === null) return false;
    const held = replayed.holds(memory, start, end);
    if (held === "torn") replayed.cut();
    if (held === "other") this.#needs.events.replayDiffers(replayed.path);
    if (held === "whole") {
      this.#position = position;
      this.#pendingPosition = position;
    }
    if (held !== "whole" || replayed.over) {
      replayed.close();
      this.#replayed = null;
      this.#cursorDue = true;
    }
    return held === "whole";
  }
}
