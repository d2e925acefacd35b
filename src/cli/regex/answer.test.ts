/** Goal: the matchers of the engine answer as recorded from the peer. Method: the recorded cases through the command, then wrong lines. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { runCommand } from "../environment.fixture.ts";

const VECTORS = readFileSync(
  new URL("../../../test/vectors/analysis/patterns.jsonl", import.meta.url),
  "latin1",
);

async function answers(stdin: string): Promise<{ readonly answers: unknown[]; readonly exitCode: number }> {
  const { stdout, exitCode } = await runCommand(["regex", "--json"], { stdin: [stdin] });
  const lines = Buffer.from(stdout.text, "latin1").toString().split("\n").slice(0, -1);
  return { answers: lines.map((line) => JSON.parse(line)), exitCode };
}

test("regex answers every recorded case as the peer does", async () => {
  const expected = Buffer.from(VECTORS, "latin1")
    .toString()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const { type: _type, pattern: _pattern, string: _string, ...rest } = JSON.parse(line);
      return rest;
    });
  const { answers: got, exitCode } = await answers(VECTORS);
  assert.equal(exitCode, 0);
  assert.equal(got.length, expected.length);
  for (const [index, answer] of got.entries()) {
    const { message, ...rest } = Object(answer);
    assert.equal(message !== undefined, "compile" in rest, `line ${index + 1}`);
    assert.deepEqual(rest, expected[index], `line ${index + 1}`);
  }
});

test("regex knows pcre2", async () => {
  const question = { type: "pcre2", pattern: "(?i)(B+)(x)?(c)?", string: "abBcd" };
  const broken = { type: "pcre2", pattern: "(", string: "" };
  const { answers: got, exitCode } = await answers(`${JSON.stringify(question)}\n${JSON.stringify(broken)}`);
  assert.deepEqual(got[0], { match: true, end: 3, captures: ["bB", "", "c"] });
  assert.equal(Object(got[1]).compile, "error");
  assert.equal(exitCode, 0);
});

test("regex matches the UTF-8 bytes of escaped and plain characters", async () => {
  const { answers: got } = await answers(
    '{"type":"pcre2","pattern":"^(..)$","string":"\\u00e4"}\n{"type":"pcre2","pattern":"^(..)$","string":"\xc3\xa4"}\n',
  );
  assert.deepEqual(got, new Array(2).fill({ match: true, end: 1, captures: ["ä"] }));
});

test("regex answers a line that asks nothing with an error and exit code 1", async () => {
  const lines = [
    "",
    "[]",
    "{",
    '{"type":"perl","pattern":"","string":""}',
    '{"type":"osmatch","string":""}',
    '{"type":"osmatch","pattern":"a","string":1}',
    '{"type":"osmatch","pattern":"a","string":"A"}',
  ];
  const { answers: got, exitCode } = await answers(`${lines.join("\n")}\n`);
  assert.equal(exitCode, 1);
  assert.deepEqual(got, [
    { error: "the line is no JSON object", line: 1 },
    { error: "the line is no JSON object", line: 2 },
    { error: "the line is no JSON object", line: 3 },
    { error: "type is none of osregex, osmatch, pcre2", line: 4 },
    { error: "pattern is no string", line: 5 },
    { error: "string is no string", line: 6 },
    { match: true },
  ]);
});
