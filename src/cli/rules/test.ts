/** `cyb3rhq rules test`: runs test files against a rule set and says what differs. */
import type { CompiledRuleset } from "#analysis/engine.ts";
import type { Problem, SourcePosition } from "#formats/source-position.ts";
import { runTest, type TestResult } from "#rule-tests/run.ts";
import { readTestFile } from "#rule-tests/test-file.ts";
import { utf8Bytes } from "../bytes.ts";
import { type Environment, EXIT_FAILURE, EXIT_OK } from "../environment.ts";
import { openRuleset, problemLine } from "../ruleset-folder.ts";
import { type Style, styleOf } from "../style.ts";

export type TestOptions = {
  readonly rulesetDirectory: string;
  readonly files: readonly string[];
  readonly json: boolean;
};

/** A log in a report is there to be recognised, not read to its end. */
const SHOWN_LOG_BYTES = 200;
/** As wide as `decoder`, the longest of the usual names. */
const FIELD_WIDTH = 7;

type FileOutcome = { readonly results: readonly TestResult[]; readonly problems: readonly Problem[] };

function runFile(environment: Environment, ruleset: CompiledRuleset, path: string): FileOutcome {
  const { tests, problems } = readTestFile(environment.files, path);
  if (problems.length > 0) return { results: [], problems };
  const nowMs = environment.clock.wallMs();
  return { results: tests.map((test) => runTest(ruleset, test, nowMs)), problems };
}

function placeOf({ file, line, column }: SourcePosition): string {
  return `${utf8Bytes(file)}:${line}:${column}`;
}

function shortened(message: string): string {
  const line = message.replaceAll("\n", "\\n");
  return line.length > SHOWN_LOG_BYTES ? `${line.slice(0, SHOWN_LOG_BYTES)}...` : line;
}

function failureText({ test, failures }: TestResult, style: Style): string {
  let text = `${style.red("FAIL")} ${placeOf(test.position)}: ${style.bold(test.name)}\n`;
  for (const { event, message, differences } of failures) {
    text += `  event ${event} of ${test.events.length}: ${shortened(message)}\n`;
    for (const { field, expected, got } of differences) {
      text += `    ${field.padEnd(FIELD_WIDTH)}  expected ${style.green(expected)}, got ${style.red(got)}\n`;
    }
  }
  return text;
}

function resultJson({ test, failures }: TestResult): object {
  const { file, line, column } = test.position;
  return { file: utf8Bytes(file), line, column, name: test.name, passed: failures.length === 0, failures };
}

export function testRules(environment: Environment, options: TestOptions): number {
  const { stdout, stderr } = environment;
  const ruleset = openRuleset(environment, options.rulesetDirectory);
  if (ruleset === null) return EXIT_FAILURE;
  const outcomes = options.files.map((path) => runFile(environment, ruleset, path));
  const problems = outcomes.flatMap((outcome) => outcome.problems);
  const results = outcomes.flatMap((outcome) => outcome.results);
  const failing = results.filter(({ failures }) => failures.length > 0);
  // A file that cannot be run counts as one failure: nothing of it passed.
  const failed = failing.length + outcomes.filter((outcome) => outcome.problems.length > 0).length;
  const passed = results.length - failing.length;
  for (const problem of problems) stderr.write(problemLine(problem));
  if (options.json) {
    const lines = problems.map((problem) => problemLine(problem).trimEnd());
    stdout.write(`${JSON.stringify({ passed, failed, problems: lines, tests: results.map(resultJson) })}\n`);
  } else {
    const style = styleOf(stdout, environment.variables);
    for (const result of failing) stdout.write(failureText(result, style));
    stdout.write(`${passed} passed, ${failed} failed\n`);
  }
  return failed === 0 ? EXIT_OK : EXIT_FAILURE;
}
