/** `cyb3rhq logtest`: options and help; logtest/logtest.ts does it. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { utf8Bytes } from "../bytes.ts";
import type { Environment } from "../environment.ts";
import { locationOption } from "../location-option.ts";
import { type Expectation, parseExpectation } from "../logtest/unit-test.ts";
import { rulesetOption } from "../ruleset-option.ts";

type Options = {
  readonly ruleset: string;
  readonly json?: boolean;
  readonly fresh?: boolean;
  readonly location: string;
  readonly verbose?: boolean;
  readonly ut?: Expectation;
  readonly quiet?: boolean;
  readonly version?: boolean;
};

const HELP = `
One session takes all lines, so rules that count see what came before. Lines are bytes; in the text form empty ones are skipped.
With --ut the exit code is 1 unless the last line gave exactly that, else how many of the three parts are empty.

Exit codes: 0 all lines read, 1 the rule set is broken or missing, 2 wrong use of the command line.`;

function expectation(value: string): Expectation {
  const expected = parseExpectation(utf8Bytes(value));
  if (expected === null) throw new InvalidArgumentError("Write rule:alert:decoder, as in 5710:5:sshd.");
  return expected;
}

export function register(program: Command, environment: Environment): void {
  program
    .command("logtest")
    .description("show what decoders and rules make of log lines from stdin")
    .addOption(rulesetOption())
    .option("--json", "one JSON object for each line: the alert document and whether it alerts")
    .option("--fresh", "a new session for each line")
    .addOption(locationOption())
    .option("-v, --verbose", "show the rules that were tried")
    .addOption(
      new Option(
        "-U, --ut <rule:alert:decoder>",
        "what the last line must give: rule, level, decoder",
      ).argParser(expectation),
    )
    .option("-q, --quiet", "print nothing: the exit code is the answer")
    .option("-d, --debug", "accepted, without effect")
    .option("-V, --version", "print the version")
    .addHelpText("after", HELP)
    .action(async (options: Options) => {
      const { logtest, printVersion } = await import("../logtest/logtest.ts");
      if (options.version === true) return printVersion(environment);
      environment.exitCode = await logtest(environment, {
        rulesetDirectory: options.ruleset,
        json: options.json === true,
        fresh: options.fresh === true,
        location: options.location,
        verbose: options.verbose === true,
        quiet: options.quiet === true,
        expected: options.ut ?? null,
      });
    });
}
