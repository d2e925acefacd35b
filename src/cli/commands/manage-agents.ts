/** `cyb3rhq manage_agents`: the options of the peer's program of that name; manager/manage-agents.ts does it. */
import { type Command, Option } from "commander";
import { type Environment, EXIT_OK } from "../environment.ts";
import { HOME_HELP, HOME_OPTION } from "../manager/home-choice.ts";
import type { ManageAction } from "../manager/manage-agents.ts";
import { numberBetween } from "../number-between.ts";
import { programVersion } from "../program-version.ts";

const HELP = `
Without an option it shows its menu. 'cyb3rhq agents' does the same and more.
Exit codes: 0 done, 1 no such agent, or it could not be done, 2 wrong use of the command line.`;

const seconds = numberBetween(0, 999_999_999);

/** By the letters that the peer gives them; what is missing was not written. */
type Written = {
  readonly home?: string;
  readonly V?: boolean;
  readonly l?: boolean;
  readonly j?: boolean;
  readonly a?: string;
  readonly n?: string;
  readonly e?: string;
  readonly r?: string;
  readonly i?: string;
  readonly f?: string;
  readonly R?: number;
  readonly D?: number;
  readonly F?: number;
};

export function register(program: Command, environment: Environment): void {
  const command = program
    .command("manage_agents")
    .description("the peer's program of that name: its options and its menu")
    .option(HOME_OPTION, HOME_HELP)
    .option("-l", "list the agents")
    .option("-a <address>", "add an agent that comes from this address, `any` or a network; with -n")
    .option("-n <name>", "name of the agent to add")
    .option("-f <file>", "add the agents of a file with a line address,name for each")
    .option("-e <id>", "print the key of an agent")
    .option("-r <id>", "remove an agent")
    .option("-i <key>", "add the agent of a key that -e printed")
    .option("-R <seconds>", "replace agents registered at least so long ago", seconds)
    .option("-D <seconds>", "replace agents disconnected for at least so long", seconds)
    .option("-j", "JSON")
    .option("-V", "print the version");
  command.addOption(new Option("-F <seconds>", "older name of -D").argParser(seconds).hideHelp());
  command.addOption(new Option("-L", "has no effect").hideHelp());
  command.addHelpText("after", HELP).action(async (written: Written) => {
    environment.exitCode = await run(environment, written, command);
  });
}

async function run(environment: Environment, written: Written, command: Command): Promise<number> {
  if (written.V === true) {
    environment.stdout.write(`manage_agents ${programVersion(environment.files)}\n`);
    return EXIT_OK;
  }
  const { home, j: json = false, R: registered, D: disconnected = written.F } = written;
  const { manageAgents } = await import("../manager/manage-agents.ts");
  return await manageAgents(environment, actionOf(written, command), {
    ...(home === undefined ? {} : { home }),
    json,
    replacement:
      registered === undefined && disconnected === undefined
        ? null
        : { registeredSeconds: registered ?? null, disconnectedSeconds: disconnected ?? null },
  });
}

function actionOf({ l, a, n, f, e, r, i }: Written, command: Command): ManageAction {
  if ((a === undefined) !== (n === undefined)) return command.error("error: -a and -n need each other");
  if (a !== undefined && n !== undefined) return { kind: "add", name: n, address: a };
  if (f !== undefined) return { kind: "bulk", file: f };
  if (e !== undefined) return { kind: "extract", id: e };
  if (r !== undefined) return { kind: "remove", id: r };
  if (i !== undefined) return { kind: "import", exported: i };
  return { kind: l === true ? "list" : "menu" };
}
