/**
 * Goal: whoever knows the peer's messages finds them here. Method: the recorded cases, each a rule file and a decoder file that a
 * session of the peer was started with, are loaded on the same base; the peer stops at the first error and we do not, so its
 * messages must be among ours in their order and with their severity.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { loadRuleset } from "#analysis/ruleset/ruleset.ts";
import type { Problem } from "#formats/source-position.ts";
import { type LoadBase, type LoadCase, loadCaseFiles, readLoadCases } from "./load-cases.ts";
import { skipWithoutShared } from "./shared-data.ts";

/** What the peer's session says of itself, not of the files. */
const SESSION_MESSAGE = "ERROR: (7311)";

function load(base: LoadBase, recorded: LoadCase): readonly Problem[] {
  const { files, sources } = loadCaseFiles(base, recorded);
  return loadRuleset(files, sources).problems;
}

const skip = skipWithoutShared();
const { base, cases } = skip === false ? readLoadCases() : { base: null, cases: [] };

test("loadRuleset() has recorded cases to be compared with", { skip }, () => {
  assert.equal(cases.length, 48);
});

for (const [index, recorded] of cases.entries()) {
  test(`loadRuleset() gives the peer's messages of case ${index + 1}`, () => {
    assert(base !== null);
    const problems = load(base, recorded);
    const ours = problems.map(({ severity, message }) => `${severity.toUpperCase()}: ${message}`);
    const peers = recorded.messages.filter((message) => !message.startsWith(SESSION_MESSAGE));
    let from = 0;
    for (const message of peers) {
      const at = ours.indexOf(message, from);
      assert(at >= 0, `"${message}" is not in ${JSON.stringify(ours.slice(from), null, 1)}`);
      from = at + 1;
    }
    const errors = problems.filter(({ severity }) => severity === "error").length;
    if (recorded.codemsg === -1) assert(errors > 0, "no error");
    else assert.deepEqual(ours, peers);
  });
}
