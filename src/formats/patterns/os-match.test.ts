/**
 * Goal: OS_Match as documented. Method: the peer's own answers are in pattern.test.ts; here random patterns against a matcher that
 * compares byte by byte and knows nothing of string functions.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import { compilePattern, type Pattern } from "./pattern.ts";

function compiled(text: string): Pattern {
  const result = compilePattern("osmatch", text);
  assert.ok(result.ok);
  return result.pattern;
}

const lower = (byte: number): number => (byte >= 65 && byte <= 90 ? byte + 32 : byte);

function matchesSlowly(text: string, subject: string): boolean {
  return text.split("|").some((alternative) => {
    const atStart = alternative[0] === "^";
    const atEnd = alternative.at(-1) === "$";
    const literal = alternative.substring(atStart ? 1 : 0, alternative.length - (atEnd ? 1 : 0));
    for (let at = 0; at + literal.length <= subject.length; at++) {
      if (atStart && at > 0) break;
      if (atEnd && at + literal.length < subject.length) continue;
      if (
        Array.from(literal).every(
          (char, index) => lower(char.charCodeAt(0)) === lower(subject.charCodeAt(at + index)),
        )
      ) {
        return true;
      }
    }
    return false;
  });
}

test("OsMatchPattern.test() agrees with a slow matcher on random patterns and subjects", () => {
  const random = new SeededRandom(2);
  const text = (alphabet: string, lengthMax: number): string =>
    Array.from({ length: random.below(lengthMax + 1) }, () => random.pick([...alphabet])).join("");
  for (let round = 0; round < 20_000; round++) {
    const pattern = text("aAb^$|\xc3", 6);
    const subject = text("aAbB^$|\xc3\xe3", 6);
    assert.equal(
      compiled(pattern).test(subject),
      matchesSlowly(pattern, subject),
      JSON.stringify([pattern, subject]),
    );
  }
});

test("OsMatchPattern.test() negates the whole with a leading '!' and only there", () => {
  assert.equal(compiled("!a|b").test("b"), false);
  assert.equal(compiled("!a|b").test("c"), true);
  assert.equal(compiled("!").test("anything"), false);
  assert.equal(compiled("a|!b").test("x!b"), true);
  assert.equal(compiled("!!a").test("!A"), false);
});

test("OsMatchPattern names what a subject must hold, start with or be", () => {
  const facts = (text: string): unknown[] => {
    const { required, exact, prefix } = compiled(text);
    return [required, exact, prefix];
  };
  assert.deepEqual(facts("Foo|^bar$"), [["bar", "foo"], null, null]);
  assert.deepEqual(facts("^Foo$|^bar$"), [["foo", "bar"], ["foo", "bar"], null]);
  assert.deepEqual(facts("^foobar|^Food$"), [["food", "foobar"], null, "foo"]);
  assert.deepEqual(facts("^$|^x$"), [null, ["", "x"], null]);
  assert.deepEqual(facts("a|"), [null, null, null]);
  assert.deepEqual(facts("!^a$"), [null, null, null]);
});

test("OsMatchPattern.match() has neither an end nor captures", () => {
  assert.deepEqual(compiled("(b)").match("a(b)"), { end: -1, captures: [] });
  assert.equal(compiled("b").match("a"), null);
});
