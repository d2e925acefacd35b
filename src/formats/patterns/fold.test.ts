/** Goal: only A–Z fold, whatever was folded before. Method: every byte alone, then random texts against a table in random order. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import { foldAscii } from "./fold.ts";

const UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWER = "abcdefghijklmnopqrstuvwxyz";

function foldByTable(text: string): string {
  return Array.from(text, (char) => LOWER[UPPER.indexOf(char)] ?? char).join("");
}

test("foldAscii() folds A to Z and no other byte", () => {
  for (let byte = 0; byte < 256; byte++) {
    const char = String.fromCharCode(byte);
    assert.equal(foldAscii(char), foldByTable(char), `byte ${byte}`);
    assert.equal(foldAscii(`A${char}Z`), foldByTable(`A${char}Z`), `byte ${byte} between letters`);
  }
});

test("foldAscii() returns the folding of the subject it is given, however calls alternate", () => {
  const random = new SeededRandom(1);
  const subjects = [
    "",
    "A",
    "a",
    "Ab",
    "\xc3\xa9A",
    ...Array.from({ length: 5 }, () => random.bytes(40).toString("latin1")),
  ];
  for (let round = 0; round < 2000; round++) {
    const subject = random.pick(subjects);
    assert.equal(foldAscii(subject), foldByTable(subject), `round ${round}`);
  }
});
