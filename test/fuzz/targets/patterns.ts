/**
 * Patterns of every language and subjects: OS_Regex and OS_Match against slow second implementations, PCRE2 on V8 against our own
 * machine; what a pattern says of its matches holds; bounded time.
 *
 * An input: kind, mode and pattern on a line each (JSON), then subjects.
 */
import assert from "node:assert/strict";
import { effort } from "#formats/patterns/effort.ts";
import { assertFacts } from "#formats/patterns/facts.fixture.ts";
import {
  compilePattern,
  PATTERN_BYTES_MAX,
  type Pattern,
  type PatternKind,
  type PatternMode,
} from "#formats/patterns/pattern.ts";
import { GAVE_UP, Machine, NO_MATCH } from "#formats/patterns/pcre2-machine.ts";
import { parsePcre2 } from "#formats/patterns/pcre2-parse.ts";
import { compileProgram } from "#formats/patterns/pcre2-program.ts";
import { matchOsMatchSlowly, matchOsRegexSlowly } from "#formats/patterns/slow-matchers.fixture.ts";
import type { SeededRandom } from "#testing/random.ts";
import { cpuMs } from "../cpu-time.ts";
import { damagedText, splicedLines } from "../damage.ts";
import { PATTERN_KINDS, patternText, subjectText } from "../pattern-texts.ts";
import { type Target, TooSlow } from "../target.ts";

/** The limits of steps give up after some 70 ms. */
const MATCH_MS_MAX = 500;
const COMPILE_MS_MAX = 1000;
/** The slow ones are for short subjects. */
const SLOW_SUBJECT_BYTES_MAX = 200;

/** What stands before the part of a subject that a pattern is asked to look at. */
const JUNK = "a1 x";

function readLine(line: string): string {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "string" ? value : line;
  } catch {
    return line;
  }
}

function timed<T>(what: string, msMax: number, act: () => T): T {
  const begunMs = cpuMs();
  const result = act();
  const tookMs = cpuMs() - begunMs;
  if (tookMs > msMax) throw new TooSlow(`${what}: ${tookMs} ms`);
  return result;
}

/** As the first pattern of an event is asked. */
function asked<T>(what: string, act: () => T): T {
  effort.renew();
  return timed(what, MATCH_MS_MAX, act);
}

/** Null when the machine gives up, as some patterns make it that V8 can run. */
function machineMatches(text: string, subject: string): boolean | null {
  effort.renew();
  const end = new Machine(compileProgram(parsePcre2(text))).search(subject);
  return end === GAVE_UP ? null : end !== NO_MATCH;
}

function checkMatch(pattern: Pattern, subject: string, mode: PatternMode): void {
  const { kind, text } = pattern;
  const where = JSON.stringify([kind, mode, text, subject.slice(0, 200)]);
  const before = pattern.givenUp;
  const match = asked("match", () => pattern.match(subject));
  const verdict = asked("test", () => pattern.test(subject));
  const again = asked("match again", () => pattern.match(subject));
  const behindJunk = asked("match behind junk", () => pattern.match(JUNK + subject, JUNK.length));
  // Giving up is "no match" wherever it happens.
  if (pattern.givenUp > before) return;
  assert.equal(verdict, match !== null, where);
  assert.deepEqual(again, match, where);
  assertFacts(pattern, subject, match !== null);
  if (match !== null) {
    assert(match.end >= -1 && match.end <= subject.length, where);
    for (const capture of match.captures) assert(subject.includes(capture), where);
  }
  const shifted = match === null ? null : { ...match, end: match.end + JUNK.length };
  assert.deepEqual(behindJunk, shifted, where);
  if (subject.length > SLOW_SUBJECT_BYTES_MAX) return;
  if (kind === "osregex") assert.deepEqual(match, matchOsRegexSlowly(text, subject, mode), where);
  if (kind === "osmatch" && !text.startsWith("!"))
    assert.equal(match !== null, matchOsMatchSlowly(text, subject), where);
  if (kind === "pcre2") assert.equal(match !== null, machineMatches(text, subject) ?? match !== null, where);
}

function run(input: string): void {
  const [head = "", second = "", ...subjects] = input.split("\n");
  const [kindText = "", modeText = ""] = head.split(" ");
  const kind: PatternKind = PATTERN_KINDS.find((known) => known === kindText) ?? "osregex";
  const mode: PatternMode = modeText === "capturing" ? "capturing" : "plain";
  const text = readLine(second);
  const result = timed("compile", COMPILE_MS_MAX, () => compilePattern(kind, text, { mode }));
  if (!result.ok) {
    const { offset, message } = result.error;
    assert(offset >= 0 && offset <= Math.min(text.length, PATTERN_BYTES_MAX) && message !== "");
    return;
  }
  for (const subject of subjects) checkMatch(result.pattern, readLine(subject), mode);
}

function subjects(random: SeededRandom): string[] {
  return Array.from({ length: 1 + random.below(8) }, () => JSON.stringify(subjectText(random)));
}

export const patternsTarget: Target = {
  make(random) {
    const kind = random.pick(PATTERN_KINDS);
    const text = patternText(random, kind);
    const shown = random.below(6) === 0 ? damagedText(random, text, ["(", ")", "[", "{9}", "\\", "|"]) : text;
    return [
      `${kind} ${random.pick(["plain", "capturing"])}`,
      JSON.stringify(shown),
      ...subjects(random),
    ].join("\n");
  },
  change(random, input, other) {
    const [head = "", text = "", ...rest] = input.split("\n");
    const kind = random.below(3);
    if (kind === 0) return [head, text, ...rest.slice(0, 4), ...subjects(random)].join("\n");
    if (kind === 1) return splicedLines(random, input, other);
    const damaged = damagedText(random, readLine(text), ["(", ")", "[", "{9}", "\\", "|", "+", "*"]);
    return [head, JSON.stringify(damaged), ...rest].join("\n");
  },
  run,
};
