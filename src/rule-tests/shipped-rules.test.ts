/**
 * Goal: the rules that come with the program do what their tests say, and every rule has one. Method: all test files of `ruleset/rules`
 * against the loaded set; then each rule must be expected by some test.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { CompiledRuleset } from "#analysis/engine.ts";
import { loadRuleset } from "#analysis/ruleset/ruleset.ts";
import { stockSources } from "#analysis/ruleset/sources.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { runTest } from "./run.ts";
import { SHIPPED_ALERT_LEVELS } from "./session.ts";
import { readTestFile } from "./test-file.ts";

const FOLDER = fileURLToPath(new URL("../../ruleset", import.meta.url));
/** The ids that ruleset/README.md gives our rules; below are the templates of the categories. */
const OWN_IDS = { first: 500_000, last: 599_999, templateLast: 9 } as const;

const { ruleset, problems } = loadRuleset(systemFiles, stockSources(systemFiles, FOLDER));
const files = systemFiles
  .list(`${FOLDER}/rules`)
  .filter(({ name }) => name.endsWith(".test.yml"))
  .map(({ name }) => ({ name, ...readTestFile(systemFiles, `${FOLDER}/rules/${name}`) }));

test("the shipped rule set loads without a remark", () => {
  assert.deepEqual(problems, []);
});

test("the shipped rules pass their tests", () => {
  assert.ok(ruleset !== null);
  const compiled = new CompiledRuleset(ruleset, SHIPPED_ALERT_LEVELS);
  assert.ok(files.length >= 7);
  for (const { name, tests, problems: mistakes } of files) {
    assert.deepEqual(mistakes, [], name);
    for (const ruleTest of tests)
      assert.deepEqual(runTest(compiled, ruleTest, 0).failures, [], ruleTest.name);
  }
});

test("every shipped rule that can alert is expected by a test, and its id is ours", () => {
  assert.ok(ruleset !== null);
  const expected = new Set(
    files
      .flatMap(({ tests }) => tests.flatMap(({ events }) => events))
      .map(({ expectation }) => expectation?.rule),
  );
  const definitions = [...new CompiledRuleset(ruleset, SHIPPED_ALERT_LEVELS).rules.byId.values()].map(
    ({ definition }) => definition,
  );
  assert.ok(definitions.length > 60);
  for (const { id, noAlert } of definitions) {
    assert.ok(id <= OWN_IDS.templateLast || (id >= OWN_IDS.first && id <= OWN_IDS.last), `${id}`);
    assert.ok(noAlert || expected.has(String(id)), `no test expects ${id}`);
  }
});
