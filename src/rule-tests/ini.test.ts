/**
 * Goal: a file means what it means to Python's RawConfigParser. Method: texts whose reading was recorded from Python 3.11 (strict off, a
 * dictionary that extends lists); then hostile bytes, which must only give problems.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import { readIni } from "./ini.ts";

function values(text: string): Record<string, Record<string, string>> {
  const { sections, problems } = readIni(text, "t.ini");
  assert.deepEqual(problems, []);
  return Object.fromEntries(
    sections.map(({ name, entries }) => [
      name,
      Object.fromEntries([...entries].map(([key, { value }]) => [key, value])),
    ]),
  );
}

const RECORDED: readonly (readonly [text: string, expected: Record<string, Record<string, string>>])[] = [
  ["[a]\nKey One = 1\nkey two:2\nk=a=b:c", { a: { "key one": "1", "key two": "2", k: "a=b:c" } }],
  ["[a]\nk = 1\nk = 2\n[b]\nk = 3\n[a]\nk = 4", { a: { k: "1\n2\n4" }, b: { k: "3" } }],
  ["[a]\nk = 1\n  2\n\t3 ; kept\n  ; gone\n# gone\n  4\nz = 5", { a: { k: "1\n2\n3 ; kept\n4", z: "5" } }],
  ["[a]\nk = 1\n\n  2\n\n\nz = 3\n\n", { a: { k: "1\n\n2", z: "3" } }],
  ["[a]\n  k = 1\n  z = 2\n    3", { a: { k: "1", z: "2\n3" } }],
  ["[a]\r\nk =\r\n  x\r\n", { a: { k: "\nx" } }],
  ["[a] b] c\nk = 1", { "a] b": { k: "1" } }],
  ["[DEFAULT]\nk = 0\nd = 9\n[a]\nk = 1", { a: { k: "1", d: "9" } }],
  ["; c\n\n[a]\nk = \xa0\xff", { a: { k: "\xa0\xff" } }],
];

test("readIni() reads as Python does", () => {
  for (const [text, expected] of RECORDED) assert.deepEqual(values(text), expected, text);
});

test("readIni() says where sections and entries stand", () => {
  const { sections } = readIni("\n[a]\n  k = 1\nk = 2\n[b]\n[a]", "t.ini");
  assert.deepEqual(
    sections.map(({ name, position }) => [name, position.line, position.column]),
    [
      ["a", 2, 1],
      ["b", 5, 1],
    ],
  );
  assert.deepEqual(sections[0]?.entries.get("k"), {
    value: "1\n2",
    position: { file: "t.ini", line: 3, column: 3 },
  });
});

test("readIni() reports every line that has no place", () => {
  const { problems } = readIni("stray\n[a]\nno delimiter\n= no key\nk = 1", "t.ini");
  assert.deepEqual(
    problems.map(({ position, message }) => [position.line, message]),
    [
      [1, "line before the first section"],
      [3, "line without a key"],
      [4, "line without a key"],
    ],
  );
});

test("readIni() takes any bytes", () => {
  const random = new SeededRandom(7);
  for (let round = 0; round < 300; round++) {
    const text = `[a]\n${random.bytes(random.below(200)).toString("latin1")}`;
    const { sections } = readIni(text, "t.ini");
    assert.ok(sections.length >= 1 || text.includes("[DEFAULT]"));
  }
});
