/** `cyb3rhq control`: the peer's `wazuh-control`; manager/background.ts does it. */
import { Argument, type Command } from "commander";
import type { Environment } from "../environment.ts";
import { HOME_HELP, HOME_OPTION } from "../manager/home-choice.ts";

const ACTIONS = ["start", "stop", "restart", "status", "info"] as const;
const HELP = `
start runs the manager in the background; 'cyb3rhq start' runs it in the foreground.
Exit codes: 0 done, or running; 1 it could not be done, or not running; 2 wrong use of the command line.`;

type Options = {
  readonly home?: string;
  readonly j?: boolean;
  readonly v?: boolean;
  readonly r?: boolean;
  readonly t?: boolean;
};

export function register(program: Command, environment: Environment): void {
  program
    .command("control")
    .aliases(["cyb3rhq-control"])
    .description("the peer's wazuh-control: the manager in the background")
    .addArgument(new Argument("<action>", "what to do").choices(ACTIONS))
    .option(HOME_OPTION, HOME_HELP)
    .option("-j", "JSON")
    .option("-v", "info: the version that this is compatible with, alone")
    .option("-r", "info: the revision alone")
    .option("-t", "info: the type alone")
    .addHelpText("after", HELP)
    .action(async (action: (typeof ACTIONS)[number], options: Options) => {
      environment.exitCode = await run(environment, action, options);
    });
}

async function run(
  environment: Environment,
  action: (typeof ACTIONS)[number],
  { home, j: json = false, v, r, t }: Options,
): Promise<number> {
  const background = await import("../manager/background.ts");
  const asked = { ...(home === undefined ? {} : { home }), json };
  switch (action) {
    case "start":
      return await background.startInBackground(environment, asked);
    case "stop":
      return await background.stopInBackground(environment, asked);
    case "restart":
      return await background.restartInBackground(environment, asked);
    case "status":
      return background.printBackgroundStatus(environment, asked);
    case "info": {
      const part = v === true ? "version" : r === true ? "revision" : t === true ? "type" : null;
      return background.printInfo(environment, part, json);
    }
  }
}
