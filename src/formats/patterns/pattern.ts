/**
 * The four pattern kinds of the rule set behind one interface: OS_Regex, OS_Match, PCRE2 and plain strings.
 *
 * Subjects and pattern texts are byte strings (one char a byte). Patterns keep no state between calls but counters and
 * scratch memory, so one pattern serves one thread.
 */
import { unreachable } from "#kernel/unreachable.ts";
import { foldAscii } from "./fold.ts";
import { compileOsMatch } from "./os-match.ts";
import { compileOsRegex } from "./os-regex.ts";
import { compilePcre2 } from "./pcre2.ts";
import { bytesOf } from "./pcre2-tree.ts";

export type PatternKind = "osregex" | "osmatch" | "pcre2" | "string";

export type PatternMatch = {
  /** The peer's end: index of the last byte it counts as consumed; the byte before the first where there is none. A search goes on at `end + 1`. */
  readonly end: number;
  /** Given in capturing mode only. */
  readonly captures: readonly string[];
};

export interface Pattern {
  readonly kind: PatternKind;
  readonly text: string;
  /** The verdict alone: the hottest call of the engine. */
  test(subject: string): boolean;
  /** `from`: the bytes before it are not there for the pattern; `end` counts them all the same. */
  match(subject: string, from?: number): PatternMatch | null;
  /** Folded literals of which every matching subject contains at least one without regard to ASCII case; null when none can be named. */
  readonly required: readonly string[] | null;
  /** When not null: the pattern matches exactly these strings (folded, compared without ASCII case) and nothing else. */
  readonly exact: readonly string[] | null;
  /** When not null: of every byte 1 if a matching subject can begin with it; says nothing of the empty subject. */
  readonly firstBytes: Uint8Array | null;
  /** How many subjects counted as "no match" because a step limit was reached. */
  readonly givenUp: number;
}

/** `capturing` is for a decoder's `regex`: OS_Regex then ends some matches differently, and `match()` gives captures. */
export type PatternMode = "plain" | "capturing";

/** `errcode` is the peer's number for OS_Regex and OS_Match; `offset` is a byte of the pattern text, from 0. */
export type PatternError = { readonly errcode: number; readonly message: string; readonly offset: number };

export type CompileResult =
  | { readonly ok: true; readonly pattern: Pattern }
  | { readonly ok: false; readonly error: PatternError };

/** The peer's limit for both of its own languages (wazuh v4.14.7: src/os_regex/os_regex.h, OS_PATTERN_MAXSIZE); ours for all. */
export const PATTERN_BYTES_MAX = 20_480;
/** wazuh v4.14.7: src/os_regex/os_regex.h, OS_REGEX_MAXSIZE. */
const ERRCODE_TOO_LONG = 3;

/** What kinds without positions return: the peer never sets an end for them. */
export function successWithoutEnd(from: number): PatternMatch {
  return { end: from - 1, captures: [] };
}

export function compilePattern(
  kind: PatternKind,
  text: string,
  options: { readonly mode?: PatternMode } = {},
): CompileResult {
  if (text.length > PATTERN_BYTES_MAX) {
    const message = `pattern is longer than ${PATTERN_BYTES_MAX} bytes`;
    return { ok: false, error: { errcode: ERRCODE_TOO_LONG, message, offset: PATTERN_BYTES_MAX } };
  }
  const mode = options.mode ?? "plain";
  switch (kind) {
    case "osregex":
      return compileOsRegex(text, mode);
    case "osmatch":
      return compileOsMatch(text);
    case "pcre2":
      return compilePcre2(text, mode);
    case "string":
      return { ok: true, pattern: new StringPattern(text) };
    default:
      return unreachable(kind);
  }
}

/** Equality with regard to case, the default of `<action>`. */
class StringPattern implements Pattern {
  readonly kind = "string";
  readonly text: string;
  readonly required: readonly string[] | null;
  readonly exact = null;
  readonly firstBytes: Uint8Array | null;
  readonly givenUp = 0;

  constructor(text: string) {
    this.text = text;
    this.required = text === "" ? null : [foldAscii(text)];
    this.firstBytes = text === "" ? null : bytesOf(text.charAt(0));
  }

  test(subject: string): boolean {
    return subject === this.text;
  }

  match(subject: string, from = 0): PatternMatch | null {
    return subject.slice(from) === this.text ? successWithoutEnd(from) : null;
  }
}
