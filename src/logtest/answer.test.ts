/** Goal: the peer's keys in the peer's order. Method: whole texts by hand from the format. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { boundedMessages, framedAnswer, messagesAnswer, processedAnswer, refusalAnswer } from "./answer.ts";
import { error, info, type Message, warning } from "./message.ts";

const EVENT = {
  token: "00c0ffee",
  output: '{"rule":{"level":3}}',
  rulesDebug: null,
  alert: true,
  messages: [],
};

test("framedAnswer() counts bytes, and is not bound to 64 KiB", () => {
  assert.equal(framedAnswer(Buffer.of(0xe9)).toString("hex"), "01000000e9");
  const long = framedAnswer(Buffer.alloc(70_000));
  assert.equal(long.readUInt32LE(0), 70_000);
  assert.equal(long.length, 70_004);
});

test("refusalAnswer() escapes as JSON does", () => {
  assert.equal(
    refusalAnswer({ kind: "refused", code: 1, message: 'a "b"\n\x1f\xff' }),
    '{"message":"a \\"b\\"\\n\\u001f\xff","error":1,"data":{}}',
  );
});

test("messagesAnswer() codes the worst message", () => {
  const code = (...messages: Message[]) => messagesAnswer(messages);
  assert.equal(code(), '{"error":0,"data":{"codemsg":0}}');
  assert.equal(code(info("a")), '{"error":0,"data":{"messages":["INFO: a"],"codemsg":0}}');
  assert.equal(
    code(warning("a"), info("b")),
    '{"error":0,"data":{"messages":["WARNING: a","INFO: b"],"codemsg":1}}',
  );
  assert.equal(
    code(error("a"), warning("b")),
    '{"error":0,"data":{"messages":["ERROR: a","WARNING: b"],"codemsg":-1}}',
  );
});

test("processedAnswer() has the peer's order of keys", () => {
  assert.equal(
    processedAnswer([], EVENT),
    '{"error":0,"data":{"token":"00c0ffee","output":{"rule":{"level":3}},"alert":true,"codemsg":0}}',
  );
  assert.equal(
    processedAnswer([info("a")], { ...EVENT, rulesDebug: ["*x"], alert: false, messages: [warning("b")] }),
    '{"error":0,"data":{"messages":["INFO: a","WARNING: b"],"token":"00c0ffee","output":{"rule":{"level":3}},' +
      '"rules_debug":["*x"],"alert":false,"codemsg":1}}',
  );
});

test("processedAnswer() has messages about the event alone behind it", () => {
  assert.equal(
    processedAnswer([], { ...EVENT, rulesDebug: [], messages: [warning("b")] }),
    '{"error":0,"data":{"token":"00c0ffee","output":{"rule":{"level":3}},"rules_debug":[],' +
      '"messages":["WARNING: b"],"alert":true,"codemsg":1}}',
  );
  assert.equal(
    processedAnswer([], { ...EVENT, output: null, messages: [error("b")] }),
    '{"error":0,"data":{"token":"00c0ffee","messages":["ERROR: b"],"codemsg":-1}}',
  );
});

test("boundedMessages() keeps the first 49 and the last", () => {
  const messages = Array.from({ length: 60 }, (_, index) => warning(String(index)));
  const kept = boundedMessages(messages).map(({ text }) => text);
  assert.equal(kept.length, 50);
  assert.deepEqual([kept[0], kept[48], kept[49]], ["0", "48", "59"]);
  assert.equal(boundedMessages(messages.slice(0, 50)).length, 50);
});
