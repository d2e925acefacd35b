/** `cyb3rhq selftest` */
import type { Command } from "commander";
import type { Environment } from "../environment.ts";

const HELP = `
Makes a temporary home, starts every part of the manager in it without opening a port, stops them and removes the home. The
code that this compiles is kept, so that the first real start is a fast one.

Exit codes: 0 this machine can run the manager, 1 it cannot; the message says why.`;

export function register(program: Command, environment: Environment): void {
  program
    .command("selftest")
    .description("say whether this machine can run the manager")
    .addHelpText("after", HELP)
    .action(async () => {
      const { selfTest } = await import("../manager/selftest.ts");
      environment.exitCode = await selfTest(environment);
    });
}
