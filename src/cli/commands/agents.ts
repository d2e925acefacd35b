/** `cyb3rhq agents list|add|import|remove|key|certificate`: options and help; manager/agents.ts, agent-list.ts and certificates.ts do it. */
import { type Command, Option } from "commander";
import type { Environment } from "../environment.ts";
import type { AddOptions, ForceOptions } from "../manager/agents.ts";
import { HOME_HELP, HOME_OPTION } from "../manager/home-choice.ts";
import { numberBetween } from "../number-between.ts";
import { registerCertificates } from "./agents-certificate.ts";
import { registerRemote } from "./agents-remote.ts";

const HELP = `
Exit codes: 0 done, 1 no such agent, or it could not be done, 2 wrong use of the command line.`;

const seconds = numberBetween(0, 999_999_999);

type Common = { readonly home?: string; readonly json?: boolean };
type ListFilter = { readonly status?: string; readonly group?: string; readonly name?: string };

export function register(program: Command, environment: Environment): void {
  const agents = program
    .command("agents")
    .description(
      "list, add and remove agents, print their keys, make their certificates, ask and upgrade them",
    );
  agents
    .command("list")
    .description("every agent with address, state, last keepalive and the reason of its state")
    .option(HOME_OPTION, HOME_HELP)
    .option("--status <state>", "only those active, pending, disconnected or never_connected")
    .option("--group <name>", "only those of a group")
    .option("--name <text>", "only those with this text in their name")
    .option("--statistics", "also what was received of each and lost since the manager's start, and when")
    .option("--json", "one JSON array")
    .addHelpText("after", HELP)
    .action(async (options: Common & ListFilter & { readonly statistics?: boolean }) => {
      const { listAgents } = await import("../manager/agent-list.ts");
      environment.exitCode = await listAgents(environment, options);
    });
  registerAdding(agents, environment);
  agents
    .command("remove")
    .description("remove an agent; its connection ends. On a terminal it asks first")
    .argument("<id>", "id of the agent, such as 001")
    .option(HOME_OPTION, HOME_HELP)
    .option("--purge", "leave no line of it in client.keys")
    .option("--yes", "do not ask")
    .option("--json", "one JSON object")
    .addHelpText("after", HELP)
    .action(async (id: string, options: Common & { readonly purge?: boolean; readonly yes?: boolean }) => {
      const { removeAgent } = await import("../manager/agents.ts");
      const [purge, yes] = [options.purge === true, options.yes === true];
      environment.exitCode = await removeAgent(environment, { ...options, id, purge, yes });
    });
  agents
    .command("key")
    .description("print an agent's key in the form that its manage_agents imports; keep it secret")
    .argument("<id>", "id of the agent, such as 001")
    .option(HOME_OPTION, HOME_HELP)
    .option("--json", "one JSON object")
    .addHelpText("after", HELP)
    .action(async (id: string, options: Common) => {
      const { printKey } = await import("../manager/agents.ts");
      environment.exitCode = await printKey(environment, { id, ...options });
    });
  registerCertificates(agents, environment);
  registerRemote(agents, environment);
}

function registerAdding(agents: Command, environment: Environment): void {
  withForce(
    agents
      .command("add")
      .description("register an agent and print its id; a running manager knows it within two seconds")
      .argument("[name]", "2 to 128 of A-Z a-z 0-9 . _ -, not beginning with a dot")
      .option(HOME_OPTION, HOME_HELP)
      .option("--ip <address>", "address or network that the agent must come from", "any")
      .option("--id <id>", "this id instead of the next one")
      .option("--key <key>", "this key instead of a new one")
      .addOption(
        new Option("--group <name>", "group of the agent; may be repeated")
          .argParser(collect)
          .default([], "none"),
      )
      .option("--file <path>", "instead of one name: a file with a line address,name for each agent"),
  ).action(
    async (
      name: string | undefined,
      options: Omit<AddOptions, "name"> & { readonly file?: string },
      command: Command,
    ) => {
      const { addAgent, addAgentsOfFile } = await import("../manager/agents.ts");
      const { file } = options;
      if ((name === undefined) === (file === undefined))
        return command.error("error: either a name or --file is needed");
      environment.exitCode =
        file === undefined
          ? await addAgent(environment, { ...options, name: name ?? "" })
          : await addAgentsOfFile(environment, { ...options, file });
    },
  );
  withForce(
    agents
      .command("import")
      .description(
        "register an agent with id, name, address and key of what 'agents key' or manage_agents printed",
      )
      .argument("<key>", "the base64 text")
      .option(HOME_OPTION, HOME_HELP),
  ).action(async (exported: string, options: Common & ForceOptions) => {
    const { importAgent } = await import("../manager/agents.ts");
    environment.exitCode = await importAgent(environment, { ...options, exported });
  });
}

function withForce(command: Command): Command {
  return command
    .option("--force", "replace who has the name, the address or the id")
    .option("--disconnected-for <seconds>", "replace only who has been disconnected this long", seconds)
    .option("--registered-for <seconds>", "replace only who was registered this long ago", seconds)
    .option("--json", "one JSON object")
    .addHelpText("after", HELP);
}

function collect(value: string, earlier: readonly string[]): readonly string[] {
  return [...earlier, value];
}
