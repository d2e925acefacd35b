/** `cyb3rhq logtest`: lines in, what the engine makes of each out. */
import type { CompiledRuleset } from "#analysis/engine.ts";
import { LogSession } from "#rule-tests/session.ts";
import { utf8Bytes } from "../bytes.ts";
import { type Environment, EXIT_FAILURE, EXIT_OK } from "../environment.ts";
import { answerLines } from "../lines.ts";
import { programVersion } from "../program-version.ts";
import { openRuleset } from "../ruleset-folder.ts";
import { type Style, styleOf } from "../style.ts";
import { banner, threePhases } from "./text-form.ts";

export type LogtestOptions = {
  readonly rulesetDirectory: string;
  readonly json: boolean;
  readonly fresh: boolean;
  readonly location: string;
};

/** One run: a session for all lines, or one for each. */
class LogtestRun {
  readonly #ruleset: CompiledRuleset;
  readonly #environment: Environment;
  readonly #options: LogtestOptions;
  readonly #location: string;
  readonly #style: Style;
  #session: LogSession;

  constructor(environment: Environment, options: LogtestOptions, ruleset: CompiledRuleset) {
    this.#ruleset = ruleset;
    this.#environment = environment;
    this.#options = options;
    this.#location = utf8Bytes(options.location);
    this.#style = styleOf(environment.stdout, environment.variables);
    this.#session = new LogSession(ruleset, environment.hostname);
  }

  answer(message: string): string {
    if (message === "" && !this.#options.json) return "";
    if (this.#options.fresh) this.#session = new LogSession(this.#ruleset, this.#environment.hostname);
    const receivedMs = this.#environment.clock.wallMs();
    const result = this.#session.process({ location: this.#location, message, receivedMs });
    const document = this.#session.document(result);
    return this.#options.json
      ? `${document.slice(0, -1)},"alert":${result.alert}}\n`
      : threePhases(result, document, this.#style);
  }
}

export async function logtest(environment: Environment, options: LogtestOptions): Promise<number> {
  const { stdin, stdout } = environment;
  const ruleset = openRuleset(environment, options.rulesetDirectory);
  if (ruleset === null) return EXIT_FAILURE;
  if (!options.json) stdout.write(banner(programVersion(environment.files)));
  const run = new LogtestRun(environment, options, ruleset);
  await answerLines(stdin.chunks, stdout, (line) => run.answer(line));
  return EXIT_OK;
}
