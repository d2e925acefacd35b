/** Goal: the text is what the peer makes of a message. Method: each case of the peer's removal, worked out by hand. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { withoutLineEnd, withoutPriority } from "./message.ts";

const PRIORITIES: readonly (readonly [message: string, text: string])[] = [
  ["<13>text", "text"],
  ["<>text", "text"],
  ["<no number at all>text", "text"],
  ["<13>>text", ">text"],
  ["<13text", "<13text"],
  ["<", "<"],
  ["<1", "<1"],
  ["<13>", ""],
  ["<13>x", "x"],
  [" <13>text", " <13>text"],
  ["text <13>", "text <13>"],
  ["", ""],
];

const LINE_ENDS: readonly (readonly [message: string, text: string])[] = [
  ["a\n", "a"],
  ["a\r\n", "a"],
  ["a\n\n", "a\n"],
  ["a\n\0\0", "a"],
  ["a\r", "a"],
  ["a\n\r", "a\n"],
  ["\n", ""],
  ["\0", ""],
  ["a", "a"],
  ["a\0b", "a\0b"],
];

test("withoutPriority() removes from `<` to the first `>`", () => {
  for (const [message, text] of PRIORITIES) {
    assert.equal(withoutPriority(Buffer.from(message)).toString(), text, message);
  }
});

test("withoutLineEnd() removes one line end", () => {
  for (const [message, text] of LINE_ENDS) {
    assert.equal(withoutLineEnd(Buffer.from(message)).toString(), text, JSON.stringify(message));
  }
});
