/**
 * The compiled form of a list: D. J. Bernstein's constant database (https://cr.yp.to/cdb/cdb.txt), in memory.
 *
 * Pure: bytes in, bytes out; the file with its mode and temporary name is its owner's. Texts are latin1, one char a byte.
 * 256 pointers (position, slots) lead to 256 hash tables of (hash, position of the record), all numbers 32 bits little-endian.
 */
import assert from "node:assert/strict";

const TABLES = 256;
/** Both of a pointer and of a slot: two 32-bit numbers. */
const PAIR_BYTES = 8;
const HEADER_BYTES = TABLES * PAIR_BYTES;
/** A record starts with the lengths of its key and its value. */
const RECORD_HEADER_BYTES = 8;
const HASH_START = 5381;
/** A position has 32 bits. */
const FILE_BYTES_MAX = 0xffff_ffff;

export type Cdb = {
  /** Null when the key is absent; damaged parts of the file read as absent too. */
  get(key: string): string | null;
};

export type CdbOutcome =
  | { readonly ok: true; readonly cdb: Cdb }
  | { readonly ok: false; readonly code: "cdb_too_short" | "cdb_table_outside" };

type Slot = { readonly hash: number; readonly position: number };

/** Writes the entries in their order; of equal keys a reader finds the first. */
export function encodeCdb(entries: Iterable<readonly [key: string, value: string]>): Buffer {
  const records: Buffer[] = [];
  const tables: Slot[][] = Array.from({ length: TABLES }, () => []);
  let position = HEADER_BYTES;
  for (const [key, value] of entries) {
    const hash = hashOf(key);
    tables[hash % TABLES]?.push({ hash, position });
    const record = Buffer.alloc(RECORD_HEADER_BYTES + key.length + value.length);
    record.writeUInt32LE(key.length, 0);
    record.writeUInt32LE(value.length, 4);
    record.write(key, RECORD_HEADER_BYTES, "latin1");
    record.write(value, RECORD_HEADER_BYTES + key.length, "latin1");
    records.push(record);
    position += record.length;
  }

  const header = Buffer.alloc(HEADER_BYTES);
  const encodedTables: Buffer[] = [];
  for (const [index, slots] of tables.entries()) {
    const encoded = encodeTable(slots);
    assert(position + encoded.length <= FILE_BYTES_MAX, "a constant database of more than 4 GiB");
    header.writeUInt32LE(position, index * PAIR_BYTES);
    header.writeUInt32LE(encoded.length / PAIR_BYTES, index * PAIR_BYTES + 4);
    encodedTables.push(encoded);
    position += encoded.length;
  }
  return Buffer.concat([header, ...records, ...encodedTables]);
}

/** A table has twice as many slots as entries; an entry takes the first free slot from its own on. */
function encodeTable(slots: readonly Slot[]): Buffer {
  const count = slots.length * 2;
  const table = Buffer.alloc(count * PAIR_BYTES);
  for (const { hash, position } of slots) {
    let index = Math.floor(hash / TABLES) % count;
    // No record stands at position 0: it marks a free slot.
    while (table.readUInt32LE(index * PAIR_BYTES + 4) !== 0) index = (index + 1) % count;
    table.writeUInt32LE(hash, index * PAIR_BYTES);
    table.writeUInt32LE(position, index * PAIR_BYTES + 4);
  }
  return table;
}

/** Checks that every table lies inside the file. The bytes are kept, not copied: they must not change afterwards. */
export function openCdb(bytes: Uint8Array): CdbOutcome {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (file.length < HEADER_BYTES) return { ok: false, code: "cdb_too_short" };
  for (let index = 0; index < TABLES; index++) {
    const { position, count } = tableAt(file, index);
    if (position + count * PAIR_BYTES > file.length) return { ok: false, code: "cdb_table_outside" };
  }
  return { ok: true, cdb: { get: (key) => lookUp(file, key) } };
}

function lookUp(file: Buffer, key: string): string | null {
  const hash = hashOf(key);
  const { position, count } = tableAt(file, hash % TABLES);
  if (count === 0) return null;
  let index = Math.floor(hash / TABLES) % count;
  // A full table has no free slot to stop at: one round is enough.
  for (let tried = 0; tried < count; tried++) {
    const slot = position + index * PAIR_BYTES;
    const recordPosition = file.readUInt32LE(slot + 4);
    if (recordPosition === 0) return null;
    if (file.readUInt32LE(slot) === hash) {
      const value = valueAt(file, recordPosition, key);
      if (value !== null) return value;
    }
    index = (index + 1) % count;
  }
  return null;
}

/** The value of the record there, null when it has another key or reaches out of the file. */
function valueAt(file: Buffer, position: number, key: string): string | null {
  const keyStart = position + RECORD_HEADER_BYTES;
  if (keyStart > file.length || file.readUInt32LE(position) !== key.length) return null;
  const valueStart = keyStart + key.length;
  const end = valueStart + file.readUInt32LE(position + 4);
  if (end > file.length || file.toString("latin1", keyStart, valueStart) !== key) return null;
  return file.toString("latin1", valueStart, end);
}

function tableAt(file: Buffer, index: number): { position: number; count: number } {
  const at = index * PAIR_BYTES;
  return { position: file.readUInt32LE(at), count: file.readUInt32LE(at + 4) };
}

function hashOf(key: string): number {
  let hash = HASH_START;
  for (let index = 0; index < key.length; index++) {
    hash = (Math.imul(hash, 33) ^ (key.charCodeAt(index) & 0xff)) >>> 0;
  }
  return hash;
}
