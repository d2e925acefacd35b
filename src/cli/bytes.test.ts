/** Goal: JSON texts give byte strings, whether a character is escaped or not. Method: pairs by hand, invalid UTF-8 among them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isObject, parseJsonBytes, utf8Bytes } from "./bytes.ts";

test("utf8Bytes() gives one char a byte", () => {
  assert.equal(utf8Bytes("a\u00e4\u20ac\u{1f600}"), "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
});

test("parseJsonBytes() gives bytes for escaped and plain characters alike", () => {
  const bytes = "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80";
  assert.equal(parseJsonBytes(`"${bytes}"`), bytes);
  assert.equal(parseJsonBytes('"\\u00e4\\u20AC\\uD83D\\ude00"'), bytes);
  assert.equal(parseJsonBytes('"\\\\u00e4 \\u0041\\u0022\\n\\u000a"'), '\\u00e4 A"\n\n');
  assert.equal(parseJsonBytes('"\xff\\u00ff"'), "\xff\xc3\xbf", "bytes that are no UTF-8 stay");
  assert.equal(parseJsonBytes('"\\ud800x"'), "\xef\xbf\xbdx", "half a pair is the replacement character");
});

test("parseJsonBytes() gives undefined for what is no JSON", () => {
  for (const text of ["", "{", '"\\u00g0"', "x", '{"a":1}x'])
    assert.equal(parseJsonBytes(text), undefined, text);
});

test("isObject() tells objects from lists and null", () => {
  assert.ok(isObject({}));
  for (const value of [null, [], "", 1, undefined]) assert.ok(!isObject(value));
});
