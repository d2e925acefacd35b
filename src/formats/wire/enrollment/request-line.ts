/**
 * The one line that an enrollment client sends, collected from the pieces in which it comes.
 *
 * Bounded: a client that never ends its line is cut off at the limit. Old clients send no newline: what came until the
 * connection fell silent or closed is then the line, for the shell to decide (`rest()`).
 */

/** The peer's buffer for a request: 65,536 for a group list and 4,096 for the rest. */
export const REQUEST_LINE_BYTES_MAX = 69_632;
const NEWLINE = 0x0a;

export type LineResult =
  | { readonly code: "pending" }
  /** One char a byte, without the newline; what followed it is dropped. */
  | { readonly code: "line"; readonly line: string }
  | { readonly code: "too_long" };

export class RequestLineReader {
  #line = Buffer.alloc(0);
  #filledBytes = 0;

  /** Keeps a copy of the chunk. After any result but `pending` the reader has done its work. */
  push(chunk: Uint8Array): LineResult {
    const newlineAt = chunk.indexOf(NEWLINE);
    const piece = newlineAt === -1 ? chunk : chunk.subarray(0, newlineAt);
    if (this.#filledBytes + piece.length > REQUEST_LINE_BYTES_MAX) return { code: "too_long" };
    this.#append(piece);
    return newlineAt === -1 ? { code: "pending" } : { code: "line", line: this.rest() };
  }

  /** What has come so far, as the line of a client that sends no newline. */
  rest(): string {
    return this.#line.toString("latin1", 0, this.#filledBytes);
  }

  /** One buffer that doubles, not a list of pieces: a client may send byte by byte. */
  #append(piece: Uint8Array): void {
    const neededBytes = this.#filledBytes + piece.length;
    if (neededBytes > this.#line.length) {
      const grown = Buffer.alloc(Math.max(neededBytes, 2 * this.#line.length));
      grown.set(this.#line.subarray(0, this.#filledBytes));
      this.#line = grown;
    }
    this.#line.set(piece, this.#filledBytes);
    this.#filledBytes = neededBytes;
  }
}
