/** `cyb3rhq explain`: options and help; explain/explain.ts does it. */
import { type Command, InvalidArgumentError } from "commander";
import type { Environment } from "../environment.ts";
import { locationOption } from "../location-option.ts";
import { rulesetOption } from "../ruleset-option.ts";

type Options = {
  readonly ruleset: string;
  readonly location: string;
  readonly json?: boolean;
  readonly rule?: number;
  readonly all?: boolean;
};

const HELP = `
Shown are the decoders that came near, the fields they found, the rules from the template to the event's own, those tried below them
with the first condition that failed and the value it was tested on, and how the alert comes about. One session takes all lines, so
rules that count see what came before. With --rule the exit code is 2 when the rule fired for no line.

Exit codes: 0 explained, 1 the rule set is broken or missing or has no such rule, 2 wrong use of the command line.`;

function ruleId(value: string): number {
  if (!/^\d{1,6}$/.test(value)) throw new InvalidArgumentError("Write the id of a rule.");
  return Number(value);
}

export function register(program: Command, environment: Environment): void {
  program
    .command("explain")
    .description("show why decoders and rules take a log line, or why not")
    .argument("[event]", "the log line; without it one event a line from stdin")
    .addOption(rulesetOption())
    .addOption(locationOption())
    .option("--json", "one JSON object for each line")
    .option("--rule <id>", "why this rule fired or not: every rule above it, and what failed", ruleId)
    .option("--all", "every decoder and rule that was tried, not only the nearest")
    .addHelpText("after", HELP)
    .action(async (event: string | undefined, options: Options) => {
      const { explain } = await import("../explain/explain.ts");
      environment.exitCode = await explain(environment, {
        event: event ?? null,
        rulesetDirectory: options.ruleset,
        location: options.location,
        json: options.json === true,
        ruleId: options.rule ?? null,
        all: options.all === true,
      });
    });
}
