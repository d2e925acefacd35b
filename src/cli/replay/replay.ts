/** `cyb3rhq replay`: a file of events through an engine as the manager runs it, alerts or archives out. Memory does not grow with the file. */
import { eventDocument } from "#analysis/alert/document.ts";
import { type CompiledRuleset, Engine, type Outcome } from "#analysis/engine.ts";
import { messageOf } from "#kernel/errors.ts";
import { LocalClock } from "#kernel/local-time.ts";
import { utf8Bytes } from "../bytes.ts";
import { type Environment, EXIT_FAILURE, EXIT_OK } from "../environment.ts";
import { answerLines, LINE_BYTES_MAX } from "../lines.ts";
import { openRuleset } from "../ruleset-folder.ts";
import { readInputLine } from "./input-line.ts";

export type ReplayOptions = {
  readonly rulesetDirectory: string;
  /** `-` is stdin. */
  readonly file: string;
  readonly archives: boolean;
};

/** What is no event but the sign of life of an old agent; archives leave it out (wazuh v4.14.7: src/analysisd/analysisd.c). */
const KEEPALIVE_LOCATION = /(?:^|->)ossec-keepalive$/;

class ReplayRun {
  readonly #engine: Engine;
  readonly #environment: Environment;
  readonly #plainLocation: string;
  readonly #archives: boolean;
  readonly #clock = new LocalClock();
  #lineNumber = 0;
  #refused = 0;
  #notAnalysed = 0;
  #firstRefused = "";
  #failed = 0;
  #firstFailed = "";

  constructor(environment: Environment, options: ReplayOptions, ruleset: CompiledRuleset) {
    this.#engine = new Engine(ruleset, { hostname: environment.hostname, mode: "live" });
    this.#environment = environment;
    this.#plainLocation = options.file === "-" ? "stdin" : utf8Bytes(options.file);
    this.#archives = options.archives;
  }

  /** The document of the line's event, when one is due. */
  answer(line: string): string {
    this.#lineNumber++;
    const input = readInputLine(line, this.#plainLocation);
    if (input.kind === "blank") return "";
    if (input.kind === "refused") {
      if (this.#refused++ === 0) this.#firstRefused = `line ${this.#lineNumber}: ${input.reason}`;
      return "";
    }
    const receivedMs = input.event.receivedMs ?? this.#environment.clock.wallMs();
    // The line's number makes the id of an alert: it leads back to the file.
    const event = { ...input.event, receivedMs, position: this.#lineNumber };
    try {
      return this.#document(this.#engine.process(event));
    } catch (error) {
      // As in the manager, it costs itself only: a file of dead letters holds such events.
      if (this.#failed++ === 0) this.#firstFailed = `line ${this.#lineNumber}: ${messageOf(error)}`;
      return "";
    }
  }

  get failed(): boolean {
    return this.#failed > 0;
  }

  #document(outcome: Outcome): string {
    if (outcome.kind === "not_analysed") {
      this.#notAnalysed++;
      return "";
    }
    const { event, verdict, alert } = outcome;
    if (this.#archives ? KEEPALIVE_LOCATION.test(event.location) : !alert) return "";
    const selected = verdict !== null && verdict.rule.level > 0 ? verdict : null;
    const document = eventDocument(event, selected, {
      identity: { hostname: this.#environment.hostname, cluster: null },
      clock: this.#clock,
      alwaysFullLog: this.#archives,
      showLevelZero: false,
    });
    return `${document}\n`;
  }

  /** What did not come through, for stderr; empty when all did. */
  report(cutLines: number): string {
    const parts: string[] = [];
    if (this.#refused > 0) parts.push(`${this.#refused} datagrams refused (first: ${this.#firstRefused})`);
    if (this.#notAnalysed > 0) parts.push(`${this.#notAnalysed} events of queues that rules do not see`);
    if (this.#failed > 0)
      parts.push(`${this.#failed} events could not be analysed (first: ${this.#firstFailed})`);
    if (cutLines > 0) parts.push(`${cutLines} lines cut at ${LINE_BYTES_MAX} bytes`);
    return parts.length === 0 ? "" : utf8Bytes(`cyb3rhq replay: ${parts.join(", ")}\n`);
  }
}

export async function replay(environment: Environment, options: ReplayOptions): Promise<number> {
  const { stdin, stdout, stderr } = environment;
  const ruleset = openRuleset(environment, options.rulesetDirectory);
  if (ruleset === null) return EXIT_FAILURE;
  const run = new ReplayRun(environment, options, ruleset);
  const chunks = options.file === "-" ? stdin.chunks : environment.openInput(options.file);
  const cutLines = await answerLines(chunks, stdout, (line) => run.answer(line));
  stderr.write(run.report(cutLines));
  return run.failed ? EXIT_FAILURE : EXIT_OK;
}
