/**
 * Goal: OS_Match as documented. Method: the peer's own answers are in pattern.test.ts; here random patterns against a matcher that
 * compares byte by byte and knows nothing of string functions.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import { factsOf } from "./facts.fixture.ts";
import { compilePattern, type Pattern } from "./pattern.ts";
import { matchOsMatchSlowly } from "./slow-matchers.fixture.ts";

function compiled(text: string): Pattern {
  const result = compilePattern("osmatch", text);
  assert.ok(result.ok);
  return result.pattern;
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
      matchOsMatchSlowly(pattern, subject),
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

test("OsMatchPattern names what a subject must hold, be or begin with", () => {
  const facts = (text: string): unknown => factsOf(compiled(text));
  assert.deepEqual(facts("Foo|^bar$"), [["bar", "foo"], null, null]);
  assert.deepEqual(facts("^Foo$|^bar$"), [["foo", "bar"], ["foo", "bar"], "BFbf"]);
  assert.deepEqual(facts("^foobar|^Food$"), [["food", "foobar"], null, "Ff"]);
  assert.deepEqual(facts("^$|^x$"), [null, ["", "x"], "Xx"]);
  assert.deepEqual(facts("a|"), [null, null, null]);
  assert.deepEqual(facts("!^a$"), [null, null, null]);
  assert.deepEqual(facts("^|^a"), [null, null, null]);
});

test("OsMatchPattern.match() has neither an end nor captures", () => {
  assert.deepEqual(compiled("(b)").match("a(b)"), { end: -1, captures: [] });
  assert.equal(compiled("b").match("a"), null);
  assert.deepEqual(compiled("^a").match("ba", 1), { end: 0, captures: [] });
  assert.equal(compiled("b").match("ba", 1), null);
});
