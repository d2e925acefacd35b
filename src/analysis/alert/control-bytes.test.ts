/**
 * Goal: no control byte is overlooked, wherever it stands. Method: every byte at every place of a word; random texts against a
 * regular expression.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import { hasOnlyLineFeeds } from "./control-bytes.ts";

const OTHER_CONTROL_BYTES = /[\0-\x08\x0b-\x1f\x7f]/;

function expected(text: string, count: number): boolean {
  return !OTHER_CONTROL_BYTES.test(text) && text.split("\n").length - 1 === count;
}

test("hasOnlyLineFeeds() sees every byte at every place", () => {
  for (let byte = 0; byte < 256; byte++) {
    for (let place = 0; place < 9; place++) {
      for (const filler of ["x", "\xff", "\x7e", "\x80", " "]) {
        const text = filler.repeat(place) + String.fromCharCode(byte) + filler.repeat(8 - place);
        for (const count of [0, 1]) assert.equal(hasOnlyLineFeeds(text, count), expected(text, count), text);
      }
    }
  }
});

test("hasOnlyLineFeeds() counts line feeds in texts of any length", () => {
  const random = new SeededRandom(3);
  const pieces = [
    "\n",
    "\n\n",
    "\t",
    "text",
    "\xff\x80",
    "~",
    "\x7f",
    "\r",
    "\0",
    "long text without anything",
  ];
  for (let round = 0; round < 2000; round++) {
    const clean = random.below(2) === 0;
    const known = clean ? pieces.filter((piece) => !OTHER_CONTROL_BYTES.test(piece)) : pieces;
    const text = Array.from({ length: random.below(12) }, () => random.pick(known)).join("");
    const feeds = text.split("\n").length - 1;
    for (const count of [feeds, feeds + 1])
      assert.equal(hasOnlyLineFeeds(text, count), expected(text, count));
  }
});

test("hasOnlyLineFeeds() does not answer for what it cannot hold", () => {
  assert.equal(hasOnlyLineFeeds("x".repeat(65_536), 0), true);
  assert.equal(hasOnlyLineFeeds("x".repeat(65_537), 0), false);
});
