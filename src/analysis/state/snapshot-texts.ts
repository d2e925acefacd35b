/**
 * The texts of a snapshot, raw and one behind the other: none needs escaping, and a long log costs no more than its copy. The
 * numbers in front of them say how long each is; texts are taken in the order in which they were put.
 */
import assert from "node:assert/strict";

/** The length that stands for a value that is not there. */
const ABSENT = -1;
/** Most texts are short: joined first, they are converted at once, which takes a third of the time. */
const JOINED_BYTES = 262_144;

export class SnapshotTexts {
  readonly #finished: Buffer[] = [];
  #texts: string[] = [];
  #bytes = 0;

  /** The length of the text, to be kept with the numbers. */
  put(text: string): number {
    this.#texts.push(text);
    this.#bytes += text.length;
    if (this.#bytes >= JOINED_BYTES) this.#join();
    return text.length;
  }

  putOptional(text: string | undefined): number {
    return text === undefined ? ABSENT : this.put(text);
  }

  toBuffers(): readonly Buffer[] {
    this.#join();
    return this.#finished;
  }

  #join(): void {
    this.#finished.push(Buffer.from(this.#texts.join(""), "latin1"));
    this.#texts = [];
    this.#bytes = 0;
  }
}

export class SnapshotTextReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  take(length: number): string {
    const end = this.#at + length;
    assert(length >= 0 && end <= this.#bytes.length, "text of a snapshot");
    const text = this.#bytes.toString("latin1", this.#at, end);
    this.#at = end;
    return text;
  }

  takeOptional(length: number): string | undefined {
    return length === ABSENT ? undefined : this.take(length);
  }
}
