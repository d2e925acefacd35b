/** Runs recorded inputs of the peer through the engine and compares whole documents. */
import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { eventDocument } from "#analysis/alert/document.ts";
import { CompiledRuleset, Engine } from "#analysis/engine.ts";
import { LocalClock } from "#kernel/local-time.ts";
import { loadTestRuleset } from "./peer-ruleset.ts";
import { RULESET_TESTS_DIRECTORY } from "./shared-data.ts";

type Recorded = { readonly event: string; readonly alert: boolean; readonly output: Record<string, unknown> };
type Entry = {
  readonly file: string;
  readonly section: string;
  readonly name: string;
  readonly results: Recorded[];
};

export type Score = {
  readonly passed: number;
  readonly failed: number;
  readonly failures: readonly string[];
};

const clock = new LocalClock();
/** What differs with the run and is not in the recordings. */
const VARIABLE_KEYS = ["timestamp", "id", "agent", "manager", "cluster"];

function readLines(name: string): string[] {
  return readFileSync(`${RULESET_TESTS_DIRECTORY}/${name}`, "utf8")
    .split("\n")
    .filter((line) => line !== "");
}

export function requireRuleset(): CompiledRuleset {
  const { ruleset, problems } = loadTestRuleset();
  if (ruleset === null) throw new Error(JSON.stringify(problems, null, 1));
  return new CompiledRuleset(ruleset, { log: 3, mail: 12 });
}

/** A session of the log test: its own memory, a level of 3 for alerts. */
export function newSession(ruleset: CompiledRuleset): (event: string) => { output: unknown; alert: boolean } {
  const engine = new Engine(ruleset, { hostname: "manager", mode: "session" });
  const options = {
    identity: { hostname: "manager", cluster: null },
    clock,
    alwaysFullLog: false,
    showLevelZero: true,
  };
  let position = 0;
  return (text) => {
    const message = Buffer.from(text, "utf8").toString("latin1");
    const raw = {
      position: position++,
      receivedMs: 1_700_000_000_000,
      queue: "1",
      agentId: "000",
      location: "stdin",
      message,
    };
    const outcome = engine.process(raw);
    if (outcome.kind !== "analysed") return { output: {}, alert: false };
    const document = eventDocument(outcome.event, outcome.verdict, options);
    const output: Record<string, unknown> = JSON.parse(Buffer.from(document, "latin1").toString("utf8"));
    for (const key of VARIABLE_KEYS) delete output[key];
    return { output, alert: outcome.alert };
  };
}

function difference(actual: { output: unknown; alert: boolean }, expected: Recorded): string | null {
  if (isDeepStrictEqual(actual, { output: expected.output, alert: expected.alert })) return null;
  return `event    ${expected.event}\nexpected ${expected.alert} ${JSON.stringify(expected.output)}\nactual   ${actual.alert} ${JSON.stringify(actual.output)}`;
}

export function scoreExpected(ruleset = requireRuleset()): Score {
  const failures: string[] = [];
  let passed = 0;
  for (const line of readLines("expected.jsonl")) {
    const entry: Entry = JSON.parse(line);
    const session = newSession(ruleset);
    const wrong = entry.results
      .map((recorded) => difference(session(recorded.event), recorded))
      .find((text) => text !== null);
    if (wrong === undefined) passed++;
    else failures.push(`${entry.file} [${entry.section}] ${entry.name}\n${wrong}`);
  }
  return { passed, failed: failures.length, failures };
}

export function scoreMutated(ruleset = requireRuleset()): Score {
  const failures: string[] = [];
  let passed = 0;
  const session = newSession(ruleset);
  for (const line of readLines("mutated-session.jsonl")) {
    const recorded: Recorded = JSON.parse(line);
    const wrong = difference(session(recorded.event), recorded);
    if (wrong === null) passed++;
    else failures.push(wrong);
  }
  return { passed, failed: failures.length, failures };
}
