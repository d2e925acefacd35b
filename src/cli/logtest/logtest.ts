/** `cyb3rhq logtest`: lines in, what the engine makes of each out. */
import { rulesDebug, Trace } from "#analysis/trace/trace.ts";
import { type Environment, EXIT_FAILURE, EXIT_OK } from "../environment.ts";
import { answerLines } from "../lines.ts";
import { programVersion } from "../program-version.ts";
import { openRuleset } from "../ruleset-folder.ts";
import { TypedEvents } from "../typed-events.ts";
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
  readonly #events: TypedEvents;
  readonly #options: LogtestOptions;
  #outcome: Expectation = NO_OUTCOME;

  constructor(events: TypedEvents, options: LogtestOptions) {
    this.#events = events;
    this.#options = options;
  }

  answer(message: string): string {
    const { json, fresh, verbose, quiet } = this.#options;
    if (message === "" && !json) return "";
    if (fresh) this.#events.forget();
    const trace = verbose ? new Trace() : null;
    const result = this.#events.process(message, trace);
    this.#outcome = outcomeOf(result);
    if (quiet) return "";
    const document = this.#events.document(result);
    const lines = trace === null ? null : rulesDebug(trace);
    if (json) {
      const debug = lines === null ? "" : `,"rules_debug":${JSON.stringify(lines)}`;
      return `${document.slice(0, -1)},"alert":${result.alert}${debug}}\n`;
    }
    const { expected } = this.#options;
    const verdict = expected === null ? "" : unitTestLines(expected, this.#outcome);
    return threePhases(result, document, { style: this.#events.style, rulesDebug: lines }) + verdict;
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
  const run = new LogtestRun(new TypedEvents(environment, ruleset, options.location), options);
  await answerLines(stdin.chunks, stdout, (line) => run.answer(line));
  return run.exitCode;
}

export function printVersion(environment: Environment): void {
  environment.stdout.write(`cyb3rhq logtest v${programVersion(environment.files)}\n`);
}
