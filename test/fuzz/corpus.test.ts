/**
 * Goal: what failed once does not fail again, and what is kept still runs. Method: every input of the corpora, one test a target.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import "./v8-flags.ts";
import { readCorpus } from "./corpus.ts";
import { FAMILIES, loadTarget, TARGET_NAMES } from "./targets.ts";

for (const name of TARGET_NAMES) {
  test(`the kept inputs of '${name}' run`, async () => {
    const target = await loadTarget(name);
    for (const { name: file, input } of readCorpus(name)) {
      assert.doesNotThrow(() => target.run(input), file);
    }
  });
}

test("every target is fuzzed by npm test", () => {
  assert.deepEqual(FAMILIES.flat().sort(), [...TARGET_NAMES].sort());
});
