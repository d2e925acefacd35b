/** `--ut`: the rule, level and decoder that the last event must give, as the runner of the peer's rule tests asks for them. */
import type { SessionResult } from "#rule-tests/session.ts";
import { EXIT_FAILURE } from "../environment.ts";

/** Byte strings; what an event has not is empty. */
export type Expectation = { readonly rule: string; readonly level: string; readonly decoder: string };

export const NO_OUTCOME: Expectation = { rule: "", level: "", decoder: "" };

/** Null when it is not `rule:alert:decoder`. */
export function parseExpectation(text: string): Expectation | null {
  const [rule, level, decoder, ...rest] = text.split(":");
  if (rule === undefined || level === undefined || decoder === undefined || rest.length > 0) return null;
  return { rule, level, decoder };
}

export function outcomeOf({ event, verdict }: SessionResult): Expectation {
  return {
    rule: verdict?.rule.idText ?? "",
    level: verdict === null ? "" : String(verdict.rule.level),
    decoder: event.decoder.shownName,
  };
}

function valuesOf({ rule, level, decoder }: Expectation): readonly string[] {
  return [rule, level, decoder];
}

function isMet(expected: Expectation, outcome: Expectation): boolean {
  const values = valuesOf(outcome);
  return valuesOf(expected).every((value, index) => value === values[index]);
}

function listText(outcome: Expectation): string {
  return `[${valuesOf(outcome)
    .map((value) => `'${value}'`)
    .join(", ")}]`;
}

export function unitTestLines(expected: Expectation, outcome: Expectation): string {
  return isMet(expected, outcome)
    ? "\nUnit test OK\n"
    : `\nUnit test FAIL. Expected ${listText(expected)} , Result ${listText(outcome)}\n`;
}

/** Of a met expectation as many as it leaves empty: the peer's runner counts on it (wazuh v4.14.7: ruleset/testing/runtests.py). */
export function unitTestExitCode(expected: Expectation, outcome: Expectation): number {
  if (!isMet(expected, outcome)) return EXIT_FAILURE;
  return valuesOf(expected).filter((value) => value === "").length;
}
