/** `cyb3rhq explain`: the way of an event through decoders and rules, and why those that failed did. */
import { Trace } from "#analysis/trace/trace.ts";
import { CodedError } from "#kernel/errors.ts";
import { utf8Bytes } from "../bytes.ts";
import { type Environment, EXIT_FAILURE, EXIT_OK } from "../environment.ts";
import { answerLines } from "../lines.ts";
import { openRuleset } from "../ruleset-folder.ts";
import { TypedEvents } from "../typed-events.ts";
import { explanationOf } from "./explanation.ts";
import { explanationText } from "./text-form.ts";

export type ExplainOptions = {
  /** Null: one a line from stdin. */
  readonly event: string | null;
  readonly rulesetDirectory: string;
  readonly location: string;
  readonly json: boolean;
  readonly ruleId: number | null;
  readonly all: boolean;
};

/** The rule that was asked for fired for no event. */
export const EXIT_DID_NOT_FIRE = 2;

/** One session for all events: what came before counts. */
class ExplainRun {
  readonly #events: TypedEvents;
  readonly #options: ExplainOptions;
  #count = 0;
  #fired = false;

  constructor(events: TypedEvents, options: ExplainOptions) {
    this.#events = events;
    this.#options = options;
  }

  answer(message: string): string {
    if (message === "") return "";
    const trace = new Trace();
    const result = this.#events.process(message, trace);
    const explanation = explanationOf(result, trace, this.#events.ruleset, this.#options);
    this.#fired ||= explanation.rule?.fired === true;
    if (this.#options.json) return `${JSON.stringify(explanation)}\n`;
    const distance = this.#count++ === 0 ? "" : "\n\n";
    return distance + explanationText(explanation, this.#events.style);
  }

  get exitCode(): number {
    return this.#options.ruleId === null || this.#fired ? EXIT_OK : EXIT_DID_NOT_FIRE;
  }
}

export async function explain(environment: Environment, options: ExplainOptions): Promise<number> {
  const { stdin, stdout } = environment;
  const { event, ruleId } = options;
  const ruleset = openRuleset(environment, options.rulesetDirectory);
  if (ruleset === null) return EXIT_FAILURE;
  if (ruleId !== null && !ruleset.rules.byId.has(ruleId)) {
    throw new CodedError("rule_not_found", `no rule ${ruleId} in ${options.rulesetDirectory}`, { ruleId });
  }
  const run = new ExplainRun(new TypedEvents(environment, ruleset, options.location), options);
  if (event === null) await answerLines(stdin.chunks, stdout, (line) => run.answer(line));
  else stdout.write(run.answer(utf8Bytes(event)));
  return run.exitCode;
}
