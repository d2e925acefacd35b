/** `cyb3rhq logtest`: options and help; logtest/logtest.ts does it. */
import { type Command, InvalidArgumentError } from "commander";
import type { Environment } from "../environment.ts";
import { rulesetOption } from "../ruleset-option.ts";

type Options = {
  readonly ruleset: string;
  readonly json?: boolean;
  readonly fresh?: boolean;
  readonly location: string;
};

const HELP = `
One session takes all lines, so rules that count see what came before. Lines are bytes; in the text form empty ones are skipped.

Exit codes: 0 all lines read, 1 the rule set is broken or missing, 2 wrong use of the command line.`;

/** The peer's form: an agent's id in front has a closing bracket. */
function location(value: string): string {
  if (value === "") throw new InvalidArgumentError("It is empty.");
  if (value.startsWith("[") && !value.includes("]")) {
    throw new InvalidArgumentError("Write [001] (name) any->/path for what an agent sent.");
  }
  return value;
}

export function register(program: Command, environment: Environment): void {
  program
    .command("logtest")
    .description("show what decoders and rules make of log lines from stdin")
    .addOption(rulesetOption())
    .option("--json", "one JSON object for each line: the alert document and whether it alerts")
    .option("--fresh", "a new session for each line")
    .option("--location <location>", "where the lines come from", location, "stdin")
    .addHelpText("after", HELP)
    .action(async (options: Options) => {
      const { logtest } = await import("../logtest/logtest.ts");
      environment.exitCode = await logtest(environment, {
        rulesetDirectory: options.ruleset,
        json: options.json === true,
        fresh: options.fresh === true,
        location: options.location,
      });
    });
}
