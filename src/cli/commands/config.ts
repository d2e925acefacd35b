/** `cyb3rhq config check` */
import type { Command } from "commander";
import type { Environment } from "../environment.ts";
import { HOME_HELP, HOME_OPTION } from "../manager/home-choice.ts";

const HELP = `
Reads etc/ossec.conf, the internal options and the rule set exactly as 'start' does, and starts nothing.

Exit codes: 0 no errors (warnings may be there), 1 errors, 2 wrong use of the command line.`;

export function register(program: Command, environment: Environment): void {
  const config = program.command("config").description("check the configuration");
  config
    .command("check")
    .description("say every error and warning of the configuration and its rule set")
    .option(HOME_OPTION, HOME_HELP)
    .option("--ruleset <dir>", "rule set with decoders/, rules/ and lists/ (default: as configured)")
    .option("--json", "one JSON object: errors, warnings, problems")
    .addHelpText("after", HELP)
    .action(
      async (options: { readonly home?: string; readonly ruleset?: string; readonly json?: boolean }) => {
        const { checkConfig } = await import("../manager/config-check.ts");
        environment.exitCode = checkConfig(environment, options);
      },
    );
}
