/**
 * Goal: agents get the bytes that the peer would send, and nothing that is read leads out of a folder. Method: the vectors byte for
 * byte in both directions; then cut, flipped, hostile and very large files.
 */
import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import {
  compareMergedPaths,
  isMergedPath,
  MERGED_ENTRIES_MAX,
  MERGED_PATH_BYTES_MAX,
  type MergedEntry,
  mergedParts,
  parseMerged,
} from "./merged-mg.ts";

type Vector = {
  readonly name: string;
  readonly first_line_name: string;
  readonly ar_conf: string | null;
  readonly files: readonly { readonly path: string; readonly hex: string }[];
  readonly merged_hex: string;
  readonly md5: string;
};
const FILE = new URL("../../../test/vectors/agent/merged.json", import.meta.url);
const { vectors }: { readonly vectors: readonly Vector[] } = JSON.parse(readFileSync(FILE, "utf8"));

function entriesOf({ ar_conf: arConf, files }: Vector): MergedEntry[] {
  const shared = files.map(({ path, hex }) => ({ path, bytes: Buffer.from(hex, "hex") }));
  return arConf === null ? shared : [{ path: "ar.conf", bytes: Buffer.from(arConf) }, ...shared];
}

for (const vector of vectors) {
  test(`mergedParts() and parseMerged() agree with the peer: ${vector.name}`, () => {
    const merged = Buffer.concat(mergedParts(vector.first_line_name, entriesOf(vector)));
    assert.equal(merged.toString("hex"), vector.merged_hex);
    assert.equal(hash("md5", merged), vector.md5);
    const outcome = parseMerged(merged);
    assert(outcome.ok);
    assert.equal(outcome.name, vector.first_line_name);
    const read = outcome.entries.map(({ path, bytes }) => ({ path, bytes: Buffer.from(bytes) }));
    assert.deepEqual(read, entriesOf(vector));
  });
}

test("parseMerged() refuses every path that leads out of a folder", () => {
  const paths = ["../x", "..", ".", "a/../x", "a/..", "/etc/passwd", "..\\x", "a\\b", "\\\\host\\x", "C:\\x"];
  const more = ["c:x", "a//b", "a/", "./a", "a\0b", "a\tb", "x".repeat(MERGED_PATH_BYTES_MAX + 1)];
  for (const path of [...paths, ...more]) {
    const outcome = parseMerged(Buffer.from(`#default\n!1 ${path}\nx`, "latin1"));
    assert.equal(outcome.ok, false, path);
    assert(!isMergedPath(path), path);
  }
  for (const path of ["a..b", "..a", "a b.txt", ".hidden", "sub/inner.txt", "d:"])
    assert.equal(isMergedPath(path), path !== "d:", path);
});

test("parseMerged() says where a file stops making sense", () => {
  const cases = [
    ["!2 a\nx", "beyond_end", 0],
    ["#g\n!999999999999999 a\nx", "beyond_end", 3],
    ["#g\n!9999999999999999 a\nx", "line_malformed", 3],
    ["#g\n!-1 a\nx", "line_malformed", 3],
    ["#g\n!1 \nx", "line_malformed", 3],
    ["#g\n!1 a\nxy", "line_malformed", 9],
    [`#g\n!1 ${"a".repeat(5000)}\nx`, "line_too_long", 3],
    [`#${"g".repeat(5000)}`, "line_too_long", 0],
    ["#g", "line_malformed", 0],
  ] as const;
  for (const [text, code, at] of cases)
    assert.deepEqual(parseMerged(Buffer.from(text)), { ok: false, code, at }, text.slice(0, 40));
  assert.deepEqual(parseMerged(Buffer.alloc(0)), { ok: true, name: null, entries: [] });
});

test("parseMerged() reads as many entries as are allowed and no more", () => {
  const most = "!0 a\n".repeat(MERGED_ENTRIES_MAX);
  const outcome = parseMerged(Buffer.from(most));
  assert(outcome.ok);
  assert.equal(outcome.entries.length, MERGED_ENTRIES_MAX);
  const at = most.length;
  assert.deepEqual(parseMerged(Buffer.from(`${most}!0 a\n`)), { ok: false, code: "too_many", at });
});

test("parseMerged() takes cut and flipped files without harm", () => {
  const random = new SeededRandom(11);
  for (const { merged_hex: hex } of vectors) {
    const merged = Buffer.from(hex, "hex");
    for (let cut = 0; cut < merged.length; cut++) {
      const outcome = parseMerged(merged.subarray(0, cut));
      const taken = outcome.ok ? outcome.entries.reduce((sum, { bytes }) => sum + bytes.length, 0) : 0;
      assert(taken <= cut);
    }
    for (let round = 0; round < 500; round++) {
      const flipped = Buffer.from(merged);
      for (let count = 0; count < 3; count++) flipped[random.below(flipped.length)] = random.below(256);
      const outcome = parseMerged(flipped);
      if (outcome.ok) for (const { path } of outcome.entries) assert(isMergedPath(path), path);
    }
  }
});

test("compareMergedPaths() enters a folder where its name sorts", () => {
  // The order of a folder's entries by their bytes, each folder's own behind it.
  const sorted = ["B", "a", "a.txt", "b/a", "b/c/d", "b/e", "b.txt", "c", "\u00e9"];
  assert.deepEqual([...sorted].reverse().sort(compareMergedPaths), sorted);
});
