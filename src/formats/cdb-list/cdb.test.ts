/**
 * Goal: files are those of every other constant database, and no file makes the reader throw. Method: bytes written by hand
 * from the format's page, all entries of a large list, and damaged files.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import { encodeCdb, openCdb } from "./cdb.ts";

/** The hashes of "one" and "" by hand: 5381; ((h * 33) ^ c) over 111, 110, 101. */
const HASH_ONE = (((((5381 * 33) ^ 111) * 33) ^ 110) * 33) ^ 101;

/** A database of `one` → `Hello`, laid out by hand. */
function handMade(): Buffer {
  const table = 2048 + 8 + 3 + 5;
  const bytes = Buffer.alloc(table + 16);
  for (let index = 0; index < 256; index++) {
    const isOurs = index === HASH_ONE % 256;
    bytes.writeUInt32LE(isOurs || index < HASH_ONE % 256 ? table : table + 16, index * 8);
    bytes.writeUInt32LE(isOurs ? 2 : 0, index * 8 + 4);
  }
  bytes.writeUInt32LE(3, 2048);
  bytes.writeUInt32LE(5, 2052);
  bytes.write("oneHello", 2056, "latin1");
  const slot = table + ((HASH_ONE >>> 8) % 2) * 8;
  bytes.writeUInt32LE(HASH_ONE, slot);
  bytes.writeUInt32LE(2048, slot + 4);
  return bytes;
}

function open(bytes: Uint8Array) {
  const outcome = openCdb(bytes);
  assert(outcome.ok);
  return outcome.cdb;
}

test("encodeCdb() writes the bytes of the format's page", () => {
  assert.deepEqual(encodeCdb([["one", "Hello"]]), handMade());
  const empty = encodeCdb([]);
  assert.equal(empty.length, 2048);
  assert.equal(empty.readUInt32LE(0), 2048);
});

test("openCdb() reads them", () => {
  const cdb = open(handMade());
  assert.equal(cdb.get("one"), "Hello");
  assert.equal(cdb.get("two"), null);
  assert.equal(cdb.get(""), null);
  assert.equal(open(encodeCdb([])).get("one"), null);
});

test("openCdb() finds every entry of a large list, the first of equal keys, and bytes above 127", () => {
  const entries = Array.from({ length: 20_000 }, (_, i) => [`key ${i}`, `value ${i}`] as const);
  const cdb = open(encodeCdb([...entries, ["key 7", "second"], ["\xe9\xff", "\x80"], ["", "empty key"]]));
  for (const [key, value] of entries) assert.equal(cdb.get(key), value);
  assert.equal(cdb.get("\xe9\xff"), "\x80");
  assert.equal(cdb.get(""), "empty key");
  assert.equal(cdb.get("key 20000"), null);
});

test("openCdb() refuses what is too short or points outside", () => {
  assert.deepEqual(openCdb(Buffer.alloc(2047)), { ok: false, code: "cdb_too_short" });
  const cut = handMade().subarray(0, -1);
  assert.deepEqual(openCdb(cut), { ok: false, code: "cdb_table_outside" });
  const huge = handMade();
  huge.writeUInt32LE(0xffff_ffff, 4);
  assert.deepEqual(openCdb(huge), { ok: false, code: "cdb_table_outside" });
});

test("openCdb() gives a value or null on damaged files", () => {
  const random = new SeededRandom(5);
  const keys = Array.from({ length: 30 }, (_, i) => `k${i}`);
  const whole = encodeCdb(keys.map((key) => [key, `value of ${key}`] as const));
  for (let round = 0; round < 2000; round++) {
    const damaged = random.mutate(whole);
    // Most damage in the header is refused, so half of the rounds hit the rest.
    if (round % 2 === 0) whole.copy(damaged, 0, 0, 2048);
    const outcome = openCdb(damaged);
    if (!outcome.ok) continue;
    for (const key of keys) {
      const value = outcome.cdb.get(key);
      assert(value === null || value.length < damaged.length, `round ${round}`);
    }
  }
});

test("openCdb() takes a record that reaches out of the file for absent", () => {
  for (const lengthAt of [2048, 2052]) {
    const bytes = handMade();
    bytes.writeUInt32LE(bytes.length, lengthAt);
    assert.equal(open(bytes).get("one"), null);
  }
});

test("openCdb() ends on a table without a free slot", () => {
  const bytes = handMade();
  const table = bytes.length - 16;
  for (const slot of [table, table + 8]) {
    bytes.writeUInt32LE(HASH_ONE, slot);
    bytes.writeUInt32LE(0xffff_fff0, slot + 4);
  }
  assert.equal(open(bytes).get("one"), null);
});
