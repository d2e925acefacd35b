/**
 * Looks over a value of a MaxMind DB file before the library decodes it: the library believes every length and every pointer, so a
 * few damaged bytes could make it fill the memory with one array, or decode the same bytes for hours.
 *
 * https://maxmind.github.io/MaxMind-DB/, "Data Field Format".
 */

/** A record of the largest databases has some hundred values. */
const VALUES_MAX = 4096;
/** Theirs nest four deep. */
const DEPTH_MAX = 32;

const EXTENDED = 0;
const POINTER = 1;
const MAP = 7;
const ARRAY = 11;
const BOOLEAN = 14;
/** What an extended type counts from. */
const EXTENDED_BASE = 7;

/** What a pointer of each size adds to its number. */
const POINTER_OFFSETS = [0, 2048, 526_336, 0] as const;
/** The first length that each count of length bytes stands for. */
const LENGTH_OFFSETS = [29, 285, 65_821] as const;

class ValueWalk {
  readonly #bytes: Uint8Array;
  readonly #base: number;
  #valuesLeft = VALUES_MAX;

  constructor(bytes: Uint8Array, base: number) {
    this.#bytes = bytes;
    this.#base = base;
  }

  /** The offset behind the value, or null when it must not be decoded. */
  endOf(offset: number, depth: number): number | null {
    if (depth > DEPTH_MAX || --this.#valuesLeft < 0) return null;
    const control = this.#bytes[offset];
    if (control === undefined) return null;
    const type = control >> 5;
    if (type === POINTER) return this.#pointer(control, offset + 1, depth);
    if (type !== EXTENDED) return this.#sized(type, control, offset + 1, depth);
    const extended = this.#bytes[offset + 1];
    return extended === undefined ? null : this.#sized(extended + EXTENDED_BASE, control, offset + 2, depth);
  }

  #pointer(control: number, offset: number, depth: number): number | null {
    const size = (control >> 3) & 3;
    const packed = this.#number(offset, size + 1);
    if (packed === null) return null;
    const high = size === 3 ? 0 : (control & 7) * 256 ** (size + 1);
    const target = this.#base + (POINTER_OFFSETS[size] ?? 0) + high + packed;
    return this.endOf(target, depth + 1) === null ? null : offset + size + 1;
  }

  #sized(type: number, control: number, offset: number, depth: number): number | null {
    const short = control & 0x1f;
    const lengthBytes = Math.max(0, short - 28);
    const more = this.#number(offset, lengthBytes);
    if (more === null) return null;
    const length = lengthBytes === 0 ? short : (LENGTH_OFFSETS[lengthBytes - 1] ?? 0) + more;
    const start = offset + lengthBytes;
    if (type === MAP) return this.#values(length * 2, start, depth);
    if (type === ARRAY) return this.#values(length, start, depth);
    if (type === BOOLEAN) return start;
    return start + length <= this.#bytes.length ? start + length : null;
  }

  #values(count: number, offset: number, depth: number): number | null {
    let end: number | null = offset;
    for (let index = 0; index < count && end !== null; index++) end = this.endOf(end, depth + 1);
    return end;
  }

  #number(offset: number, bytes: number): number | null {
    if (offset + bytes > this.#bytes.length) return null;
    let number = 0;
    for (let index = 0; index < bytes; index++) number = number * 256 + (this.#bytes[offset + index] ?? 0);
    return number;
  }
}

/** True when decoding the value at `offset` ends soon and stays inside the file. Pointers count from `base`. */
export function isBoundedValue(bytes: Uint8Array, offset: number, base: number): boolean {
  return new ValueWalk(bytes, base).endOf(offset, 0) !== null;
}
