/**
 * Goal: PCRE2's answers, bounded time. Method: every row of what the real library answered (test/vectors/analysis/pcre2.jsonl, made by
 * tools/capture/pcre2.py), V8 against our machine on random patterns, and patterns that explode. The flags are the launcher's.
 */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { SeededRandom } from "#testing/random.ts";
import { effort } from "./effort.ts";
import { assertFacts, factsOf } from "./facts.fixture.ts";
import { compilePattern, type Pattern } from "./pattern.ts";
import { requiredLiterals, runsOnV8 } from "./pcre2-facts.ts";
import { Machine, NO_MATCH } from "./pcre2-machine.ts";
import { parsePcre2, type Tree } from "./pcre2-parse.ts";
import { compileProgram } from "./pcre2-program.ts";
import { bytesBetween, bytesOf, bytesWhere, complement } from "./pcre2-tree.ts";
import { toRegExp } from "./pcre2-v8.ts";

setFlagsFromString("--enable-experimental-regexp-engine-on-excessive-backtracks");
setFlagsFromString("--regexp-backtracks-before-fallback=1000");
// Only here: it gives expressions the flag "l", with which V8 refuses what its bounded engine cannot run.
setFlagsFromString("--enable-experimental-regexp-engine");

type Row = {
  readonly pattern: string;
  readonly string: string;
  readonly compile?: "error";
  readonly match?: boolean;
  readonly end?: number;
  readonly captures?: readonly string[];
};

const VECTORS = new URL("../../../test/vectors/analysis/pcre2.jsonl", import.meta.url);
const rows = readFileSync(VECTORS, "utf8")
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line) as Row);
/** A directory with the peer's rules and decoders, which this project does not ship. */
const PEER_RULESET = process.env["PEER_RULESET_DIR"] ?? "";

function compiled(text: string, mode: "plain" | "capturing" = "plain"): Pattern {
  effort.renew();
  const result = compilePattern("pcre2", text, { mode });
  assert.ok(result.ok, `${text}: ${result.ok ? "" : result.error.message}`);
  return result.pattern;
}

test("compilePattern() refuses what the library refuses", () => {
  const refused = rows.filter((row) => row.compile === "error");
  assert.ok(refused.length >= 50);
  for (const { pattern } of refused) {
    const result = compilePattern("pcre2", pattern);
    assert.ok(!result.ok, pattern);
    assert.equal(result.error.errcode, 1, pattern);
    assert.ok(result.error.offset <= pattern.length, pattern);
  }
});

test("Pcre2Pattern gives the library's verdict, end and captures on every row", () => {
  let checked = 0;
  for (const row of rows) {
    if (row.compile === "error") continue;
    const where = JSON.stringify(row);
    const pattern = compiled(row.pattern, "capturing");
    const expected = row.match === true ? { end: row.end, captures: row.captures } : null;
    assert.deepEqual(pattern.match(row.string), expected, where);
    assert.equal(pattern.test(row.string), row.match, where);
    const shifted = expected === null ? null : { end: (row.end ?? 0) + 1, captures: row.captures };
    assert.deepEqual(pattern.match(`a${row.string}`, 1), shifted, where);
    const plain = compiled(row.pattern).match(row.string);
    assert.deepEqual(plain, expected === null ? null : { end: row.end, captures: [] }, where);
    assertFacts(pattern, row.string, row.match === true);
    checked++;
  }
  assert.ok(checked >= 2000);
});

test("compilePattern() refuses what it does not run, with what and where", () => {
  const unsupported: [string, string, number][] = [
    ["a\\Kb", "'\\K' is not supported", 1],
    ["\\X", "'\\X' is not supported", 0],
    ["a\\p{L}", "a Unicode property is not supported", 1],
    ["[\\P{L}]", "a Unicode property is not supported", 1],
    ["(?R)", "recursion is not supported", 0],
    ["a(?1)(b)", "recursion is not supported", 1],
    ["(?&n)", "recursion is not supported", 0],
    ["(?P>n)", "recursion is not supported", 0],
    ["\\g<1>", "recursion is not supported", 0],
    ["(a)(?(1)b|c)", "a conditional group is not supported", 3],
    ["(?|a|b)", "a branch reset group is not supported", 0],
    ["a(?C1)", "a callout is not supported", 1],
    ["a(*FAIL)", "a verb '(*...)' is not supported", 1],
    ["(*UCP)a", "a verb '(*...)' is not supported", 0],
    ["(*atomic:a)", "a verb '(*...)' is not supported", 0],
    ["(?J)a", "(?J) is not supported", 0],
    ["[[:<:]]a", "a word boundary in brackets is not supported", 1],
    ["(*UTF).", "(*UTF) with a class beyond ASCII is not supported", 6],
    ["(*UTF)(?i)\xc3\xa9", "(*UTF) with (?i) and a character beyond ASCII is not supported", 10],
  ];
  for (const [text, message, offset] of unsupported) {
    assert.deepEqual(
      compilePattern("pcre2", text),
      { ok: false, error: { errcode: 2, message, offset } },
      text,
    );
  }
});

test("compilePattern() refuses patterns that are nested too deep or grow too large", () => {
  const errcode = (text: string): unknown => {
    const result = compilePattern("pcre2", text);
    return result.ok ? null : result.error.errcode;
  };
  assert.equal(errcode(`${"(".repeat(250)}${")".repeat(250)}`), null);
  assert.equal(errcode(`${"(".repeat(251)}${")".repeat(251)}`), 1);
  assert.equal(errcode("(?:ab){60000}"), 3);
  assert.equal(errcode(`(?:${"ab".repeat(5000)}){16}$`), 3);
  assert.equal(errcode("((((a{0,9}){0,99}){0,99}){0,99})"), 3);
});

test("Pcre2Pattern matches the one (*UTF) text of the peer's rules in valid UTF-8 only", () => {
  const pattern = compiled("(*UTF)\\N{U+202E}");
  assert.ok(pattern.test("abc\xe2\x80\xaetxt"));
  assert.ok(!pattern.test("abc\xe2\x80\xaftxt"));
  assert.ok(!pattern.test("abc\xe2\x80\xaetxt\xff"));
  assert.deepEqual(pattern.required, ["\xe2\x80\xae"]);
});

test("Pcre2Pattern names literals, exact texts and first bytes", () => {
  const facts = (text: string): unknown => factsOf(compiled(text));
  assert.deepEqual(facts("(?i)^Failed (\\S+) for"), [["failed "], null, "Ff"]);
  assert.deepEqual(facts("(?i)^yes$|^no\\z"), [["yes", "no"], ["yes", "yes\n", "no"], "NYny"]);
  assert.deepEqual(facts("^4624$"), [["4624"], ["4624", "4624\n"], "4"]);
  assert.deepEqual(facts("^Yes$"), [["yes"], null, "Y"]);
  assert.deepEqual(facts("(?:ab|cde)\\d+x"), [["ab", "cde"], null, null]);
  assert.deepEqual(facts("^(?:x+|y)z"), [["x", "y"], null, "xy"]);
  assert.deepEqual(facts("^x*y|^z"), [["y", "z"], null, null]);
  assert.deepEqual(facts("^(?!abc).*d?"), [null, null, null]);
  assert.deepEqual(facts("a(bc)\\b(?=d)e|(?:fgh)+"), [["abce", "fgh"], null, null]);
});

const ATOMS = [
  "a",
  "b",
  "A",
  "1",
  " ",
  "\\d",
  "\\w+",
  "\\s",
  ".",
  ".*",
  "[ab]",
  "[^a]",
  "a*",
  "b+?",
  "a?",
  "(?i)b",
  "^",
  "$",
  "\\b",
  "\\n",
];

function randomPattern(random: SeededRandom, depth: number): string {
  const branches = Array.from({ length: random.below(3) === 0 ? 2 : 1 }, () => {
    let text = "";
    for (let count = random.below(4); count > 0; count--) {
      if (depth === 0 || random.below(3) > 0) text += random.pick(ATOMS);
      else
        text += `${random.pick(["(", "(?:"])}${randomPattern(random, depth - 1)})${random.pick(["", "", "*", "+", "?", "{2}", "*?"])}`;
    }
    return text;
  });
  return branches.join("|");
}

/** The machine's answer in the form of V8's. */
function machineAnswer(tree: Tree, subject: string): (string | undefined)[] | null {
  const machine = new Machine(compileProgram(tree));
  effort.renew();
  const end = machine.search(subject);
  if (end === NO_MATCH) return null;
  return Array.from({ length: tree.groupCount + 1 }, (_, group) => {
    const stop = machine.slots[2 * group + 1] ?? -1;
    return stop < 0 ? undefined : subject.slice(machine.slots[2 * group], stop);
  });
}

test("runsOnV8() leaves to the machine what would be large once it is written out", () => {
  assert.equal(runsOnV8(parsePcre2(`(?:${"a".repeat(256)}){16}`).root), true);
  assert.equal(runsOnV8(parsePcre2(`(?:${"a".repeat(257)}){16}`).root), false);
  assert.ok(compiled(`^(?:${"a".repeat(257)}){16}$`).test("a".repeat(4112)));
});

test("toRegExp() gives an expression that agrees with the machine and that V8 can run in bounded time", () => {
  const random = new SeededRandom(4);
  let onV8 = 0;
  for (let round = 0; round < 4000; round++) {
    const text = randomPattern(random, 2);
    const tree = parsePcre2(text);
    if (!runsOnV8(tree.root)) continue;
    onV8++;
    const regExp = toRegExp(tree.root);
    assert.doesNotThrow(() => new RegExp(regExp.source, "l"), text);
    for (let subjects = 5; subjects > 0; subjects--) {
      // What V8's `$` and `(?m)` read otherwise is decided in Pcre2Pattern and is not in these subjects.
      const subject = Array.from({ length: random.below(8) }, () => random.pick([..."aabAB1 \n"]))
        .join("")
        .trimEnd();
      const found = regExp.exec(subject);
      const where = JSON.stringify([text, subject]);
      assert.deepEqual(found === null ? null : [...found], machineAnswer(tree, subject), where);
      assertFacts(compiled(text), subject, found !== null);
    }
  }
  assert.ok(onV8 > 1000, `${onV8} patterns`);
});

test("Pcre2Pattern answers patterns that explode: on V8 exactly, on the machine by giving up and counting it", () => {
  effort.renew();
  const line = "a".repeat(64);
  const exact = compiled("(a+)+$");
  assert.equal(exact.test(`${line}!`), false);
  assert.equal(exact.test(line), true);
  assert.equal(exact.givenUp, 0);
  assert.equal(exact.test(`${line}\n`), true);
  assert.equal(exact.test(`${line}!\n`), false);
  assert.equal(exact.givenUp, 1);
  const bounded = compiled("(?=(?:a|aa)+!)", "capturing");
  effort.renew();
  assert.equal(bounded.match(`${line}?!`), null);
  assert.equal(bounded.givenUp, 1);
  effort.renew();
  assert.equal(bounded.test("aa!"), true);
});

test("Pcre2Pattern runs over long events without running out of stack", () => {
  const long = "ab".repeat(5000);
  for (const text of ["(?:a|b)*c$", "(?:a|b)*c(?=$)", "(a|b)*?c$", "(?:(a)|b)*c$"]) {
    const pattern = compiled(text);
    effort.renew();
    assert.equal(pattern.test(`${long}c`), true, text);
    effort.renew();
    assert.equal(pattern.test(`${long}cd`), false, text);
  }
});

test("Pcre2Pattern spends on one event what all patterns together may", () => {
  const line = "a".repeat(64);
  const patterns = ["(?=(?:a|aa)+!)", "(?=(?:a|a)+!)"].map((text) => compiled(text));
  const plain = compiled("(?=a)a!$");
  const answers = () => [...patterns, plain].map((pattern) => pattern.test(`${line}?a!`));
  effort.renew();
  assert.deepEqual(answers(), [false, false, false], "the first took all, and what is left gives up");
  assert.deepEqual(
    [...patterns, plain].map(({ givenUp }) => givenUp),
    [1, 1, 1],
  );
  effort.renew();
  assert.equal(plain.test(`${line}?a!`), true);
  const onV8 = compiled("(a+)+$");
  effort.renew();
  const asks = Array.from({ length: 50 }, () => onV8.test(`${"a".repeat(6000)}!`));
  assert.ok(asks.every((answer) => !answer));
  assert.ok(onV8.givenUp > 30, `${onV8.givenUp} of 50 passed over`);
});

test("Pcre2Pattern compiles every PCRE2 text of the peer's rule set", {
  skip: existsSync(PEER_RULESET) ? false : "PEER_RULESET_DIR is not set",
}, () => {
  const texts = new Set<string>();
  for (const file of readdirSync(PEER_RULESET, { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".xml")) continue;
    const xml = readFileSync(join(PEER_RULESET, file), "latin1");
    for (const element of xml.matchAll(/<(\w+)\b[^>]*\btype\s*=\s*"pcre2"[^>]*>([\s\S]*?)<\/\1>/g))
      texts.add(element[2] ?? "");
  }
  assert.equal(texts.size, 466);
  for (const text of texts) compiled(text);
  const withoutLiteral = [...texts].filter((text) => requiredLiterals(parsePcre2(text).root) === null);
  assert.ok(withoutLiteral.length < 10, withoutLiteral.join("\n"));
});

test("bytesOf() and the others give one set for the same bytes: a rule set has thousands of sets and few that differ", () => {
  const digits = bytesOf("0123456789");
  assert.equal(bytesBetween(0x30, 0x39), digits);
  assert.equal(
    bytesWhere((byte) => byte >= 0x30 && byte <= 0x39),
    digits,
  );
  assert.equal(complement(complement(digits)), digits);
  assert.notEqual(complement(digits), digits);
});
