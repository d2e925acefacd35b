/** The commands of `cyb3rhq agents` that reach agents through the running manager: options and help. */
import { type Command, InvalidArgumentError } from "commander";
import type { Environment } from "../environment.ts";
import { HOME_HELP, HOME_OPTION } from "../manager/home-choice.ts";
import type { UpgradeOptions } from "../manager/upgrade.ts";

const HELP = `
Exit codes: 0 done, 1 an agent could not be reached or said no, 2 wrong use of the command line.`;

const UPGRADE_HELP = `
First the canary agents are upgraded, then waves, each when all agents before it have ended. An agent is upgraded when it is back, active
and of the new version. When more agents fail than --max-failures of those that began, the others are left as they are.
Without --wpk each agent gets the package for its platform from the repository; each package is an upgrade of its own.
A package is checked against etc/wpk_root.pem of the home directory. The upgrade goes on when this command is ended.

Exit codes: 0 all agents are upgraded (or, with --background, it has begun), 1 some are not, 2 wrong use of the command line.`;

type Common = { readonly home?: string; readonly json?: boolean };

function wholeNumber(value: string): number {
  if (!/^[1-9][0-9]{0,4}$/.test(value))
    throw new InvalidArgumentError("Write a whole number from 1 to 99999.");
  return Number(value);
}

function share(value: string): string {
  if (!/^[0-9]{1,6}%?$/.test(value))
    throw new InvalidArgumentError("Write a number of agents, or a percentage: 5, 10%.");
  return value;
}

function packageType(value: string): string {
  if (value !== "deb" && value !== "rpm") throw new InvalidArgumentError("Write deb or rpm.");
  return value;
}

export function registerRemote(agents: Command, environment: Environment): void {
  registerRequests(agents, environment);
  registerUpgrades(agents, environment);
}

function registerRequests(agents: Command, environment: Environment): void {
  agents
    .command("request")
    .description("ask a part of a connected agent and print its answer")
    .argument("<id>", "id of the agent, such as 001")
    .argument("<target>", "agent, com, logcollector, syscheck, wmodules, upgrade or control")
    .argument("<payload...>", "the question, such as: getconfig client")
    .option(HOME_OPTION, HOME_HELP)
    .option("--json", "one JSON object: agent, answer")
    .addHelpText("after", HELP)
    .action(async (agent: string, target: string, payload: readonly string[], options: Common) => {
      const { requestAgent } = await import("../manager/agents-request.ts");
      const question = { agent, target, payload: payload.join(" "), ...options };
      environment.exitCode = await requestAgent(environment, question);
    });
  agents
    .command("getconfig")
    .description("print a section of the configuration that a connected agent uses")
    .argument("<id>", "id of the agent, such as 001")
    .argument("<component>", "agent, com, logcollector, syscheck or wmodules")
    .argument("<section>", "such as client, buffer, localfile, syscheck, wmodules")
    .option(HOME_OPTION, HOME_HELP)
    .option("--json", "on one line")
    .addHelpText("after", HELP)
    .action(async (agent: string, component: string, section: string, options: Common) => {
      const { printAgentConfig } = await import("../manager/agents-request.ts");
      environment.exitCode = await printAgentConfig(environment, { agent, component, section, ...options });
    });
  for (const command of ["restart", "reconnect"] as const) {
    agents
      .command(command)
      .description(command === "restart" ? "have agents restart" : "have agents connect again")
      .argument("<ids...>", "ids of the agents, such as 001 002")
      .option(HOME_OPTION, HOME_HELP)
      .option("--json", "one JSON array: agentId, ok, message")
      .addHelpText("after", HELP)
      .action(async (ids: readonly string[], options: Common) => {
        const { tellAgents } = await import("../manager/agents-request.ts");
        environment.exitCode = await tellAgents(environment, { agents: ids, command, ...options });
      });
  }
}

function registerUpgrades(agents: Command, environment: Environment): void {
  agents
    .command("upgrade")
    .description("upgrade agents with a signed package, in waves")
    .argument("[ids...]", "ids of the agents, such as 001 002")
    .option(HOME_OPTION, HOME_HELP)
    .option("--group <name>", "all agents of a group")
    .option("--all", "all agents")
    .option("--wpk <file>", "the package (default: from the repository)")
    .option("--repository <url>", "where packages are (default: wpk_repository of <agent-upgrade>)")
    .option("--http", "http where the repository's address names no scheme")
    .option("--package-type <type>", "deb or rpm, for agents on a Linux that is not known", packageType)
    .option(
      "--to-version <version>",
      "what agents get (default: what the file's name says, or the manager's)",
    )
    .option("--installer <name>", "file in the package to run (default: upgrade.sh, on Windows upgrade.bat)")
    .option("--force", "also to a version that is not newer, or newer than the manager")
    .option("--canary <share>", "agents that are upgraded before all others, 0 for none", share, "10%")
    .option("--wave <agents>", "agents of each wave after them", wholeNumber, 50)
    .option("--max-failures <share>", "failures among those that began that do not end it", share, "5%")
    .option("--health-seconds <seconds>", "time for an agent to be back and active", wholeNumber, 600)
    .option("--background", "do not wait for the end")
    .option("--json", "one JSON object at the end")
    .addHelpText("after", UPGRADE_HELP)
    .action(async (ids: readonly string[], options: Omit<UpgradeOptions, "agents">) => {
      const { upgradeAgents } = await import("../manager/upgrade.ts");
      environment.exitCode = await upgradeAgents(environment, { ...options, agents: ids });
    });
  agents
    .command("upgrades")
    .description("list upgrades, or the agents of one")
    .argument("[number]", "number of the upgrade", wholeNumber)
    .option(HOME_OPTION, HOME_HELP)
    .option("--cancel", "leave the agents that wait as they are")
    .option("--json", "one JSON array, or object")
    .addHelpText("after", HELP)
    .action(async (number: number | undefined, options: Common & { readonly cancel?: boolean }) => {
      const { showUpgrades } = await import("../manager/upgrade.ts");
      environment.exitCode = await showUpgrades(environment, { ...options, campaign: number ?? null });
    });
}
