/**
 * The end of a file whose records bear no position (archives.log), after a crash: replay brings the same records again, and those
 * that stand there already are told by their bytes.
 *
 * Over at the first record that is not there: from then on records are written.
 */
import type { OpenFile } from "#kernel/ports/files.ts";

export class ReplayedTail {
  readonly path: string;
  readonly #file: OpenFile;
  readonly #end: number;
  #offset: number;

  /** Takes over the file, opened for update; what is compared lies from `offset` to `end`. */
  constructor(path: string, file: OpenFile, offset: number, end: number) {
    this.path = path;
    this.#file = file;
    this.#offset = offset;
    this.#end = end;
  }

  /** All before this byte was recognised. */
  get offset(): number {
    return this.#offset;
  }

  get over(): boolean {
    return this.#offset === this.#end;
  }

  /** Whether the next record, `memory` from `start` to `end`, is the one that stands there. */
  holds(memory: Buffer, start: number, end: number): "whole" | "torn" | "other" {
    const there = Buffer.alloc(Math.min(end - start, this.#end - this.#offset));
    const bytes = this.#file.read(there, this.#offset);
    if (bytes < there.length || memory.compare(there, 0, bytes, start, start + bytes) !== 0) return "other";
    if (bytes < end - start) return "torn";
    this.#offset += bytes;
    return "whole";
  }

  /** The record that broke off is cut away; it is written anew. */
  cut(): void {
    this.#file.truncate(this.#offset);
    this.#file.sync();
  }

  close(): void {
    this.#file.close();
  }
}
