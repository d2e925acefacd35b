/**
 * Goal: the OS_Regex machine follows the peer's algorithm exactly. Method: the peer's own answers are in pattern.test.ts; here
 * random patterns and subjects, in both modes, against a second implementation that shares no code with the first
 * (slow-matchers.fixture.ts).
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { SeededRandom } from "#testing/random.ts";
import { effort } from "./effort.ts";
import { assertFacts, factsOf } from "./facts.fixture.ts";
import { compilePattern, type Pattern } from "./pattern.ts";
import { matchOsRegexSlowly } from "./slow-matchers.fixture.ts";

setFlagsFromString("--enable-experimental-regexp-engine-on-excessive-backtracks");
setFlagsFromString("--regexp-backtracks-before-fallback=1000");

function compiled(text: string, mode: "plain" | "capturing" = "plain"): Pattern {
  const result = compilePattern("osregex", text, { mode });
  assert.ok(result.ok, text);
  return result.pattern;
}

const ITEMS = [
  ..."aabxX-1 .+*",
  ..."\\d \\w \\s \\p \\S \\. \\D \\( \\| \\$".split(" "),
  ..."\\d+ \\w+ \\w* \\s+ \\s* \\S+ \\S* \\.+ \\.* \\d* \\p+ \\W+ \\(* \\$+".split(" "),
];

/** What stands before the part that a pattern is asked to look at. */
const JUNK = "a1 x";

function randomPattern(random: SeededRandom): string {
  const alternatives = Array.from({ length: random.below(4) === 0 ? 2 : 1 }, () => {
    let open = false;
    let text = random.below(3) === 0 ? "^" : "";
    for (let count = random.below(7); count > 0; count--) {
      while (random.below(4) === 0) {
        text += open ? ")" : "(";
        open = !open;
      }
      text += random.pick(ITEMS);
    }
    return `${text}${open ? ")" : ""}${random.below(4) === 0 ? "$" : ""}`;
  });
  return alternatives.join("|");
}

test("OsRegexPattern agrees with a second implementation on random patterns and subjects in both modes", () => {
  const random = new SeededRandom(3);
  for (let round = 0; round < 15_000; round++) {
    const text = randomPattern(random);
    const patterns = (["plain", "capturing"] as const).map((mode) => ({
      mode,
      pattern: compiled(text, mode),
    }));
    for (let subjects = 4; subjects > 0; subjects--) {
      const subject = Array.from({ length: random.below(12) }, () =>
        random.pick([..."aaAbxX-11  (|$\n\xc3"]),
      ).join("");
      for (const { mode, pattern } of patterns) {
        const expected = matchOsRegexSlowly(text, subject, mode);
        const where = JSON.stringify([text, subject, mode]);
        assert.deepEqual(pattern.match(subject), expected, where);
        const shifted = expected === null ? null : { ...expected, end: expected.end + JUNK.length };
        assert.deepEqual(pattern.match(JUNK + subject, JUNK.length), shifted, where);
        assert.equal(pattern.test(subject), expected !== null, where);
        assertFacts(pattern, subject, expected !== null);
      }
    }
  }
});

test("OsRegexPattern has the machine's answer where an expression of the same look has another", () => {
  const cases: readonly [string, string][] = [
    ['^\\S+"x', 'a""x'], // the byte behind a failed choice is not looked at
    ['(\\S+)"x', 'a"""x'],
    ["^\\S*a\\S*b\\S*c\\S*d\\S*ex", "abcdeex"], // a fifth choice is forgotten
    ["^\\S*a\\S*b\\S*c\\S*dx", "abcddx"],
    ["\\w+\\s+x", "a  b x"], // a search goes on behind the failure
    ["^\\w+\\w1", "aa1"], // a run keeps what it has
    ["^a\\w+", "abc"], // the end of a last run
    ["^a\\w+", "abc "],
    ["^a(\\w+)", "abc "],
    ["^a(b\\w+)", "abc "],
  ];
  for (const [text, subject] of cases) {
    for (const mode of ["plain", "capturing"] as const) {
      const expected = matchOsRegexSlowly(text, subject, mode);
      assert.deepEqual(compiled(text, mode).match(subject), expected, JSON.stringify([text, subject, mode]));
      assert.equal(compiled(text, mode).test(subject), expected !== null);
    }
  }
});

test("OsRegexPattern answers patterns that explode on V8 too: its bounded engine takes their expressions", () => {
  const line = "x".repeat(1000);
  for (const text of ["^\\w+x\\w+x\\w+x\\w+xy", "x\\w*x\\w*x\\w*x\\w*xy"]) {
    const pattern = compiled(text);
    effort.renew();
    assert.equal(pattern.test(`${line}!`), false, text);
    assert.equal(pattern.test("x1x2x3x4xy"), true, text);
    assert.equal(pattern.givenUp, 0, text);
  }
});

test("OsRegexPattern names literals, exact texts and first bytes", () => {
  const facts = (text: string): unknown => factsOf(compiled(text));
  assert.deepEqual(facts("Failed \\S+ for (\\S+) from"), [["failed "], null, null]);
  assert.deepEqual(facts("^4624$|^4625$"), [["4624", "4625"], ["4624", "4625"], "4"]);
  assert.deepEqual(facts("^pam_unix\\(sshd\\):"), [["pam_unix(sshd):"], null, "Pp"]);
  assert.deepEqual(facts("^a(bc)\\d+"), [["abc"], null, "Aa"]);
  assert.deepEqual(facts("^\\s*(b)|^7\\d+"), [["b", "7"], null, " 7Bb"]);
  assert.deepEqual(facts("^\\s*|^7"), [null, null, null]);
  assert.deepEqual(facts("\\d+|abc"), [null, null, null]);
  assert.deepEqual(facts("^$"), [null, [""], null]);
});

test("OsRegexPattern reports where a text is wrong", () => {
  const offset = (text: string): unknown => {
    const result = compilePattern("osregex", text);
    return result.ok ? null : [result.error.errcode, result.error.offset];
  };
  assert.deepEqual(offset("ab\\q"), [6, 2]);
  assert.deepEqual(offset("ab\\"), [6, 2]);
  assert.deepEqual(offset("a(b(c))"), [7, 3]);
  assert.deepEqual(offset("a)"), [7, 1]);
  assert.deepEqual(offset("a(b"), [7, 1]);
  assert.deepEqual(offset("(a|b)"), [7, 0]);
  assert.equal(offset("a|(b)"), null);
});

test("OsRegexPattern.match() returns an empty capture where the peer computes a negative length", () => {
  assert.deepEqual(compiled(" (\\S*)$", "capturing").match("foo bar ")?.captures, [""]);
});

test("OsRegexPattern gives up on a subject that costs too many steps, and counts it", () => {
  effort.renew();
  const pattern = compiled("x\\w+x\\w+x\\w+x\\w+x\\w+!");
  assert.equal(pattern.test("x x!"), false);
  assert.equal(pattern.givenUp, 0);
  assert.equal(pattern.test(`${"x".repeat(60_000)} !`), false);
  assert.equal(pattern.givenUp, 1);
  effort.renew();
  assert.equal(pattern.test("xxxxxxxxxxxxx!"), true);
});

test("OsRegexPattern on V8 and on the machine answer alike when the effort for V8 is used up", () => {
  const pattern = compiled("^\\w+x\\w+x(\\w+) y", "capturing");
  const subject = `${"ax".repeat(20)}b y`;
  effort.renew();
  const native = pattern.match(subject);
  effort.nativeBytes.spend(effort.nativeBytes.left);
  assert.deepEqual(pattern.match(subject), native);
  assert.ok(native !== null);
});
