/**
 * OS_Match, the peer's simplest language: literals separated by `|`, each with an optional `^` in front and `$` behind.
 * There is no escape; a `!` as the first byte negates the whole; letters match without ASCII case.
 */
import { foldAscii } from "./fold.ts";
import { type CompileResult, type Pattern, type PatternMatch, successWithoutEnd } from "./pattern.ts";
import { bothCases, bytesOf } from "./pcre2-tree.ts";

class OsMatchPattern implements Pattern {
  readonly kind = "osmatch";
  readonly text: string;
  readonly required: readonly string[] | null;
  readonly exact: readonly string[] | null;
  readonly firstBytes: Uint8Array | null;
  readonly givenUp = 0;
  readonly #negated: boolean;
  readonly #equal: ReadonlySet<string>;
  readonly #starts: readonly string[];
  readonly #ends: readonly string[];
  readonly #parts: readonly string[];

  constructor(text: string) {
    this.text = text;
    this.#negated = text.startsWith("!");
    const equal = new Set<string>();
    const starts: string[] = [];
    const ends: string[] = [];
    const parts: string[] = [];
    for (const alternative of foldAscii(this.#negated ? text.slice(1) : text).split("|")) {
      const atStart = alternative.startsWith("^");
      const atEnd = alternative.endsWith("$") && alternative.length > 0;
      const literal = alternative.slice(atStart ? 1 : 0, atEnd ? -1 : undefined);
      if (atStart && atEnd) equal.add(literal);
      else if (atStart) starts.push(literal);
      else if (atEnd) ends.push(literal);
      else parts.push(literal);
    }
    this.#equal = equal;
    this.#starts = starts;
    this.#ends = ends;
    this.#parts = parts;
    const literals = [...equal, ...starts, ...ends, ...parts];
    this.required = this.#negated || literals.includes("") ? null : literals;
    this.exact = this.#negated || equal.size < literals.length ? null : [...equal];
    const anywhere = this.#negated || ends.length + parts.length > 0 || starts.includes("");
    this.firstBytes = anywhere
      ? null
      : bothCases(bytesOf(literals.map((literal) => literal.charAt(0)).join("")));
  }

  test(subject: string): boolean {
    return this.#matches(foldAscii(subject)) !== this.#negated;
  }

  match(subject: string, from = 0): PatternMatch | null {
    return this.test(from === 0 ? subject : subject.slice(from)) ? successWithoutEnd(from) : null;
  }

  #matches(folded: string): boolean {
    for (const part of this.#parts) if (folded.includes(part)) return true;
    for (const start of this.#starts) if (folded.startsWith(start)) return true;
    for (const end of this.#ends) if (folded.endsWith(end)) return true;
    return this.#equal.has(folded);
  }
}

export function compileOsMatch(text: string): CompileResult {
  return { ok: true, pattern: new OsMatchPattern(text) };
}
