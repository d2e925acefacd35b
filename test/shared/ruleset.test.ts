/**
 * Goal: the peer's own rule set means here what it means there. Method: load it whole; run the events of the peer's rule tests, and
 * damaged variants of them in one session, and compare whole documents with what the peer answered.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { RuleSiblings } from "#analysis/ruleset/rule-tree.ts";
import { loadRuleset } from "#analysis/ruleset/ruleset.ts";
import { stockSources } from "#analysis/ruleset/sources.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { requireRuleset, type Score, scoreExpected, scoreMutated } from "./score.ts";
import { RULESET_DIRECTORY, skipWithoutShared } from "./shared-data.ts";

/** Failures shown of a score: one is long. */
const FAILURES_SHOWN_MAX = 3;

const skip = skipWithoutShared();

function assertPassed({ passed, failures }: Score, total: number): void {
  assert.deepEqual(failures.slice(0, FAILURES_SHOWN_MAX), []);
  assert.equal(passed, total);
}

function placesIn({ nodes }: RuleSiblings): number {
  return nodes.reduce((count, { children }) => count + 1 + placesIn(children), 0);
}

test("loadRuleset() takes the peer's rule set without a problem", { skip }, () => {
  const { ruleset, problems } = loadRuleset(systemFiles, stockSources(systemFiles, RULESET_DIRECTORY));
  assert.deepEqual(problems, []);
  assert(ruleset !== null);
  assert.equal([...ruleset.rules.entries].length, 4510);
  assert.equal(placesIn(ruleset.rules.top), 8450);
  const { withProgramName, withoutProgramName } = ruleset.decoders;
  assert.deepEqual([withProgramName.length, withoutProgramName.length], [109, 99]);
});

test("Engine gives the peer's documents for the entries of its rule tests", { skip }, () => {
  assertPassed(scoreExpected(requireRuleset()), 1230);
});

test("Engine gives the peer's documents for damaged events in one session", { skip }, () => {
  assertPassed(scoreMutated(requireRuleset()), 2991);
});
