/** `cyb3rhq status` */
import type { Command } from "commander";
import type { Environment } from "../environment.ts";
import { HOME_HELP, HOME_OPTION } from "../manager/home-choice.ts";

const HELP = `
Exit codes: 0 running, 1 not running.`;

export function register(program: Command, environment: Environment): void {
  program
    .command("status")
    .description("say whether the manager runs, its ports, agents and counters")
    .option(HOME_OPTION, HOME_HELP)
    .option("--json", "one JSON object: running, pid, ports, agents, counters, …")
    .addHelpText("after", HELP)
    .action(async (options: { readonly home?: string; readonly json?: boolean }) => {
      const { printStatus } = await import("../manager/status.ts");
      environment.exitCode = printStatus(environment, options.home, options.json === true);
    });
}
