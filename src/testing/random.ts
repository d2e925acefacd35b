/**
 * A seeded generator for property tests and fuzzing: the same seed gives the same run on every machine.
 *
 * Not for keys or tokens: those come from the `Random` port.
 */

/** Mulberry32: 32 bits of state, good enough to pick test inputs. */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A number in [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** A whole number in [0, bound). */
  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError("pick from an empty list");
    return item;
  }

  bytes(count: number): Buffer {
    const bytes = Buffer.alloc(count);
    for (let index = 0; index < count; index++) bytes[index] = this.below(256);
    return bytes;
  }

  /** A damaged copy: bytes flipped, cut out, doubled or inserted, one to four times. */
  mutate(input: Uint8Array): Buffer {
    let bytes = Buffer.from(input);
    for (let round = 1 + this.below(4); round > 0; round--) {
      const at = this.below(bytes.length + 1);
      const length = 1 + this.below(8);
      const kind = this.below(4);
      if (kind === 0 && at < bytes.length) bytes[at] = this.below(256);
      else if (kind === 1) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
      else if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)]);
      else bytes = Buffer.concat([bytes.subarray(0, at), this.bytes(length), bytes.subarray(at)]);
    }
    return bytes;
  }
}
