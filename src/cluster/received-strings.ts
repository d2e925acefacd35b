/**
 * Strings that the other side sends piece by piece, until a command names them. One that it has given up, because an answer of ours came too late, is
 * forgotten after a while: nobody would name it, and its place is one of few.
 */
import { FillingBuffer } from "#formats/wire/cluster/filling-buffer.ts";
import type { Clock, Timer } from "#kernel/ports/clock.ts";
import type { Random } from "#kernel/ports/random.ts";
import { STRING_BYTES_MAX, STRING_WAIT_MS, STRINGS_MAX } from "./limits.ts";

type ReceivedString = { readonly buffer: FillingBuffer; timer: Timer };

/** The peer's ids are random numbers of 32 bits, as text. */
const IDS = 2 ** 32;

export class ReceivedStrings {
  readonly #random: Pick<Random, "below">;
  readonly #clock: Clock;
  readonly #strings = new Map<string, ReceivedString>();
  #declaredBytes = 0;

  constructor({ clock, random }: { readonly clock: Clock; readonly random: Pick<Random, "below"> }) {
    this.#random = random;
    this.#clock = clock;
  }

  get size(): number {
    return this.#strings.size;
  }

  /** Memory of all of them. */
  get heldBytes(): number {
    let bytes = 0;
    for (const { buffer } of this.#strings.values()) bytes += buffer.heldBytes;
    return bytes;
  }

  /** The id; null when it would be too many or too much. */
  begin(wholeBytes: number): string | null {
    if (this.#strings.size >= STRINGS_MAX || this.#declaredBytes + wholeBytes > STRING_BYTES_MAX) return null;
    let id: string;
    do id = String(this.#random.below(IDS));
    while (this.#strings.has(id));
    this.#strings.set(id, { buffer: new FillingBuffer(wholeBytes), timer: this.#forgetLater(id) });
    this.#declaredBytes += wholeBytes;
    return id;
  }

  /** What goes beyond the declared size is left out, as the peer does. False for an unknown id. */
  append(id: string, bytes: Uint8Array): boolean {
    const string = this.#strings.get(id);
    if (string === undefined) return false;
    string.timer.cancel();
    string.timer = this.#forgetLater(id);
    string.buffer.push(bytes);
    return true;
  }

  /** Forgets the first string of that declared size of which nothing has come; its id, or null. */
  dropEmpty(wholeBytes: number): string | null {
    for (const [id, { buffer }] of this.#strings) {
      if (buffer.wholeBytes !== wholeBytes || buffer.filledBytes > 0) continue;
      this.take(id);
      return id;
    }
    return null;
  }

  /** What has come of it; null for an unknown id. It is the caller's then. */
  take(id: string): Buffer | null {
    const string = this.#strings.get(id);
    if (string === undefined) return null;
    string.timer.cancel();
    this.#strings.delete(id);
    this.#declaredBytes -= string.buffer.wholeBytes;
    return string.buffer.bytes();
  }

  clear(): void {
    for (const { timer } of this.#strings.values()) timer.cancel();
    this.#strings.clear();
    this.#declaredBytes = 0;
  }

  #forgetLater(id: string): Timer {
    return this.#clock.after(STRING_WAIT_MS, () => this.take(id));
  }
}
