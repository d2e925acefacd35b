/**
 * Goal: the peer's answers. Method: every row of its own output (test/vectors/analysis/patterns.jsonl): verdict, end, captures
 * and refusals; the strings are JSON text whose UTF-8 bytes the matcher saw.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { assertFacts, factsOf } from "./facts.fixture.ts";
import { compilePattern, PATTERN_BYTES_MAX, type Pattern, type PatternKind } from "./pattern.ts";

type Row = {
  readonly type: PatternKind;
  readonly pattern: string;
  readonly string: string;
  readonly compile?: "error";
  readonly errcode?: number;
  readonly match?: boolean;
  readonly end?: number;
  readonly captures?: readonly string[];
};

const VECTORS = new URL("../../../test/vectors/analysis/patterns.jsonl", import.meta.url);
const rows = readFileSync(VECTORS, "utf8")
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line) as Row);
const bytes = (text: string): string => Buffer.from(text, "utf8").toString("latin1");

function compiled(kind: PatternKind, text: string, mode: "plain" | "capturing" = "plain"): Pattern {
  const result = compilePattern(kind, text, { mode });
  assert.ok(result.ok, `${kind} ${text}`);
  return result.pattern;
}

test("compilePattern() refuses what the peer refuses, with its number", () => {
  const refused = rows.filter((row) => row.compile === "error");
  assert.equal(refused.length, 188);
  for (const row of refused) {
    const result = compilePattern(row.type, bytes(row.pattern));
    assert.ok(!result.ok, row.pattern);
    assert.equal(result.error.errcode, row.errcode, row.pattern);
  }
});

test("Pattern gives the peer's verdict, end and captures on every row", () => {
  let checked = 0;
  for (const row of rows) {
    if (row.compile === "error") continue;
    const pattern = compiled(row.type, bytes(row.pattern), "capturing");
    const subject = bytes(row.string);
    const where = JSON.stringify(row);
    assert.equal(pattern.test(subject), row.match, where);
    const match = pattern.match(subject);
    assert.equal(match !== null, row.match, where);
    if (match !== null && row.type === "osregex") {
      assert.equal(match.end, row.end, where);
      assert.deepEqual(match.captures, row.captures?.map(bytes), where);
    }
    checked++;
  }
  assert.equal(checked, 3743);
});

test("Pattern names only facts that hold for every subject that matches", () => {
  for (const row of rows) {
    if (row.compile === "error") continue;
    assertFacts(compiled(row.type, bytes(row.pattern)), bytes(row.string), row.match === true);
  }
});

test("compilePattern() compares strings whole and with regard to case", () => {
  const pattern = compiled("string", "Log.in");
  assert.ok(pattern.test("Log.in"));
  assert.ok(!pattern.test("log.in") && !pattern.test("Log.in ") && !pattern.test(""));
  assert.deepEqual(pattern.match("Log.in"), { end: -1, captures: [] });
  assert.deepEqual(pattern.match("a Log.in", 2), { end: 1, captures: [] });
  assert.deepEqual(factsOf(pattern), [["log.in"], null, "L"]);
  assert.ok(compiled("string", "").test(""));
  assert.equal(compiled("string", "").required, null);
});

test("compilePattern() refuses a text over the limit, whatever its kind", () => {
  for (const kind of ["osregex", "osmatch", "pcre2", "string"] as const) {
    assert.ok(compilePattern(kind, "a".repeat(PATTERN_BYTES_MAX)).ok, kind);
    const result = compilePattern(kind, "a".repeat(PATTERN_BYTES_MAX + 1));
    assert.ok(!result.ok);
    assert.equal(result.error.errcode, 3);
  }
});
