/** Goal: a wildcard finds the files that a shell's would. Method: cases written by hand from the shell's rules, and a slow pattern. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { hasWildcards, matchesName, parseNamePattern } from "./path-pattern.ts";

const CASES: readonly [string, readonly string[], readonly string[]][] = [
  ["*.log", ["a.log", "a.b.log"], ["a.log.1", "log", ".hidden.log"]],
  ["*", ["a", "a.b"], [".a"]],
  [".*", [".a", ".."], ["a"]],
  ["app-?.log", ["app-1.log"], ["app-.log", "app-12.log"]],
  ["a*b*c", ["abc", "aXbXc", "abbcbc"], ["abcd", "ac", "acb"]],
  ["[a-c]x", ["ax", "cx"], ["dx", "x", "aax"]],
  ["[!0-9]*", ["ab"], ["1b", ".b"]],
  ["[]x]", ["]", "x"], ["[", "y"]],
  ["[a-]", ["a", "-"], ["b"]],
  ["[a", ["[a"], ["a"]],
  ["a+(b)$", ["a+(b)$"], ["aab"]],
];

test("matchesName() follows the shell's rules", () => {
  for (const [pattern, matching, others] of CASES) {
    const parsed = parseNamePattern(pattern);
    for (const name of matching) assert.ok(matchesName(parsed, name), `${pattern} matches ${name}`);
    for (const name of others) assert.ok(!matchesName(parsed, name), `${pattern} does not match ${name}`);
  }
});

test("matchesName() is quick on a pattern that makes others slow", () => {
  assert.ok(!matchesName(parseNamePattern("*a".repeat(120)), `${"a".repeat(100)}b`.repeat(2)));
});

test("hasWildcards() sees each kind", () => {
  assert.deepEqual(["a*", "?", "[a]", "a.log", "a]"].map(hasWildcards), [true, true, true, false, false]);
});
