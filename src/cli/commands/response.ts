/** `cyb3rhq response run|list|undo`: options and help; manager/responses.ts does it. */
import { type Command, InvalidArgumentError } from "commander";
import type { Environment } from "../environment.ts";
import { HOME_HELP, HOME_OPTION } from "../manager/home-choice.ts";
import type { RunOptions } from "../manager/responses.ts";

const RUN_HELP = `
Names: what the manager does by itself: firewall-drop (firewalld-drop, default-firewall-drop), route-null, host-deny and ip-customblock with
an address, disable-account with a user, stop-process with a process id, quarantine-file with a path, release-file with what that printed,
restart-wazuh (restart.sh); a file of active-response/bin; or a command with its timeout as ar.conf has it, such as firewall-drop600.

Exit codes: 0 done (or, with --dry-run, it could be), 1 not, 2 wrong use of the command line.`;

const HELP = `
Exit codes: 0 done, 1 not, 2 wrong use of the command line.`;

type Common = { readonly home?: string; readonly json?: boolean };

function seconds(value: string): number {
  if (!/^[0-9]{1,8}$/.test(value)) throw new InvalidArgumentError("Write a whole number of seconds.");
  return Number(value);
}

function collected(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value];
}

export function register(program: Command, environment: Environment): void {
  const response = program.command("response").description("run, list and undo active responses");
  response
    .command("run")
    .description("run an active response now, on this host or on agents")
    .argument("<name>", "such as firewall-drop")
    .argument("[args...]", "what it is about, such as an address, and arguments")
    .option(HOME_OPTION, HOME_HELP)
    .option("--server", "on the manager's host (default)")
    .option("--agent <id>", "on an agent, such as 001; may be repeated", collected)
    .option("--all", "on all active agents")
    .option("--timeout <seconds>", "undo it after so long; on this host only", seconds)
    .option("--dry-run", "print what would be run")
    .option("--json", "one JSON array: agentId, ok, message")
    .addHelpText("after", RUN_HELP)
    .action(async (name: string, args: readonly string[], options: RunOptions) => {
      const { runResponse } = await import("../manager/responses.ts");
      environment.exitCode = await runResponse(environment, name, args, options);
    });
  response
    .command("list")
    .description("list what is in force on the manager's host, and until when")
    .option(HOME_OPTION, HOME_HELP)
    .option("--json", "one JSON array: key, executable, sinceMs, untilMs")
    .addHelpText("after", HELP)
    .action(async (options: Common) => {
      const { listResponses } = await import("../manager/responses.ts");
      environment.exitCode = await listResponses(environment, options);
    });
  response
    .command("undo")
    .description("undo before its time what is in force on the manager's host")
    .argument("<keys...>", "as the list shows them, such as firewall-drop-203.0.113.9")
    .option(HOME_OPTION, HOME_HELP)
    .option("--json", "one JSON array: key, ok, text")
    .addHelpText("after", HELP)
    .action(async (keys: readonly string[], options: Common) => {
      const { undoResponses } = await import("../manager/responses.ts");
      environment.exitCode = await undoResponses(environment, keys, options);
    });
}
