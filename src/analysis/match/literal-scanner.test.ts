/** Goal: the scanner sees exactly the literals that are there. Method: random literals and logs against `includes` on lower-case copies. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import { LiteralScanner } from "./literal-scanner.ts";

function randomText(random: SeededRandom, letters: string, bytesMax: number): string {
  return Array.from({ length: random.below(bytesMax + 1) }, () => random.pick([...letters])).join("");
}

test("LiteralScanner sees the literals of a log and no others", () => {
  const random = new SeededRandom(41);
  for (let round = 0; round < 60; round++) {
    const literals = [
      ...new Set(
        Array.from(
          { length: 30 },
          () => `${randomText(random, "ab", 4)}ab${random.pick(["a", "b", "\xe9"])}`,
        ),
      ),
    ];
    const scanner = new LiteralScanner();
    const ids = literals.map((literal) => scanner.idsOf([literal]));
    scanner.compile();
    for (let log = 0; log < 20; log++) {
      const text = randomText(random, "abAB\xe9\xc9c", 60);
      scanner.begin(text);
      const folded = text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
      for (const [index, literal] of literals.entries()) {
        const id = ids[index];
        assert.ok(id);
        assert.equal(scanner.sees(id), folded.includes(literal), `${JSON.stringify(text)} ${literal}`);
      }
    }
  }
});

test("LiteralScanner sees a literal wherever it lies in a text of any length, and of a long one its head", () => {
  const literals = ["needle", "a-literal-of-more-bytes", "abc"];
  const scanner = new LiteralScanner();
  const ids = literals.map((literal) => scanner.idsOf([literal]) ?? []);
  scanner.compile();
  for (let length = 12; length < 260; length += length < 130 ? 1 : 13) {
    for (const [index, literal] of literals.entries()) {
      const head = literal.slice(0, 12);
      for (let at = 0; at + head.length <= length; at++) {
        scanner.begin(".".repeat(at) + head.toUpperCase() + ".".repeat(length - at - head.length));
        assert.deepEqual(
          ids.map((id) => scanner.sees(id)),
          literals.map((_, other) => other === index),
          `${literal} at ${at} of ${length}`,
        );
      }
    }
  }
});

test("LiteralScanner takes no literal that is too short to tell anything", () => {
  const scanner = new LiteralScanner();
  assert.equal(scanner.idsOf(["ab", "abcdef"]), null);
  assert.equal(scanner.idsOf(null), null);
  assert.deepEqual(scanner.idsOf(["abc", "abc"]), [0, 0]);
});

test("LiteralScanner works without any literal", () => {
  const scanner = new LiteralScanner();
  scanner.compile();
  scanner.begin("anything");
  assert.equal(scanner.sees([]), false);
});
