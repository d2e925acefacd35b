/** Runs one rule test in a session of its own and says what differs. */
import { dataJson } from "#analysis/alert/data-object.ts";
import type { CompiledRuleset } from "#analysis/engine.ts";
import type { Expectation, RuleTest } from "./rule-test.ts";
import { LogSession, type SessionResult } from "./session.ts";

/** The name that the manager has in tests; rules on host names then give the same result everywhere. */
const TEST_HOSTNAME = "manager";

export type Difference = {
  /** `rule`, `level`, `decoder`, `alert`, `groups` or `fields.<name>`. */
  readonly field: string;
  readonly expected: string;
  readonly got: string;
};

export type EventFailure = {
  /** Counts from 1 within the test. */
  readonly event: number;
  readonly message: string;
  readonly differences: readonly Difference[];
};

/** Passed when there are no failures. */
export type TestResult = { readonly test: RuleTest; readonly failures: readonly EventFailure[] };

/** What absence looks like in a report. */
const NOTHING = "nothing";

function shown(text: string | null): string {
  return text === null || text === "" ? NOTHING : text;
}

/** Adds every leaf below `value` under its dotted name; arrays are leaves. */
function flatten(value: unknown, name: string, into: Map<string, string>): void {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    for (const [key, inner] of Object.entries(value))
      flatten(inner, name === "" ? key : `${name}.${key}`, into);
  } else {
    into.set(name, typeof value === "string" ? value : JSON.stringify(value));
  }
}

function fieldsOf({ event }: SessionResult): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  const json = dataJson(event);
  if (json !== null) flatten(JSON.parse(json), "", fields);
  return fields;
}

export function groupsOf({ verdict }: SessionResult): readonly string[] {
  return verdict === null ? [] : verdict.rule.definition.groupText.split(",").filter((group) => group !== "");
}

function compareFields(expected: Expectation["fields"], result: SessionResult): Difference[] {
  if (expected.size === 0) return [];
  const fields = fieldsOf(result);
  return [...expected].flatMap(([name, value]) => {
    const got = fields.get(name) ?? null;
    return got === value ? [] : [{ field: `fields.${name}`, expected: shown(value), got: shown(got) }];
  });
}

export function differencesOf(expectation: Expectation, result: SessionResult): readonly Difference[] {
  const { verdict, event, alert } = result;
  const differences: Difference[] = [];
  const compare = (field: string, expected: string | null, got: string) => {
    if (expected === null || (expected === got && expected !== "")) return;
    const impossible = expected === "" ? "a text (an empty one never passes)" : expected;
    differences.push({ field, expected: impossible, got: shown(got) });
  };
  const ruleId = verdict?.rule.idText ?? "";
  if (expectation.none && verdict !== null) {
    differences.push({ field: "rule", expected: NOTHING, got: ruleId });
  }
  compare("rule", expectation.rule, ruleId);
  compare("level", expectation.level, verdict === null ? "" : String(verdict.rule.level));
  compare("decoder", expectation.decoder, event.decoder.shownName);
  if (expectation.alert !== null) compare("alert", String(expectation.alert), String(alert));
  const groups = groupsOf(result);
  for (const group of expectation.groups) {
    if (!groups.includes(group)) {
      differences.push({ field: "groups", expected: `${group} among them`, got: shown(groups.join(", ")) });
    }
  }
  return [...differences, ...compareFields(expectation.fields, result)];
}

export function runTest(ruleset: CompiledRuleset, test: RuleTest, nowMs: number): TestResult {
  const session = new LogSession(ruleset, TEST_HOSTNAME);
  const startMs = test.startMs ?? nowMs;
  const failures: EventFailure[] = [];
  for (const [index, { atMs, location, message, expectation }] of test.events.entries()) {
    const result = session.process({ location, message, receivedMs: startMs + atMs });
    if (expectation === null) continue;
    const found = differencesOf(expectation, result);
    const differences = test.mustFail ? reversed(found, result) : found;
    if (differences.length > 0) failures.push({ event: index + 1, message, differences });
  }
  return { test, failures };
}

function reversed(found: readonly Difference[], result: SessionResult): readonly Difference[] {
  if (found.length > 0) return [];
  const got = `rule ${result.verdict?.rule.idText ?? NOTHING}`;
  return [{ field: "rule, level, decoder", expected: "another result", got }];
}
