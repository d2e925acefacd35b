/** Strings that the other side sends piece by piece, until a command names them. They live as long as the connection. */
import { FillingBuffer } from "#formats/wire/cluster/filling-buffer.ts";
import type { Random } from "#kernel/ports/random.ts";
import { STRING_BYTES_MAX, STRINGS_MAX } from "./limits.ts";

/** The peer's ids are random numbers of 32 bits, as text. */
const IDS = 2 ** 32;

export class ReceivedStrings {
  readonly #random: Pick<Random, "below">;
  readonly #strings = new Map<string, FillingBuffer>();
  #declaredBytes = 0;

  constructor(random: Pick<Random, "below">) {
    this.#random = random;
  }

  /** Memory of all of them. */
  get heldBytes(): number {
    let bytes = 0;
    for (const string of this.#strings.values()) bytes += string.heldBytes;
    return bytes;
  }

  /** The id; null when it would be too many or too much. */
  begin(wholeBytes: number): string | null {
    if (this.#strings.size >= STRINGS_MAX || this.#declaredBytes + wholeBytes > STRING_BYTES_MAX) return null;
    let id: string;
    do id = String(this.#random.below(IDS));
    while (this.#strings.has(id));
    this.#strings.set(id, new FillingBuffer(wholeBytes));
    this.#declaredBytes += wholeBytes;
    return id;
  }

  /** What goes beyond the declared size is left out, as the peer does. False for an unknown id. */
  append(id: string, bytes: Uint8Array): boolean {
    return (this.#strings.get(id)?.push(bytes) ?? null) !== null;
  }

  /** Forgets the first string of that declared size of which nothing has come; its id, or null. */
  dropEmpty(wholeBytes: number): string | null {
    for (const [id, string] of this.#strings) {
      if (string.wholeBytes !== wholeBytes || string.filledBytes > 0) continue;
      this.take(id);
      return id;
    }
    return null;
  }

  /** What has come of it; null for an unknown id. It is the caller's then. */
  take(id: string): Buffer | null {
    const string = this.#strings.get(id);
    if (string === undefined) return null;
    this.#strings.delete(id);
    this.#declaredBytes -= string.wholeBytes;
    return string.bytes();
  }

  clear(): void {
    this.#strings.clear();
    this.#declaredBytes = 0;
  }
}
