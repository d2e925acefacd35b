/** Bytes of an announced length that arrive in pieces: memory follows what has arrived, not what was announced. */

const FIRST_BYTES = 4096;

export class FillingBuffer {
  /** What was announced. */
  readonly wholeBytes: number;
  #bytes: Buffer;
  #filledBytes = 0;

  constructor(wholeBytes: number) {
    this.wholeBytes = wholeBytes;
    this.#bytes = Buffer.allocUnsafe(Math.min(wholeBytes, FIRST_BYTES));
  }

  get filledBytes(): number {
    return this.#filledBytes;
  }

  /** Memory, which may be more than what has arrived. */
  get heldBytes(): number {
    return this.#bytes.length;
  }

  get isFull(): boolean {
    return this.#filledBytes === this.wholeBytes;
  }

  /** Takes what still fits, and says how many bytes that were. */
  push(chunk: Uint8Array): number {
    const takenBytes = Math.min(chunk.length, this.wholeBytes - this.#filledBytes);
    const neededBytes = this.#filledBytes + takenBytes;
    if (neededBytes > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(
        Math.min(this.wholeBytes, Math.max(neededBytes, 2 * this.#bytes.length)),
      );
      this.#bytes.copy(grown, 0, 0, this.#filledBytes);
      this.#bytes = grown;
    }
    this.#bytes.set(chunk.subarray(0, takenBytes), this.#filledBytes);
    this.#filledBytes = neededBytes;
    return takenBytes;
  }

  /** What has arrived; shares the memory. */
  bytes(): Buffer {
    return this.#bytes.subarray(0, this.#filledBytes);
  }
}
