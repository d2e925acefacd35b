/** `cyb3rhq logtest`: lines in, what the engine makes of each out. */
import type { CompiledRuleset } from "#analysis/engine.ts";
import { rulesDebug, Trace } from "#analysis/trace/trace.ts";
import { LogSession } from "#rule-tests/session.ts";
import { utf8Bytes } from "../bytes.ts";
import { type Environment, EXIT_FAILURE, EXIT_OK } from "../environment.ts";
import { answerLines } from "../lines.ts";
import { programVersion } from "../program-version.ts";
import { openRuleset } from "../ruleset-folder.ts";
import { type Style, styleOf } from "../style.ts";
import { banner, threePhases } from "./text-form.ts";
import { type Expectation, NO_OUTCOME, outcomeOf, unitTestExitCode, unitTestLines } from "./unit-test.ts";

export type LogtestOptions = {
  readonly rulesetDirectory: string;
  readonly json: boolean;
  readonly fresh: boolean;
  readonly location: string;
  /** The rules that were tried are shown. */
  readonly verbose: boolean;
  /** Nothing is shown: the exit code is the answer. */
  readonly quiet: boolean;
  /** What the last event must give. */
  readonly expected: Expectation | null;
};

/** One run: a session for all lines, or one for each. */
class LogtestRun {
  readonly #ruleset: CompiledRuleset;
  readonly #environment: Environment;
  readonly #options: LogtestOptions;
  readonly #location: string;
  readonly #style: Style;
  #session: LogSession;
  #outcome: Expectation = NO_OUTCOME;

  constructor(environment: Environment, options: LogtestOptions, ruleset: CompiledRuleset) {
    this.#ruleset = ruleset;
    this.#environment = environment;
    this.#options = options;
    this.#location = utf8Bytes(options.location);
    this.#style = styleOf(environment.stdout, environment.variables);
    this.#session = new LogSession(ruleset, environment.hostname);
  }

  answer(message: string): string {
    const { json, fresh, verbose, quiet } = this.#options;
    if (message === "" && !json) return "";
    if (fresh) this.#session = new LogSession(this.#ruleset, this.#environment.hostname);
    const receivedMs = this.#environment.clock.wallMs();
    const trace = verbose ? new Trace() : null;
    const result = this.#session.process({ location: this.#location, message, receivedMs }, { trace });
    this.#outcome = outcomeOf(result);
    if (quiet) return "";
    const document = this.#session.document(result);
    const lines = trace === null ? null : rulesDebug(trace);
    if (json) {
      const debug = lines === null ? "" : `,"rules_debug":${JSON.stringify(lines)}`;
      return `${document.slice(0, -1)},"alert":${result.alert}${debug}}\n`;
    }
    const { expected } = this.#options;
    const verdict = expected === null ? "" : unitTestLines(expected, this.#outcome);
    return threePhases(result, document, { style: this.#style, rulesDebug: lines }) + verdict;
  }

  get exitCode(): number {
    const { expected } = this.#options;
    return expected === null ? EXIT_OK : unitTestExitCode(expected, this.#outcome);
  }
}

export async function logtest(environment: Environment, options: LogtestOptions): Promise<number> {
  const { stdin, stdout } = environment;
  const ruleset = openRuleset(environment, options.rulesetDirectory);
  if (ruleset === null) return EXIT_FAILURE;
  if (!options.json && !options.quiet) stdout.write(banner(programVersion(environment.files)));
  const run = new LogtestRun(environment, options, ruleset);
  await answerLines(stdin.chunks, stdout, (line) => run.answer(line));
  return run.exitCode;
}

export function printVersion(environment: Environment): void {
  environment.stdout.write(`cyb3rhq logtest v${programVersion(environment.files)}\n`);
}
