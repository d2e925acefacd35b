/**
 * PCRE2 as the peer uses it: compiled without options, matched from offset 0 over bytes. Most patterns run as V8 expressions, the
 * rest, and the few subjects for which V8's `$` or `(?m)` differ, on a machine of our own (pcre2-machine.ts).
 */
import assert from "node:assert/strict";
import { isUtf8 } from "node:buffer";
import { effort } from "./effort.ts";
import { foldAscii } from "./fold.ts";
import type { CompileResult, Pattern, PatternMatch, PatternMode } from "./pattern.ts";
import { Pcre2Error } from "./pcre2-cursor.ts";
import {
  exactStrings,
  firstBytes,
  mayExplode,
  requiredLiterals,
  runsOnV8,
  usesAssertion,
} from "./pcre2-facts.ts";
import { GAVE_UP, Machine, NO_MATCH } from "./pcre2-machine.ts";
import { parsePcre2, type Tree } from "./pcre2-parse.ts";
import { compileProgram } from "./pcre2-program.ts";
import { toRegExp } from "./pcre2-v8.ts";

export function compilePcre2(text: string, mode: PatternMode): CompileResult {
  try {
    return { ok: true, pattern: new Pcre2Pattern(text, parsePcre2(text), mode === "capturing") };
  } catch (error) {
    if (!(error instanceof Pcre2Error)) throw error;
    return { ok: false, error: { errcode: error.errcode, message: error.message, offset: error.offset } };
  }
}

class Pcre2Pattern implements Pattern {
  readonly kind = "pcre2";
  readonly text: string;
  readonly required: readonly string[] | null;
  readonly exact: readonly string[] | null;
  readonly firstBytes: Uint8Array | null;
  readonly #tree: Tree;
  readonly #capturing: boolean;
  /** Null when V8 would not give PCRE2's answer. */
  readonly #regExp: RegExp | null;
  /** V8's `$` does not match before a final newline. */
  readonly #hasEnd: boolean;
  /** V8's `(?m)` takes `\r` for a line break, and begins a line behind a final newline. */
  readonly #hasLines: boolean;
  /** Null when V8 does for every subject. */
  readonly #machine: Machine | null;
  /** V8 may go back over it exponentially often. */
  readonly #explodes: boolean;
  #givenUp = 0;

  constructor(text: string, tree: Tree, capturing: boolean) {
    this.text = text;
    this.required = requiredLiterals(tree.root);
    this.exact = tree.utf ? null : exactStrings(tree.root);
    this.firstBytes = firstBytes(tree.root);
    this.#tree = tree;
    this.#explodes = mayExplode(tree.root);
    this.#capturing = capturing;
    this.#regExp = !tree.utf && runsOnV8(tree.root) ? toRegExp(tree.root) : null;
    this.#hasEnd = usesAssertion(tree.root, ["end-or-newline"]);
    this.#hasLines = usesAssertion(tree.root, ["line-start", "line-end"]);
    const needed = this.#regExp === null || this.#hasEnd || this.#hasLines;
    this.#machine = needed ? new Machine(compileProgram(tree)) : null;
  }

  get givenUp(): number {
    return this.#givenUp;
  }

  test(subject: string): boolean {
    if (!this.#mayMatch(subject)) return false;
    const regExp = this.#regExpFor(subject);
    if (regExp === null) return this.#search(subject) !== null;
    return this.#affords(subject) && regExp.test(subject);
  }

  match(whole: string, from = 0): PatternMatch | null {
    const found = this.#matchFromStart(from === 0 ? whole : whole.slice(from));
    return found === null || from === 0 ? found : { end: found.end + from, captures: found.captures };
  }

  #matchFromStart(subject: string): PatternMatch | null {
    if (!this.#mayMatch(subject)) return null;
    const regExp = this.#regExpFor(subject);
    if (regExp === null) return this.#search(subject);
    if (!this.#affords(subject)) return null;
    const found = regExp.exec(subject);
    if (found === null) return null;
    return {
      end: found.index + found[0].length - 1,
      captures: this.#capturing ? captured(found.slice(1)) : [],
    };
  }

  /** Looks for the required literals first: many expressions begin with a class and would be tried at every byte. */
  #mayMatch(subject: string): boolean {
    if (this.required === null) return true;
    const folded = foldAscii(subject);
    for (const literal of this.required) if (folded.includes(literal)) return true;
    return false;
  }

  #regExpFor(subject: string): RegExp | null {
    if (!this.#hasEnd && !this.#hasLines) return this.#regExp;
    if (subject.charCodeAt(subject.length - 1) === NEWLINE) return null;
    return this.#hasLines && subject.includes("\r") ? null : this.#regExp;
  }

  /** V8 does not tell whether it went back so often that its slow engine took over: such a pattern pays as if it did. */
  #affords(subject: string): boolean {
    if (!this.#explodes) return true;
    const affordable = effort.steps.affords(subject.length * STEPS_PER_BYTE_OF_V8);
    if (!affordable) this.#givenUp++;
    return affordable;
  }

  #search(subject: string): PatternMatch | null {
    if (this.#tree.utf && !isUtf8(Buffer.from(subject, "latin1"))) return null;
    assert(this.#machine !== null, "no machine for a subject that V8 does not take");
    const end = this.#machine.search(subject);
    if (end === GAVE_UP) this.#givenUp++;
    if (end === GAVE_UP || end === NO_MATCH) return null;
    if (!this.#capturing) return { end: end - 1, captures: [] };
    const { slots } = this.#machine;
    const groups = Array.from({ length: this.#tree.groupCount }, (_, index) => {
      const groupEnd = slots[2 * index + 3] ?? -1;
      return groupEnd < 0 ? undefined : subject.slice(slots[2 * index + 2], groupEnd);
    });
    return { end: end - 1, captures: captured(groups) };
  }
}

const NEWLINE = 0x0a;
/** A byte takes 115 ns in V8's engine of linear time. */
const STEPS_PER_BYTE_OF_V8 = 2;

/** A group that is not set is empty text, and missing when no later one is set. */
function captured(groups: readonly (string | undefined)[]): readonly string[] {
  let count = groups.length;
  while (count > 0 && groups[count - 1] === undefined) count--;
  return groups.slice(0, count).map((group) => group ?? "");
}
