/**
 * Second implementations of OS_Regex and OS_Match for tests. They share no code with the first ones: OS_Regex was written from the
 * numbered steps of the algorithm, with pattern texts and strings ("step 1" to "step 5" are those steps), OS_Match compares byte by byte.
 */

export type SlowMatch = { readonly end: number; readonly captures: readonly string[] } | null;

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

export function matchOsRegexSlowly(text: string, subject: string, mode: "plain" | "capturing"): SlowMatch {
  const alternatives = alternativesOf(text);
  const capturing = mode === "capturing" && alternatives.some((items) => items.includes("("));
  for (const items of alternatives) {
    const slow = new SlowAlternative(items, capturing);
    const end = slow.end(subject);
    if (end !== null) return { end, captures: capturing ? slow.captures(subject) : [] };
  }
  return null;
}

const lowerByte = (byte: number): number => (byte >= 65 && byte <= 90 ? byte + 32 : byte);

/** Without a leading `!`. */
export function matchOsMatchSlowly(text: string, subject: string): boolean {
  return text.split("|").some((alternative) => {
    const atStart = alternative[0] === "^";
    const atEnd = alternative.at(-1) === "$";
    const literal = alternative.substring(atStart ? 1 : 0, alternative.length - (atEnd ? 1 : 0));
    for (let at = 0; at + literal.length <= subject.length; at++) {
      if (atStart && at > 0) break;
      if (atEnd && at + literal.length < subject.length) continue;
      if (
        Array.from(literal).every(
          (char, index) => lowerByte(char.charCodeAt(0)) === lowerByte(subject.charCodeAt(at + index)),
        )
      ) {
        return true;
      }
    }
    return false;
  });
}
