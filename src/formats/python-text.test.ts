/** Goal: texts as Python 3 prints them. Method: what `repr()` and `str()` of Python 3.11 gave. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { pythonDictionary, pythonFloat, pythonString } from "./python-text.ts";

test("pythonFloat() has a point or an exponent where Python has one", () => {
  const cases: readonly (readonly [number, string])[] = [
    [20.12, "20.12"],
    [20, "20.0"],
    [0, "0.0"],
    [-0, "-0.0"],
    [-2.5, "-2.5"],
    [0.0001, "0.0001"],
    [0.00001, "1e-05"],
    [1.5e-7, "1.5e-07"],
    [1e15, "1000000000000000.0"],
    [1e16, "1e+16"],
    [1e100, "1e+100"],
    [Number.NaN, "nan"],
    [Number.NEGATIVE_INFINITY, "-inf"],
  ];
  for (const [value, text] of cases) assert.equal(pythonFloat(value), text);
});

test("pythonString() quotes and escapes", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["", "''"],
    ["node", "'node'"],
    ["it's", `"it's"`],
    [`it's "x"`, `'it\\'s "x"'`],
    ["a\\b\n\r\t\0\x7f", "'a\\\\b\\n\\r\\t\\x00\\x7f'"],
    ["\x85\xa0\xe9\xad", "'\\x85\\xa0\xe9\\xad'"],
  ];
  for (const [text, quoted] of cases) assert.equal(pythonString(text), quoted);
});

test("pythonDictionary() joins texts and whole numbers", () => {
  const entries = [["a", "127.0.0.1"] as const, ["b'", 3] as const];
  assert.equal(pythonDictionary(entries), `{'a': '127.0.0.1', "b'": 3}`);
  assert.equal(pythonDictionary([]), "{}");
});
