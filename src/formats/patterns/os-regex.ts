/**
 * OS_Regex, the peer's own language: compiles a text to one program an alternative and answers what it can with plain string
 * functions. The machine that runs the programs is os-regex-machine.ts.
 */
import { foldAscii } from "./fold.ts";
import { commonPrefix } from "./os-match.ts";
import {
  defineClass,
  GAVE_UP,
  NO_MATCH,
  OP_CLASS,
  OP_CLASS_PLUS,
  OP_CLASS_STAR,
  OP_END,
  OP_GROUP,
  OP_LITERAL,
  type Program,
  run,
} from "./os-regex-machine.ts";
import type { CompileResult, Pattern, PatternError, PatternMatch, PatternMode } from "./pattern.ts";

/** wazuh v4.14.7: src/os_regex/os_regex.h, OS_REGEX_BADREGEX and OS_REGEX_BADPARENTHESIS. */
const ERRCODE_SYNTAX = 6;
const ERRCODE_PARENTHESIS = 7;

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;
const isWord = (byte: number): boolean =>
  isDigit(byte) ||
  (byte >= 0x41 && byte <= 0x5a) ||
  (byte >= 0x61 && byte <= 0x7a) ||
  "-@_".includes(String.fromCharCode(byte));
const PUNCTUATION = "!\"#$%&'()*+,-.:;<=>?[]{|}";

/** The letter behind the backslash and the class mask that it stands for (wazuh v4.14.7: src/os_regex/os_regex_maps.h). */
const CLASS_OF_ESCAPE: ReadonlyMap<string, number> = new Map([
  ["d", defineClass(isDigit)],
  ["w", defineClass(isWord)],
  ["s", defineClass((byte) => byte === 0x20)],
  ["t", defineClass((byte) => byte === 0x09)],
  ["p", defineClass((byte) => PUNCTUATION.includes(String.fromCharCode(byte)))],
  ["D", defineClass((byte) => !isDigit(byte))],
  ["W", defineClass((byte) => !isWord(byte))],
  ["S", defineClass((byte) => byte !== 0x20)],
  [".", defineClass(() => true)],
  ...[..."()\\$|<"].map((escaped): [string, number] => [
    escaped,
    defineClass((byte) => byte === escaped.charCodeAt(0)),
  ]),
]);
/** Escapes that stand for one byte: without a quantifier near them they behave as that literal. */
const LITERAL_OF_ESCAPE: ReadonlyMap<string, string> = new Map([
  ["s", " "],
  ["t", "\t"],
  ...[..."()\\$|<"].map((escaped): [string, string] => [escaped, escaped]),
]);

type Item = {
  readonly op: number;
  readonly operand: number;
  /** What a literal or a class of one byte stands for. */
  readonly literal: string | null;
};

type Alternative = {
  readonly program: Program;
  /** All of it when it holds nothing but literals: then string functions give the verdict. */
  readonly literal: string | null;
  /** Longest of `runs`; may be empty. */
  readonly longest: string;
  /** Texts that every subject that matches contains, in this order, one behind the other. */
  readonly runs: readonly string[];
  /** The items of the parentheses, in order: two make a capture. */
  readonly groups: readonly number[];
};

class OsRegexPattern implements Pattern {
  readonly kind = "osregex";
  readonly text: string;
  readonly required: readonly string[] | null;
  readonly exact: readonly string[] | null;
  readonly prefix: string | null;
  readonly #alternatives: readonly Alternative[];
  readonly #capturing: boolean;
  /** Scratch of the machine. */
  readonly #marks: Int32Array;
  #givenUp = 0;

  constructor(text: string, alternatives: readonly Alternative[], capturing: boolean) {
    this.text = text;
    this.#alternatives = alternatives;
    const itemsMax = Math.max(...alternatives.map(({ program }) => program.ops.length));
    this.#capturing = capturing;
    this.#marks = new Int32Array(itemsMax);
    const longest = alternatives.map((alternative) => alternative.longest);
    this.required = longest.includes("") ? null : [...new Set(longest)];
    const whole = alternatives.flatMap(({ literal, program: { anchored, toEnd } }) =>
      literal !== null && toEnd && (anchored || literal === "") ? [literal] : [],
    );
    this.exact = whole.length === alternatives.length ? [...new Set(whole)] : null;
    const anchored = alternatives.every(({ program }) => program.anchored);
    this.prefix = anchored ? commonPrefix(alternatives.map(({ program }) => program.lead)) : null;
  }

  get givenUp(): number {
    return this.#givenUp;
  }

  test(subject: string): boolean {
    const folded = foldAscii(subject);
    for (const alternative of this.#alternatives) {
      if (alternative.literal !== null) {
        if (holdsLiteral(alternative.program, alternative.literal, folded)) return true;
      } else if (this.#run(alternative, folded) !== NO_MATCH) {
        return true;
      }
    }
    return false;
  }

  match(subject: string): PatternMatch | null {
    const folded = foldAscii(subject);
    for (const alternative of this.#alternatives) {
      const end = this.#run(alternative, folded);
      if (end !== NO_MATCH) return { end, captures: this.#captures(alternative, subject) };
    }
    return null;
  }

  #run(alternative: Alternative, folded: string): number {
    const { program, runs } = alternative;
    if (program.anchored && !folded.startsWith(program.lead)) return NO_MATCH;
    if (!holdsInOrder(folded, runs)) return NO_MATCH;
    const end = run(program, folded, this.#marks, this.#capturing);
    if (end !== GAVE_UP) return end;
    this.#givenUp++;
    return NO_MATCH;
  }

  #captures(alternative: Alternative, subject: string): readonly string[] {
    const captures: string[] = [];
    if (!this.#capturing) return captures;
    for (let pair = 0; pair + 1 < alternative.groups.length; pair += 2) {
      const open = this.#marks[alternative.groups[pair] ?? 0] ?? -1;
      const close = this.#marks[alternative.groups[pair + 1] ?? 0] ?? -1;
      if (open < 0 || close < 0) break;
      // The peer computes a close before the open for ` (\S*)$` on a final blank and crashes; slice() gives the empty text.
      captures.push(subject.slice(open, close));
    }
    return captures;
  }
}

/** Much cheaper than the machine, and false for nearly every subject that a pattern was not written for. */
function holdsInOrder(folded: string, runs: readonly string[]): boolean {
  let from = 0;
  for (const text of runs) {
    const at = folded.indexOf(text, from);
    if (at < 0) return false;
    from = at + text.length;
  }
  return true;
}

/** The machine's verdict for literals. Nothing but the end of an empty subject satisfies an empty text with `$`. */
function holdsLiteral(program: Program, literal: string, folded: string): boolean {
  if (program.toEnd && (program.anchored || literal === "")) return folded === literal;
  if (program.toEnd) return folded.endsWith(literal);
  return program.anchored ? folded.startsWith(literal) : folded.includes(literal);
}

export function compileOsRegex(text: string, mode: PatternMode): CompileResult {
  const alternatives: Alternative[] = [];
  let offset = 0;
  while (offset <= text.length) {
    const parsed = parseAlternative(text, offset);
    if ("errcode" in parsed) return { ok: false, error: parsed };
    alternatives.push(parsed.alternative);
    offset = parsed.next;
  }
  const capturing = mode === "capturing" && alternatives.some(({ groups }) => groups.length > 0);
  return { ok: true, pattern: new OsRegexPattern(text, alternatives, capturing) };
}

/** Reads one alternative; `next` is the byte behind its `|`, or one behind the text. */
function parseAlternative(
  text: string,
  start: number,
): { alternative: Alternative; next: number } | PatternError {
  const anchored = text[start] === "^";
  let toEnd = false;
  const items: Item[] = [];
  let open: number | null = null;
  let at = anchored ? start + 1 : start;
  for (; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === "|") break;
    if (char === "\\") {
      const mask = CLASS_OF_ESCAPE.get(text.charAt(at + 1));
      if (mask === undefined)
        return { errcode: ERRCODE_SYNTAX, message: `unknown escape '${text.slice(at, at + 2)}'`, offset: at };
      const quantifier = text[at + 2];
      const op = quantifier === "+" ? OP_CLASS_PLUS : quantifier === "*" ? OP_CLASS_STAR : OP_CLASS;
      items.push({
        op,
        operand: mask,
        literal: op === OP_CLASS ? (LITERAL_OF_ESCAPE.get(text.charAt(at + 1)) ?? null) : null,
      });
      at += op === OP_CLASS ? 1 : 2;
    } else if (char === "(" || char === ")") {
      if ((char === "(") !== (open === null))
        return parenthesisError(char === "(" ? "nested group" : "')' without '('", at);
      open = char === "(" ? at : null;
      items.push({ op: OP_GROUP, operand: 0x28, literal: null });
    } else if (char === "$" && (at + 1 === text.length || text[at + 1] === "|")) {
      toEnd = true;
    } else {
      const literal = foldAscii(char);
      items.push({ op: OP_LITERAL, operand: literal.charCodeAt(0), literal });
    }
  }
  if (open !== null) return parenthesisError("group is not closed in its alternative", open);
  return { alternative: assemble(items, anchored, toEnd), next: at + 1 };
}

function parenthesisError(message: string, offset: number): PatternError {
  return { errcode: ERRCODE_PARENTHESIS, message, offset };
}

function assemble(parsed: readonly Item[], anchored: boolean, toEnd: boolean): Alternative {
  // The machine treats a class that follows a quantified item in ways of its own; without one a class of one byte is its literal.
  const quantified = parsed.some(({ op }) => op > OP_CLASS);
  const items = parsed.map((item) =>
    item.op === OP_CLASS && item.literal !== null && !quantified
      ? { op: OP_LITERAL, operand: item.literal.charCodeAt(0), literal: item.literal }
      : item,
  );
  const runs = literalRuns(items);
  const plain = items.every(
    ({ op }, index) => op === OP_LITERAL || (op === OP_GROUP && items[index + 1]?.op !== OP_GROUP),
  );
  const longest = runs.reduce((best, text) => (text.length > best.length ? text : best), "");
  const program: Program = {
    ops: Uint8Array.from([...items.map(({ op }) => op), OP_END]),
    operands: Uint16Array.from([...items.map(({ operand }) => operand), NO_BYTE]),
    anchored,
    toEnd,
    lead: runs[0] ?? "",
  };
  const groups = items.flatMap(({ op }, index) => (op === OP_GROUP ? [index] : []));
  const texts = runs.filter((text) => text !== "");
  return { program, literal: plain ? (runs[0] ?? "") : null, longest, runs: texts, groups };
}

/** The operand of OP_END: equal to no byte. */
const NO_BYTE = 256;

/**
 * The texts that must occur in a row, the leading one first (empty when the items start with a class). A single parenthesis does
 * not interrupt a run, two adjacent ones do.
 */
function literalRuns(items: readonly Item[]): readonly string[] {
  const runs = [""];
  items.forEach(({ op, literal }, index) => {
    const last = runs.length - 1;
    if (op === OP_LITERAL) runs[last] += literal ?? "";
    else if (op !== OP_GROUP || items[index + 1]?.op === OP_GROUP) runs.push("");
  });
  return runs;
}
