/** Goal: a list file gives the entries its rules name. Method: one hand-written line a rule. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseListText } from "./list-text.ts";

const LINES: readonly (readonly [line: string, key: string | null, value: string])[] = [
  ["audit-wazuh-w:write", "audit-wazuh-w", "write"],
  ["200:", "200", ""],
  [":value", "", "value"],
  ["a:b:c", "a", "b:c"],
  [" a : b ", " a ", " b "],
  ["a:b\r", "a", "b"],
  ["a:b\rc", "a", "b"],
  ['"a:b":c', "a:b", "c"],
  ['x"a:b"y:c', "a:b", "c"],
  ['"a"::c', "a", ":c"],
  ['a:"b c"', "a", "b c"],
  ['a:x"b:c"y', "a", "b:c"],
  ['"a":"b"', "a", "b"],
  ['a:""', "a", ""],
  ['"":b', "", "b"],
  ["no colon", null, ""],
  ["", null, ""],
  ['"a:b', null, ""],
  ['"a"b', null, ""],
  ['"a:b"', null, ""],
  ['a:"b', null, ""],
];

test("parseListText() reads each form of line", () => {
  for (const [line, key, value] of LINES) {
    assert.deepEqual([...parseListText(line)], key === null ? [] : [[key, value]], JSON.stringify(line));
  }
});

test("parseListText() keeps the order, and of equal keys the first", () => {
  assert.deepEqual(
    [...parseListText("b:1\n\nbad\na:2\r\nb:3\n")],
    [
      ["b", "1"],
      ["a", "2"],
    ],
  );
});
