/**
 * Blowfish in CBC mode, for agents configured with `<crypto_method>blowfish</crypto_method>`; OpenSSL 3 keeps it in its legacy provider,
 * which Node.js does not load.
 *
 * B. Schneier, "Description of a New Variable-Length Key, 64-bit Block Cipher", 1993: the tables begin as the hexadecimal digits of pi.
 */
import assert from "node:assert/strict";

export const BLOWFISH_BLOCK_BYTES = 8;
const ROUNDS = 16;
const SUBKEYS = ROUNDS + 2;
const BOX_WORDS = 256;
const BOXES = 4;
const WORD_BITS = 32n;
const TABLE_WORDS = SUBKEYS + BOXES * BOX_WORDS;
/** Rounding of some thousand terms stays far below these bits. */
const GUARD_BITS = 64n;

/** arctan(1/x), times `unit`. */
function arctanOfInverse(x: bigint, unit: bigint): bigint {
  let power = unit / x;
  let sum = power;
  for (let divisor = 3n, sign = -1n; power > 0n; divisor += 2n, sign = -sign) {
    power /= x * x;
    sum += (sign * power) / divisor;
  }
  return sum;
}

/** The first words of pi's fraction, by Machin's formula. */
function wordsOfPi(): Uint32Array {
  const bits = BigInt(TABLE_WORDS) * WORD_BITS;
  const unit = 1n << (bits + GUARD_BITS);
  const pi = 4n * (4n * arctanOfInverse(5n, unit) - arctanOfInverse(239n, unit));
  const hex = ((pi - 3n * unit) >> GUARD_BITS).toString(16).padStart(TABLE_WORDS * 8, "0");
  return Uint32Array.from({ length: TABLE_WORDS }, (_, word) => Number.parseInt(hex.substr(word * 8, 8), 16));
}

let piWords: Uint32Array | null = null;

export class Blowfish {
  /** Round keys, then the four boxes. */
  readonly #table: Uint32Array;
  #left = 0;
  #right = 0;

  /** Takes about half a millisecond. `key` has 1 to 72 bytes. */
  constructor(key: Uint8Array) {
    assert(key.length >= 1 && key.length <= SUBKEYS * 4, `key of ${key.length} bytes`);
    piWords ??= wordsOfPi();
    const table = Uint32Array.from(piWords);
    this.#table = table;
    for (let word = 0, at = 0; word < SUBKEYS; word++) {
      let mixed = 0;
      for (let byte = 0; byte < 4; byte++) mixed = (mixed << 8) | (key[at++ % key.length] ?? 0);
      table[word] = (table[word] ?? 0) ^ mixed;
    }
    for (let word = 0; word < TABLE_WORDS; word += 2) {
      this.#encryptBlock();
      table[word] = this.#left;
      table[word + 1] = this.#right;
    }
  }

  /** Without padding: the length must be a multiple of the block's. */
  encryptCbc(clear: Buffer, iv: Buffer): Buffer {
    const sealed = Buffer.allocUnsafe(clear.length);
    this.#left = iv.readUInt32BE(0);
    this.#right = iv.readUInt32BE(4);
    for (let at = 0; at < clear.length; at += BLOWFISH_BLOCK_BYTES) {
      this.#left ^= clear.readUInt32BE(at);
      this.#right ^= clear.readUInt32BE(at + 4);
      this.#encryptBlock();
      sealed.writeUInt32BE(this.#left >>> 0, at);
      sealed.writeUInt32BE(this.#right >>> 0, at + 4);
    }
    return sealed;
  }

  decryptCbc(sealed: Buffer, iv: Buffer): Buffer {
    const clear = Buffer.allocUnsafe(sealed.length);
    let previousLeft = iv.readUInt32BE(0);
    let previousRight = iv.readUInt32BE(4);
    for (let at = 0; at < sealed.length; at += BLOWFISH_BLOCK_BYTES) {
      const left = sealed.readUInt32BE(at);
      const right = sealed.readUInt32BE(at + 4);
      this.#left = left;
      this.#right = right;
      this.#decryptBlock();
      clear.writeUInt32BE((this.#left ^ previousLeft) >>> 0, at);
      clear.writeUInt32BE((this.#right ^ previousRight) >>> 0, at + 4);
      previousLeft = left;
      previousRight = right;
    }
    return clear;
  }

  #encryptBlock(): void {
    this.#rounds(0, 1);
  }

  /** The same rounds with the round keys from the last to the first. */
  #decryptBlock(): void {
    this.#rounds(SUBKEYS - 1, -1);
  }

  #rounds(firstKey: number, step: number): void {
    const table = this.#table;
    let left = this.#left;
    let right = this.#right;
    let key = firstKey;
    for (let round = 0; round < ROUNDS; round++) {
      left ^= table[key] ?? 0;
      key += step;
      const sum =
        (table[SUBKEYS + (left >>> 24)] ?? 0) + (table[SUBKEYS + BOX_WORDS + ((left >>> 16) & 255)] ?? 0);
      const mixed = sum ^ (table[SUBKEYS + 2 * BOX_WORDS + ((left >>> 8) & 255)] ?? 0);
      const other = right ^ (mixed + (table[SUBKEYS + 3 * BOX_WORDS + (left & 255)] ?? 0));
      right = left;
      left = other;
    }
    // The last swap is taken back.
    this.#left = right ^ (table[key + step] ?? 0);
    this.#right = left ^ (table[key] ?? 0);
  }
}
