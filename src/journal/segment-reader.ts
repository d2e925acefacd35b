/**
 * Reads the blocks of one segment file one after the other, and finds the next whole block where bytes are damaged.
 *
 * Hostile files cost time in proportion to their length and never more memory than one block of the longest kind.
 */
import type { Files, OpenFile } from "#kernel/ports/files.ts";
import {
  BLOCK_BYTES_MAX,
  BLOCK_MAGIC,
  type BlockFault,
  blockBytes,
  HEADER_BYTES,
  headerFault,
  verifyBlock,
} from "#model/event-block.ts";
import { READ_BYTES } from "./limits.ts";

export type JournalBlock = {
  readonly kind: "block";
  /** Verified. It is the reader's memory: valid until the next call of `next()`. */
  readonly block: Buffer;
  readonly position: number;
  readonly nextPosition: number;
};

/** Bytes that hold no block: up to the next whole one, or to the end when there is none. */
export type DamagedPart = {
  readonly kind: "damaged";
  readonly fault: BlockFault;
  readonly position: number;
  readonly nextPosition: number;
};

export type SegmentReaderOptions = {
  readonly path: string;
  /** Where the file begins in the journal. */
  readonly start: number;
  readonly epoch: number;
  /** The first position to read, not before `start`. */
  readonly position: number;
};

export class SegmentReader {
  readonly start: number;
  readonly path: string;
  readonly #epoch: number;
  readonly #file: OpenFile;
  #position: number;
  #buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  #bufferedFrom = 0; // position of the buffer's first byte
  #bufferedBytes = 0;

  /** Throws `CodedError` when the file cannot be opened. */
  constructor(files: Files, options: SegmentReaderOptions) {
    this.path = options.path;
    this.start = options.start;
    this.#epoch = options.epoch;
    this.#position = options.position;
    this.#file = files.open(options.path, "read");
  }

  get position(): number {
    return this.#position;
  }

  get fileBytes(): number {
    return this.#file.info().bytes;
  }

  close(): void {
    this.#file.close();
  }

  /** The next part that ends at `end` or before; null when there is nothing up to there. `end` never goes back. */
  next(end: number): JournalBlock | DamagedPart | null {
    const position = this.#position;
    if (position >= end) return null;
    const found = this.#blockAt(position, end);
    if (typeof found !== "string") {
      this.#position = position + found.length;
      return { kind: "block", block: found, position, nextPosition: this.#position };
    }
    this.#position = this.#nextBlockAfter(position, end);
    return { kind: "damaged", fault: found, position, nextPosition: this.#position };
  }

  #blockAt(position: number, end: number): Buffer | BlockFault {
    const place = { position, epoch: this.#epoch };
    const header = this.#bytesAt(position, HEADER_BYTES, end);
    const fault = headerFault(header, place);
    if (fault !== null) return fault;
    const block = this.#bytesAt(position, blockBytes(header), end);
    return verifyBlock(block, place) ?? block;
  }

  /** The magic is only the first hint: a block must also name its place and have its checksum. */
  #nextBlockAfter(damaged: number, end: number): number {
    let position = damaged + 1;
    while (position < end) {
      const bytes = this.#bytesAt(position, BLOCK_MAGIC.length, end);
      if (bytes.length < BLOCK_MAGIC.length) return end;
      const buffered = this.#buffer.subarray(position - this.#bufferedFrom, this.#bufferedBytes);
      const found = buffered.indexOf(BLOCK_MAGIC);
      if (found === -1) {
        position += buffered.length - BLOCK_MAGIC.length + 1;
        continue;
      }
      position += found;
      if (typeof this.#blockAt(position, end) !== "string") return position;
      position++;
    }
    return end;
  }

  /** Up to `count` bytes from `position`, fewer when `end` or the file comes first. */
  #bytesAt(position: number, count: number, end: number): Buffer {
    const wanted = Math.min(count, end - position);
    const bufferedEnd = this.#bufferedFrom + this.#bufferedBytes;
    if (position < this.#bufferedFrom || position + wanted > bufferedEnd) this.#fill(position, wanted, end);
    const from = position - this.#bufferedFrom;
    return this.#buffer.subarray(from, Math.min(from + wanted, this.#bufferedBytes));
  }

  /** Reads no further than `end`: what lies behind may still change. */
  #fill(position: number, wanted: number, end: number): void {
    if (wanted > this.#buffer.length) this.#buffer = Buffer.allocUnsafeSlow(BLOCK_BYTES_MAX);
    const readable = Math.min(this.#buffer.length, end - position);
    this.#bufferedFrom = position;
    this.#bufferedBytes = 0;
    while (this.#bufferedBytes < readable) {
      const into = this.#buffer.subarray(this.#bufferedBytes, readable);
      const read = this.#file.read(into, position - this.start + this.#bufferedBytes);
      if (read === 0) break;
      this.#bufferedBytes += read;
    }
  }
}
