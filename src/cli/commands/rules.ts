/** `cyb3rhq rules check|test|reload`: options and help; rules/check.ts, rules/test.ts and manager/reload.ts do it. */
import type { Command } from "commander";
import type { Environment } from "../environment.ts";
import { HOME_HELP, HOME_OPTION } from "../manager/home-choice.ts";
import { rulesetOption } from "../ruleset-option.ts";

const CHECK_HELP = `
Each problem is one line: file:line:column: error|warning: message (what was expected).

Exit codes: 0 no errors (warnings may be there), 1 errors or no rule set, 2 wrong use of the command line.`;

const TEST_HELP = `
A file is .ini (the 4.x form) or .yml/.yaml (our own form; see docs/operating/rule-tests.md). The last line counts.

Exit codes: 0 all passed, 1 a test failed, a test file or the rule set is broken, 2 wrong use of the command line.`;

const RELOAD_HELP = `
The running manager reads its rule set again and swaps it in between two events; agents stay connected, counters of rules that stay go on.
When there is an error the set in use stays.

Exit codes: 0 reloaded, 1 no manager runs, or the rule set has errors, 2 wrong use of the command line.`;

export function register(program: Command, environment: Environment): void {
  const rules = program.command("rules").description("check and test rule sets");
  rules
    .command("check")
    .description("say every error and warning of a rule set")
    .argument("<dir>", "rule set with decoders/, rules/ and lists/")
    .option("--json", "one JSON object: decoders, rules, lists, errors, warnings, problems")
    .addHelpText("after", CHECK_HELP)
    .action(async (directory: string, { json }: { readonly json?: boolean }) => {
      const { checkRules } = await import("../rules/check.ts");
      environment.exitCode = checkRules(environment, directory, json === true);
    });
  rules
    .command("test")
    .description("run rule tests from files")
    .argument("<file...>", "test files")
    .addOption(rulesetOption())
    .option("--json", "one JSON object: passed, failed, problems, tests")
    .addHelpText("after", TEST_HELP)
    .action(
      async (files: readonly string[], options: { readonly ruleset: string; readonly json?: boolean }) => {
        const { testRules } = await import("../rules/test.ts");
        const { ruleset, json } = options;
        environment.exitCode = testRules(environment, {
          rulesetDirectory: ruleset,
          files,
          json: json === true,
        });
      },
    );
  rules
    .command("reload")
    .description("make the running manager read its rule set again")
    .option(HOME_OPTION, HOME_HELP)
    .option("--json", "one JSON object: loadings, rules, seconds, errors")
    .addHelpText("after", RELOAD_HELP)
    .action(async (options: { readonly home?: string; readonly json?: boolean }) => {
      const { reloadRules } = await import("../manager/reload.ts");
      environment.exitCode = await reloadRules(environment, options.home, options.json === true);
    });
}
