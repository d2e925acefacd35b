/**
 * Goal: whoever knows the peer's messages finds them here. Method: the recorded cases, each a rule file and a decoder file that a
 * session of the peer was started with, are loaded on the same base; the peer stops at the first error and we do not, so its
 * messages must be among ours in their order and with their severity.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { loadRuleset } from "#analysis/ruleset/ruleset.ts";
import type { Problem } from "#formats/source-position.ts";
import { FakeFiles } from "#testing/files.ts";
import { RULESET_DIRECTORY, RULESET_TESTS_DIRECTORY, skipWithoutShared } from "./shared-data.ts";

const RULES = "etc/rules/z.xml";
const DECODERS = "etc/decoders/z.xml";
const BASE_RULES = "etc/rules/t.xml";
const BASE_DECODERS = "etc/decoders/t.xml";

type Base = {
  readonly [BASE_RULES]: string;
  readonly [BASE_DECODERS]: string;
  readonly "etc/lists": Readonly<Record<string, string>>;
};
type Case = {
  readonly [RULES]: string;
  readonly [DECODERS]: string;
  readonly codemsg: 0 | 1 | -1;
  readonly messages: readonly string[];
};

/** What the peer's session says of itself, not of the files. */
const SESSION_MESSAGE = "ERROR: (7311)";

function readCases(): { readonly base: Base; readonly cases: readonly Case[] } {
  const text = readFileSync(`${RULESET_TESTS_DIRECTORY}/load-messages.jsonl`, "utf8");
  const [first = "", ...lines] = text.split("\n").filter((line) => line !== "");
  return { base: JSON.parse(first).base, cases: lines.map((line) => JSON.parse(line)) };
}

function load(base: Base, { [RULES]: rules, [DECODERS]: decoders }: Case): readonly Problem[] {
  const files = new FakeFiles();
  const stock = (path: string) => readFileSync(`${RULESET_DIRECTORY}/${path}`, "latin1");
  const texts = [
    ["ruleset/decoders/0006-json_decoders.xml", stock("decoders/0006-json_decoders.xml")],
    [BASE_DECODERS, base[BASE_DECODERS]],
    [DECODERS, decoders],
    ["ruleset/rules/0010-rules_config.xml", stock("rules/0010-rules_config.xml")],
    [BASE_RULES, base[BASE_RULES]],
    [RULES, rules],
    ...Object.entries(base["etc/lists"]).map(([name, text]) => [`etc/lists/${name}`, text]),
  ] as const;
  for (const [path, text] of texts) files.write(path, text);
  const within = (folder: string) =>
    texts.filter(([path]) => path.includes(folder)).map(([path]) => ({ name: path, path }));
  const sources = {
    decoders: within("decoders/"),
    rules: within("rules/"),
    lists: within("lists/"),
  };
  return loadRuleset(files, sources).problems;
}

const skip = skipWithoutShared();
const { base, cases } = skip === false ? readCases() : { base: null, cases: [] };

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
