/** Goal: each control message is exactly one of its kinds. Method: tables by hand from the format; damaged copies. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import {
  AGENT_ACK,
  type ControlMessage,
  errorMessage,
  isControlMessage,
  parseControlMessage,
} from "./control.ts";

function parse(text: string): ControlMessage {
  return parseControlMessage(Buffer.from(text, "latin1"));
}

test("isControlMessage() looks at the first three bytes", () => {
  assert.ok(isControlMessage(Buffer.from("#!-")));
  assert.ok(isControlMessage(Buffer.from("#!-agent shutdown ")));
  for (const text of ["", "#!", "#!x", "1:x:#!-"]) assert.ok(!isControlMessage(Buffer.from(text)), text);
});

test("parseControlMessage() reads a startup with and without a version", () => {
  const stated = { kind: "stated", text: "v4.14.7" };
  const rows: readonly (readonly [string, object])[] = [
    ["", { kind: "absent" }],
    [" ", { kind: "absent" }],
    ['{"version":"v4.14.7"}', stated],
    ['{"a":{},"version":"v4.14.7"} ', stated],
    ['{"version":4}', { kind: "unreadable" }],
    [`{"version":"${"4".repeat(129)}"}`, { kind: "unreadable" }],
    ["{}", { kind: "unreadable" }],
    ["null", { kind: "unreadable" }],
    ["[]", { kind: "unreadable" }],
    ['"version"', { kind: "unreadable" }],
    ['{"version":"v4', { kind: "unreadable" }],
    ["[".repeat(60_000), { kind: "unreadable" }],
    ['{"__proto__":{"version":"v1"}}', { kind: "unreadable" }],
  ];
  for (const [json, version] of rows) {
    assert.deepEqual(parse(`#!-agent startup ${json}`), { kind: "startup", version }, json.slice(0, 40));
  }
});

test("parseControlMessage() takes a shutdown exactly", () => {
  assert.deepEqual(parse("#!-agent shutdown "), { kind: "shutdown" });
  for (const text of ["#!-agent shutdown", "#!-agent shutdown  ", "#!-agent shutdown x"]) {
    assert.deepEqual(parse(text), { kind: "invalid" }, text);
  }
});

test("parseControlMessage() hands on the answer of a request byte by byte", () => {
  const answer = parse("#!-req 3f2A ok \xff\n{}");
  assert.ok(answer.kind === "request-answer");
  assert.equal(answer.requestNumber, 0x3f2a);
  assert.equal(answer.answer.toString("latin1"), "ok \xff\n{}");
  assert.deepEqual(parse("#!-req ffffffff "), {
    kind: "request-answer",
    requestNumber: 0xffff_ffff,
    answer: Buffer.alloc(0),
  });
  for (const text of [
    "#!-req ",
    "#!-req 1",
    "#!-req  x",
    "#!-req 100000000 x",
    "#!-req -1 x",
    "#!-req xyz x\n",
  ]) {
    assert.deepEqual(parse(text), { kind: "invalid" }, text);
  }
});

test("parseControlMessage() cuts a keepalive after its last newline", () => {
  assert.deepEqual(parse("#!-Linux - x\n123 merged.mg\nrandom"), {
    kind: "keepalive",
    text: "Linux - x\n123 merged.mg\n",
  });
  assert.deepEqual(parse("#!-Linux - x"), { kind: "invalid" });
  assert.deepEqual(parse("#!-"), { kind: "invalid" });
});

test("parseControlMessage() replaces bytes that are no UTF-8", () => {
  assert.deepEqual(parse("#!-a\xffb\xc3\xa4\n"), { kind: "keepalive", text: "a\xef\xbf\xbdb\xc3\xa4\n" });
});

test("parseControlMessage() never throws", () => {
  const random = new SeededRandom(8);
  const texts = [
    '#!-agent startup {"version":"v4.14.7"}',
    "#!-agent shutdown ",
    "#!-req 3f2a ok {}",
    "#!-Linux\nx\n",
  ];
  for (let round = 0; round < 3000; round++)
    parseControlMessage(random.mutate(Buffer.from(random.pick(texts))));
});

test("AGENT_ACK and errorMessage() are the peer's texts", () => {
  assert.equal(AGENT_ACK.toString(), "#!-agent ack ");
  assert.equal(errorMessage('say "no"').toString(), '#!-err {"message":"say \\"no\\""}');
});
