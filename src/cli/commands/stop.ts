/** `cyb3rhq stop` */
import type { Command } from "commander";
import type { Environment } from "../environment.ts";
import { HOME_HELP, HOME_OPTION } from "../manager/home-choice.ts";

const HELP = `
Exit codes: 0 stopped, or nothing was running; 1 it did not stop in time.`;

export function register(program: Command, environment: Environment): void {
  program
    .command("stop")
    .description("stop the manager of a home directory")
    .option(HOME_OPTION, HOME_HELP)
    .addHelpText("after", HELP)
    .action(async (options: { readonly home?: string }) => {
      const { stopManager } = await import("../manager/stop.ts");
      environment.exitCode = await stopManager(environment, options.home);
    });
}
