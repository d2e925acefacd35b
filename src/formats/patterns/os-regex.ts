/**
 * OS_Regex, the peer's own language: compiles a text to one program an alternative and answers what it can with plain string
 * functions. The machine that runs the programs is os-regex-machine.ts.
 */
import { effort } from "./effort.ts";
import { foldAscii } from "./fold.ts";
import {
  bytesTaken,
  defineClass,
  GAVE_UP,
  headHolds,
  type Marks,
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
import { type NativeForm, nativeForm } from "./os-regex-v8.ts";
import type { CompileResult, Pattern, PatternError, PatternMatch, PatternMode } from "./pattern.ts";
import { union } from "./pcre2-tree.ts";

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

/** Longer subjects are for the machine, which has a limit of its own. */
const NATIVE_BYTES_MAX = 4096;

type Item = {
  readonly op: number;
  readonly operand: number;
  /** What a literal or a class of one byte stands for. */
  readonly literal: string | null;
};

type Alternative = {
  readonly program: Program;
  /** Null when only the machine can run it; made at the first use, since most patterns of a rule set never see a log. */
  native: NativeForm | null | undefined;
  /** All of it when it holds nothing but literals: then string functions give the verdict. */
  readonly literal: string | null;
  /** Longest of `runs`; may be empty. */
  readonly longest: string;
  /** Texts that every subject that matches contains, in this order, one behind the other. */
  readonly runs: readonly string[];
  /** The items of the parentheses, in order: two make a capture. */
  readonly groups: readonly number[];
  /** Of every byte 1 if a match can begin with it as the subject's first; null when it can begin elsewhere or with nothing. */
  readonly firstBytes: Uint8Array | null;
};

class OsRegexPattern implements Pattern {
  readonly kind = "osregex";
  readonly text: string;
  readonly required: readonly string[] | null;
  readonly exact: readonly string[] | null;
  readonly firstBytes: Uint8Array | null;
  /** Texts that every alternative of several needs, `key:` of `key:"(\.*)"|key:(\.*);`. */
  readonly #shared: readonly string[];
  readonly #alternatives: readonly Alternative[];
  /** Scratch of the machine. */
  readonly #marks: Marks;
  #givenUp = 0;

  constructor(text: string, alternatives: readonly Alternative[], capturing: boolean) {
    this.text = text;
    this.#alternatives = alternatives;
    const itemsMax = Math.max(...alternatives.map(({ program }) => program.ops.length));
    this.#marks = { positions: new Int32Array(itemsMax), capturing };
    const longest = alternatives.map((alternative) => alternative.longest);
    this.required = longest.includes("") ? null : [...new Set(longest)];
    this.#shared = sharedTexts(alternatives);
    const whole = alternatives.flatMap(({ literal, program: { anchored, toEnd } }) =>
      literal !== null && toEnd && (anchored || literal === "") ? [literal] : [],
    );
    this.exact = whole.length === alternatives.length ? [...new Set(whole)] : null;
    const sets = alternatives.flatMap(({ firstBytes }) => (firstBytes === null ? [] : [firstBytes]));
    this.firstBytes = sets.length === alternatives.length ? union(sets) : null;
  }

  get givenUp(): number {
    return this.#givenUp;
  }

  test(subject: string): boolean {
    if (!holdsAll(subject, 0, this.#shared)) return false;
    for (const alternative of this.#alternatives) {
      if (alternative.literal !== null) {
        if (holdsLiteral(alternative.program, alternative.literal, foldAscii(subject))) return true;
      } else if (this.#holds(alternative, subject)) {
        return true;
      }
    }
    return false;
  }

  match(subject: string, from = 0): PatternMatch | null {
    if (!holdsAll(subject, from, this.#shared)) return null;
    for (const alternative of this.#alternatives) {
      if (!mayMatch(alternative, subject, from)) continue;
      const found = this.#matchOne(alternative, subject, from);
      if (found !== null) return found;
    }
    return null;
  }

  #matchOne(alternative: Alternative, subject: string, from: number): PatternMatch | null {
    const native = takeNative(alternative, subject);
    if (native === null) return this.#run(alternative, subject, from);
    const { regExp } = native;
    regExp.lastIndex = from;
    if (!this.#marks.capturing) {
      if (!regExp.test(subject)) return null;
      const end = endOf(native, subject, "");
      if (end === null || holdsAny(subject, native.unless)) return this.#run(alternative, subject, from);
      return { end, captures: [] };
    }
    const found = regExp.exec(subject);
    if (found === null) return null;
    const end = endOf(native, subject, found.at(-1) ?? "");
    if (end === null || holdsAny(subject, native.unless)) return this.#run(alternative, subject, from);
    return { end, captures: found.slice(1) };
  }

  #holds(alternative: Alternative, subject: string): boolean {
    if (!mayMatch(alternative, subject, 0)) return false;
    const native = takeNative(alternative, subject);
    if (native === null) return this.#run(alternative, subject, 0) !== null;
    native.regExp.lastIndex = 0;
    if (!native.regExp.test(subject)) return false;
    return !holdsAny(subject, native.unless) || this.#run(alternative, subject, 0) !== null;
  }

  #run(alternative: Alternative, subject: string, from: number): PatternMatch | null {
    const end = run(alternative.program, foldAscii(subject), from, this.#marks);
    if (end === GAVE_UP) this.#givenUp++;
    if (end === GAVE_UP || end === NO_MATCH) return null;
    return { end, captures: this.#captures(alternative, subject) };
  }

  #captures(alternative: Alternative, subject: string): readonly string[] {
    const captures: string[] = [];
    const { positions, capturing } = this.#marks;
    if (!capturing) return captures;
    for (let pair = 0; pair + 1 < alternative.groups.length; pair += 2) {
      const open = positions[alternative.groups[pair] ?? 0] ?? -1;
      const close = positions[alternative.groups[pair + 1] ?? 0] ?? -1;
      if (open < 0 || close < 0) break;
      // The peer computes a close before the open for ` (\S*)$` on a final blank and crashes; slice() gives the empty text.
      captures.push(subject.slice(open, close));
    }
    return captures;
  }
}

/** What the longest texts begin with in common, and the texts that all have; nothing when there is one alternative. */
function sharedTexts(alternatives: readonly Alternative[]): readonly string[] {
  const [first] = alternatives;
  if (first === undefined || alternatives.length === 1) return [];
  const all = first.runs.filter((text) => alternatives.every(({ runs }) => runs.includes(text)));
  const prefix = commonPrefix(alternatives.map(({ longest }) => longest));
  return [...new Set([prefix, ...all])].filter((text) => text !== "");
}

function holdsAll(subject: string, from: number, texts: readonly string[]): boolean {
  for (const text of texts) if (foldAscii(subject).indexOf(text, from) < 0) return false;
  return true;
}

function commonPrefix(texts: readonly string[]): string {
  let prefix = texts[0] ?? "";
  for (const text of texts) while (!text.startsWith(prefix)) prefix = prefix.slice(0, -1);
  return prefix;
}

/** The peer's end after a match of the expression; null when only the machine tells it. */
function endOf({ endRule, regExp }: NativeForm, subject: string, lastCapture: string): number | null {
  const { lastIndex } = regExp;
  switch (endRule) {
    case "last-byte":
      return lastIndex - 1;
    case "last-capture":
      return lastCapture === "" ? null : lastIndex - lastCapture.length;
    case "behind-run":
      return lastIndex === subject.length ? null : lastIndex;
    default:
      return null;
  }
}

/**
 * Much cheaper than the machine, and false for nearly every subject that a pattern was not written for. What is anchored needs no
 * folded subject: nothing else may ask for that of a long JSON event.
 */
function mayMatch(alternative: Alternative, subject: string, from: number): boolean {
  const { program, runs } = alternative;
  if (program.anchored && !headHolds(program, subject, from)) return false;
  if (program.anchored && nativeOf(alternative, subject) !== null) return true;
  return holdsInOrder(foldAscii(subject), from, runs);
}

function nativeOf(alternative: Alternative, subject: string): NativeForm | null {
  if (subject.length > NATIVE_BYTES_MAX) return null;
  if (alternative.native === undefined) alternative.native = nativeForm(alternative.program);
  return alternative.native;
}

/** To be run at once: what can explode pays for it. */
function takeNative(alternative: Alternative, subject: string): NativeForm | null {
  const native = nativeOf(alternative, subject);
  return native?.explodes === true && !effort.nativeBytes.affords(subject.length) ? null : native;
}

function holdsAny(subject: string, texts: readonly string[]): boolean {
  for (const text of texts) if (foldAscii(subject).includes(text)) return true;
  return false;
}

function holdsInOrder(folded: string, from: number, runs: readonly string[]): boolean {
  let next = from;
  for (const text of runs) {
    const at = folded.indexOf(text, next);
    if (at < 0) return false;
    next = at + text.length;
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
        literal: LITERAL_OF_ESCAPE.get(text.charAt(at + 1)) ?? null,
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
    ...leadOf(items),
  };
  const groups = items.flatMap(({ op }, index) => (op === OP_GROUP ? [index] : []));
  const texts = runs.filter((text) => text !== "");
  const firstBytes = anchored ? firstBytesOf(program) : null;
  const literal = plain ? (runs[0] ?? "") : null;
  return { program, native: undefined, literal, longest, runs: texts, groups, firstBytes };
}

function firstBytesOf({ ops, operands }: Program): Uint8Array | null {
  const sets: Uint8Array[] = [];
  for (const [index, op] of ops.entries()) {
    if (op === OP_END) return null;
    if (op === OP_GROUP && ops[index + 1] !== OP_GROUP) continue;
    if (op === OP_GROUP) return null; // compared as a literal: no pattern of a rule set has it
    sets.push(bytesTaken(op, operands[index] ?? 0));
    if (op !== OP_CLASS_STAR) return union(sets);
  }
  return null;
}

/** The operand of OP_END: equal to no byte. */
const NO_BYTE = 256;

/**
 * The texts that must occur in a row, the one of the first items first (empty when they start with a class). A single parenthesis
 * does not interrupt a run, two adjacent ones do. A class of one byte is a literal, and with `+` it ends in that byte: ` %` finds
 * fewer logs than `%`.
 */
function literalRuns(items: readonly Item[]): readonly string[] {
  const runs = [""];
  // After a choice between a run and a class the machine may pass over a `+` and over a final class; also when the subject is used up.
  const lastIndex = items.findLastIndex(({ op }) => op !== OP_GROUP);
  const endsInRun = (items[lastIndex]?.op ?? OP_END) > OP_CLASS;
  const exact = !endsInRun && !choosesClass(items);
  items.forEach(({ op, literal }, index) => {
    const last = runs.length - 1;
    const isClassTaken = op === OP_CLASS && (exact || (!endsInRun && index < lastIndex));
    if (op === OP_LITERAL || (isClassTaken && literal !== null)) runs[last] += literal ?? "";
    else if (op === OP_CLASS_PLUS && exact && literal !== null) runs.push(literal);
    else if (op !== OP_GROUP || items[index + 1]?.op === OP_GROUP) runs.push("");
  });
  return runs;
}

/** True when a run is followed by a single class that takes one of its bytes. */
function choosesClass(items: readonly Item[]): boolean {
  const consuming = items.filter(({ op }) => op !== OP_GROUP);
  return consuming.some(({ op, operand }, index) => {
    const next = consuming[index + 1];
    if (op <= OP_CLASS || next?.op !== OP_CLASS) return false;
    const taken = bytesTaken(next.op, next.operand);
    return bytesTaken(op, operand).some((member, byte) => member === 1 && taken[byte] === 1);
  });
}

/** The first text that stands at a fixed distance from where a match begins. */
function leadOf(items: readonly Item[]): { readonly lead: string; readonly leadAt: number } {
  let lead = "";
  let leadAt = 0;
  for (const [index, { op, literal }] of items.entries()) {
    if (op === OP_GROUP && items[index + 1]?.op !== OP_GROUP) continue;
    if (op === OP_LITERAL) lead += literal ?? "";
    else if (op !== OP_CLASS || lead !== "") break;
    else leadAt++;
  }
  return { lead, leadAt };
}
