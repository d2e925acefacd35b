/** `cyb3rhq replay`: options and help; replay/replay.ts does it. */
import type { Command } from "commander";
import type { Environment } from "../environment.ts";
import { rulesetOption } from "../ruleset-option.ts";

const HELP = `
A line is an event: {"datagram": "1:[001] (name) any->/var/log/x:message"}, a line of archives.json or dead-letters.json, or any
other text as a log line of this host. The analysis sees the time of each event where the line has one, else the time of the run.

Exit codes: 0 all lines read, 1 the rule set or the file cannot be read or an event cannot be analysed, 2 wrong use of the command line.`;

export function register(program: Command, environment: Environment): void {
  program
    .command("replay")
    .description("run a file of events through the whole analysis and print the alerts")
    .argument("<file>", "file of events; - for stdin")
    .addOption(rulesetOption())
    .option("--archives", "print a document for every event, not only for alerts")
    .addHelpText("after", HELP)
    .action(async (file: string, options: { readonly ruleset: string; readonly archives?: boolean }) => {
      const { replay } = await import("../replay/replay.ts");
      const { ruleset, archives } = options;
      environment.exitCode = await replay(environment, {
        rulesetDirectory: ruleset,
        file,
        archives: archives === true,
      });
    });
}
