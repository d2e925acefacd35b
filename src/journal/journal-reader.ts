/**
 * Reads the journal from a position on, across segments, up to what is written: the same way at replay and live.
 *
 * The bytes come from the files; what was written a moment ago is still in the page cache.
 */
import assert from "node:assert/strict";
import type { Files } from "#kernel/ports/files.ts";
import type { JournalEvents } from "./events.ts";
import { type JournalBlock, SegmentReader } from "./segment-reader.ts";
import { listSegments, segmentPath, segmentsFrom } from "./segments.ts";
import type { SharedProgress } from "./shared-progress.ts";

export type JournalReaderNeeds = {
  readonly files: Files;
  readonly directory: string;
  readonly progress: SharedProgress;
  readonly events: JournalEvents;
};

export class JournalReader {
  readonly #needs: JournalReaderNeeds;
  #position: number;
  #segment: SegmentReader | null = null;
  /** Of `#segment`, once a later one has begun and it can grow no more. */
  #complete: { readonly end: number; readonly nextStart: number } | null = null;
  #seenWritten: number;

  /** `position` is 0 or a `nextPosition` of the same epoch. What was discarded since is skipped. */
  constructor(needs: JournalReaderNeeds, position: number) {
    this.#needs = needs;
    this.#position = position;
    this.#seenWritten = needs.progress.written;
  }

  /** Where the next part is looked for. */
  get position(): number {
    return this.#position;
  }

  /** The next block, or null when all that is written was read. Throws `CodedError` when the disk cannot be read. */
  next(): JournalBlock | null {
    const { progress, events } = this.#needs;
    for (;;) {
      this.#seenWritten = progress.written;
      if (!progress.open) return null;
      const segment = this.#segment ?? this.#openSegment();
      const current = segment.start === progress.segmentStart; // read after `written`: see there
      const part = segment.next(current ? this.#seenWritten : this.#completeEnd(segment));
      if (part === null) {
        if (current) return null;
        this.#leaveSegment();
        continue;
      }
      this.#position = part.nextPosition;
      if (part.kind === "block") return part;
      events.damaged(segment.path, part);
    }
  }

  /** Resolves when there is more than `next()` saw last, or the journal was stopped. */
  waitForMore(): Promise<void> {
    return this.#needs.progress.writtenChanged(this.#seenWritten);
  }

  close(): void {
    this.#segment?.close();
    this.#segment = null;
  }

  #openSegment(): SegmentReader {
    const { files, directory, progress } = this.#needs;
    assert(this.#position <= progress.written, "position of this epoch");
    const [holding] = segmentsFrom(listSegments(files, directory), this.#position);
    const start = holding?.start ?? progress.segmentStart;
    this.#position = Math.max(this.#position, start);
    const path = segmentPath(directory, start);
    this.#complete = null;
    this.#segment = new SegmentReader(files, {
      path,
      start,
      epoch: progress.epoch,
      position: this.#position,
    });
    return this.#segment;
  }

  #completeEnd(segment: SegmentReader): number {
    if (this.#complete === null) {
      const { files, directory, progress } = this.#needs;
      const later = listSegments(files, directory).find((other) => other.start > segment.start);
      const nextStart = later?.start ?? progress.segmentStart;
      this.#complete = { end: Math.min(segment.start + segment.fileBytes, nextStart), nextStart };
    }
    return this.#complete.end;
  }

  /** There may be a gap up to the next segment: after a restart, or where segments were discarded. */
  #leaveSegment(): void {
    assert(this.#complete !== null, "a segment that is left is complete");
    this.#position = this.#complete.nextStart;
    this.close();
  }
}
