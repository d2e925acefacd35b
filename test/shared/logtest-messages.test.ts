/**
 * Goal: a session that begins on warnings or errors says what the peer's session says. Method: the cases that were recorded through
 * the peer's log test, each asked of the log test here, with the texts of `messages` and `codemsg` compared. The peer stops at the
 * first error and we do not, so on errors its messages must be among ours in their order.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, FakeNeeds, makeLogtest, processing } from "#logtest/fixture.ts";
import { loadCaseFiles, readLoadCases } from "./load-cases.ts";
import { skipWithoutShared } from "./shared-data.ts";

const FAILED = "ERROR: (7311): Failure to initializing session";
/** The error that the peer names without ending the session; here every error ends it. */
const ENDS_NOTHING_IN_THE_PEER = "ERROR: (7601)";

const skip = skipWithoutShared();
const { base, cases } = skip === false ? readLoadCases() : { base: null, cases: [] };

for (const [index, recorded] of cases.entries()) {
  test(`Logtest gives the peer's messages of case ${index + 1}`, () => {
    assert(base !== null);
    const { files, sources } = loadCaseFiles(base, recorded);
    const needs = new FakeNeeds(files);
    needs.chooses = () => ({ ...needs.choice(), sources });
    const { error, data } = ask(makeLogtest(needs), processing("Mar  3 08:12:44 h p1: a=1 b=2"));
    assert.equal(error, 0);
    assert.equal(data?.codemsg, recorded.codemsg);
    const ours = (data.messages ?? []).filter((message) => !message.startsWith("INFO: (7202)"));
    if (recorded.codemsg >= 0) {
      assert.deepEqual(ours, recorded.messages);
      assert(data.token !== undefined && data.output !== undefined);
      return;
    }
    assert.equal(data.token, undefined);
    assert.equal(ours.at(-1), FAILED);
    const peersEnd = recorded.messages.at(-1) ?? "";
    assert(peersEnd === FAILED || peersEnd.startsWith(ENDS_NOTHING_IN_THE_PEER), peersEnd);
    let from = 0;
    for (const message of recorded.messages) {
      const at = ours.indexOf(message, from);
      assert(at >= 0, `"${message}" is not in ${JSON.stringify(ours.slice(from), null, 1)}`);
      from = at + 1;
    }
  });
}
