/**
 * Goal: the OS_Regex machine follows the peer's algorithm exactly. Method: the peer's own answers are in pattern.test.ts; here
 * random patterns and subjects, in both modes, against a second implementation that was written from the numbered steps of the
 * algorithm with pattern texts and strings, and shares no code with the first. The words "step 1" to "step 5" are those of the steps.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import { compilePattern, type Pattern } from "./pattern.ts";

type Slow = { readonly end: number; readonly captures: readonly string[] } | null;

const CLASSES: Record<string, (char: string) => boolean> = {
  d: (char) => char >= "0" && char <= "9",
  w: (char) => /[A-Za-z0-9@_-]/.test(char),
  s: (char) => char === " ",
  t: (char) => char === "\t",
  p: (char) => "!\"#$%&'()*+,-.:;<=>?[]{|}".includes(char),
  D: (char) => !/[0-9]/.test(char),
  W: (char) => !/[A-Za-z0-9@_-]/.test(char),
  S: (char) => char !== " ",
  ".": () => true,
};

/** The items of each alternative: "\\d+", "\\(", "x"; both parentheses are "(". */
function alternativesOf(text: string): string[][] {
  const alternatives: string[][] = [[]];
  for (const item of text.match(/\\.[+*]?|[\s\S]/g) ?? []) {
    if (item === "|") alternatives.push([]);
    else alternatives.at(-1)?.push(item === ")" ? "(" : item);
  }
  return alternatives;
}

const lower = (char: string): string => char.replace(/[A-Z]/, (letter) => letter.toLowerCase());
const isClass = (item: string | undefined): item is string => item !== undefined && item.length > 1;
const takesByte = (item: string, char: string): boolean => {
  const name = item.charAt(1);
  return CLASSES[name]?.(char) ?? name === char;
};

/** What a step leads to: the next byte, the same byte again, failure, or success with `r`. */
type Outcome = "next" | "again" | "failed" | "success";

class SlowAlternative {
  readonly items: string[];
  readonly anchored: boolean;
  readonly toEnd: boolean;
  readonly capturing: boolean;
  readonly slots = new Map<number, number>();
  readonly saved: [number, number][] = [];
  subject = "";
  st = 0;
  pt = 0;
  m = false;
  e: number | null = null;
  r: number | null = 0;

  constructor(items: readonly string[], capturing: boolean) {
    this.capturing = capturing;
    this.anchored = items[0] === "^";
    const rest = items.slice(this.anchored ? 1 : 0);
    this.toEnd = rest.at(-1) === "$";
    this.items = rest
      .slice(0, this.toEnd ? -1 : undefined)
      .map((item) => (isClass(item) ? item : lower(item)));
  }

  /** Null is the failure and also the "null" result. */
  end(subject: string): number | null {
    this.subject = subject;
    for (; this.st < subject.length; this.st++) {
      let outcome: Outcome = "again";
      while (outcome === "again") outcome = this.#step(subject.charAt(this.st));
      if (outcome === "success") return this.r;
      if (outcome === "failed" && !this.#goesOn()) return null;
    }
    return this.#usedUp(this.m, subject.length) ? this.r : null;
  }

  /** Step 1, then one of 2 to 4. */
  #step(char: string): Outcome {
    const ended = this.toEnd ? "failed" : "success";
    if (this.pt === this.items.length) return ended;
    if (this.items[this.pt] === "(") {
      this.slots.set(this.pt, this.st);
      this.pt++;
      if (this.pt === this.items.length) return ended;
    }
    const item = this.items[this.pt] ?? "";
    if (isClass(item))
      return takesByte(item, char)
        ? this.#classTakes(item.charAt(2), char)
        : this.#classRefuses(item.charAt(2));
    if (item !== lower(char)) return "failed";
    this.pt++;
    this.e ??= this.st;
    this.r = this.st;
    return "next";
  }

  /** Step 2 */
  #classTakes(quantifier: string, char: string): Outcome {
    const { st } = this;
    if (quantifier === "") {
      this.pt++;
      this.e ??= st;
      this.r = st;
      return "next";
    }
    const skipped = this.items[this.pt + 1] === "(";
    if (quantifier === "*") this.m = true;
    if (!this.m) {
      const isLast = st === this.subject.length - 1;
      if (this.capturing && skipped) this.slots.set(this.pt + 1, isLast ? st + 1 : st);
      this.m = true;
      this.r = st;
      return "next";
    }
    const q = this.pt + (skipped ? 2 : 1);
    const next = this.items[q];
    if (next === undefined) {
      if (skipped) this.slots.set(q - 1, st + 1);
      return "next";
    }
    if (isClass(next) ? takesByte(next, char) : next === lower(char)) {
      if (skipped) this.slots.set(q - 1, st);
      if (this.saved.length < 4) this.saved.push([this.pt, st]);
      if (!isClass(next)) this.m = false;
      this.pt = isClass(next) && next.length === 3 ? q : q + 1;
    }
    this.r = st;
    return "next";
  }

  /** Step 3 */
  #classRefuses(quantifier: string): Outcome {
    if (this.pt === this.items.length - 1 && this.m && this.r !== null) {
      this.r = this.st;
      if (!this.toEnd) return "success";
      this.m = false;
      return "failed";
    }
    const again = quantifier === "*" || (quantifier === "+" && this.m);
    if (again) this.pt++;
    if (quantifier === "*") this.r = this.st - 1;
    this.m = false;
    return again ? "again" : "failed";
  }

  /** Step 5; false when the alternative fails. */
  #goesOn(): boolean {
    const back = this.saved.pop();
    if (back !== undefined) {
      [this.pt, this.st] = back;
      return true;
    }
    if (this.anchored) return false;
    this.st = this.e ?? this.st;
    this.e = null;
    this.pt = 0;
    this.r = null;
    return true;
  }

  #atEnd(): boolean {
    if (this.items[this.pt] === "(") this.pt++;
    return this.pt === this.items.length;
  }

  #usedUp(m: boolean, length: number): boolean {
    if (this.capturing) {
      while (this.items[this.pt]?.charAt(2) === "*") this.pt++;
      if (this.items[this.pt] === "(") this.slots.set(this.pt, length);
    }
    if (this.#atEnd()) return true;
    const item = this.items[this.pt];
    if (isClass(item) && m) {
      this.pt++;
      if (item.length === 3 && this.#atEnd()) return true;
      const second = this.items[this.pt];
      if (isClass(second)) {
        if (second.endsWith("+") && second.length === 3) return false; // the text goes on with the "+" itself
        this.pt++;
        if (second.length === 3 && this.#atEnd()) return true;
      }
    }
    const last = this.items[this.pt];
    if (!isClass(last) || last.length !== 3 || !last.endsWith("*")) return false;
    this.pt++;
    return this.#atEnd();
  }

  captures(subject: string): string[] {
    const captures: string[] = [];
    const groups = this.items.flatMap((item, index) => (item === "(" ? [index] : []));
    for (let pair = 0; pair < groups.length; pair += 2) {
      const open = this.slots.get(groups[pair] ?? -1);
      const close = this.slots.get(groups[pair + 1] ?? -1);
      if (open === undefined || close === undefined) break;
      captures.push(close > open ? subject.slice(open, close) : "");
    }
    return captures;
  }
}

function matchSlowly(text: string, subject: string, mode: "plain" | "capturing"): Slow {
  const alternatives = alternativesOf(text);
  const capturing = mode === "capturing" && alternatives.some((items) => items.includes("("));
  for (const items of alternatives) {
    const slow = new SlowAlternative(items, capturing);
    const end = slow.end(subject);
    if (end !== null) return { end, captures: capturing ? slow.captures(subject) : [] };
  }
  return null;
}

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
        const expected = matchSlowly(text, subject, mode);
        const where = JSON.stringify([text, subject, mode]);
        assert.deepEqual(pattern.match(subject), expected, where);
        assert.equal(pattern.test(subject), expected !== null, where);
        assertFacts(pattern, subject, expected !== null);
      }
    }
  }
});

function assertFacts({ text, required, exact, prefix }: Pattern, subject: string, matches: boolean): void {
  const folded = subject.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  const where = JSON.stringify([text, subject, required, exact, prefix]);
  if (exact !== null) assert.equal(exact.includes(folded), matches, where);
  if (!matches) return;
  assert.ok(required === null || required.some((literal) => folded.includes(literal)), where);
  assert.ok(prefix === null || folded.startsWith(prefix), where);
}

test("OsRegexPattern names literals, exact texts and prefixes", () => {
  const facts = (text: string): unknown[] => {
    const { required, exact, prefix } = compiled(text);
    return [required, exact, prefix];
  };
  assert.deepEqual(facts("Failed \\S+ for (\\S+) from"), [["failed "], null, null]);
  assert.deepEqual(facts("^4624$|^4625$"), [["4624", "4625"], ["4624", "4625"], "462"]);
  assert.deepEqual(facts("^pam_unix\\(sshd\\):"), [["pam_unix(sshd):"], null, "pam_unix(sshd):"]);
  assert.deepEqual(facts("^a(bc)\\d+"), [["abc"], null, "abc"]);
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
  const pattern = compiled("x\\w+x\\w+x\\w+x\\w+x\\w+!");
  assert.equal(pattern.test("x x!"), false);
  assert.equal(pattern.givenUp, 0);
  assert.equal(pattern.test(`${"x".repeat(60_000)} !`), false);
  assert.equal(pattern.givenUp, 1);
  assert.equal(pattern.test("xxxxxxxxxxxxx!"), true);
});
