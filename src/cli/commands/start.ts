/** `cyb3rhq start`: options and help; manager/start.ts does it. */
import type { Command } from "commander";
import type { Environment } from "../environment.ts";
import { HOME_HELP, HOME_OPTION } from "../manager/home-choice.ts";
import type { StartOptions } from "../manager/start.ts";

const HELP = `
Runs until Ctrl-C (or SIGTERM), then writes what it has accepted and ends; a second Ctrl-C ends at once. SIGHUP reads the rules
again: the set in use stays when the new one has an error. Everything is in the home directory; it is made when it is missing.

Started by root it goes on as the user cyb3rhq where there is one (wazuh where that is there and the home is its or its group's), and
hands the home to that user; what changes this host is done by a small helper that stays root. --user root keeps root's rights.

Exit codes: 0 stopped when asked to, 1 could not start or a part failed, 2 wrong use of the command line.`;

export function register(program: Command, environment: Environment): void {
  program
    .command("start")
    .description("run the manager and show its alerts")
    .option(HOME_OPTION, HOME_HELP)
    .option("--ruleset <dir>", "rule set with decoders/, rules/ and lists/ (default: as configured)")
    .option(
      "--user <name>",
      "whose rights it has when root starts it (default: $CYB3RHQ_USER, else see below)",
    )
    .option("--quiet", "show no alerts")
    .addHelpText("after", HELP)
    .action(async (options: StartOptions) => {
      const { runManager } = await import("../manager/start.ts");
      environment.exitCode = await runManager(environment, options);
    });
}
