/** Goal: `.ini` rule tests of the 4.x generation have the verdict that they have there. Method: the peer's own files, all of which pass. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { systemFiles } from "#kernel/platform/files.ts";
import { runTest } from "#rule-tests/run.ts";
import { readTestFile } from "#rule-tests/test-file.ts";
import { requireRuleset } from "./score.ts";
import { RULESET_TESTS_DIRECTORY, skipWithoutShared } from "./shared-data.ts";

/** Entries of the peer's files without `*geoip.ini`, which need a database. */
const ENTRIES = 1230;

test("every rule test of the peer passes", { skip: skipWithoutShared() }, () => {
  const ruleset = requireRuleset();
  const directory = join(RULESET_TESTS_DIRECTORY, "tests");
  const names = readdirSync(directory).filter((name) => name.endsWith(".ini") && !name.endsWith("geoip.ini"));
  let passed = 0;
  for (const name of names) {
    const { tests, problems } = readTestFile(systemFiles, join(directory, name));
    assert.deepEqual(problems, [], name);
    for (const ruleTest of tests) {
      assert.deepEqual(runTest(ruleset, ruleTest, Date.now()).failures, [], `${name} ${ruleTest.name}`);
      passed++;
    }
  }
  assert.equal(passed, ENTRIES);
});
