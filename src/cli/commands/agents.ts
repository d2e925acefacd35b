/** `cyb3rhq agents list|add|remove|key|certificate`: options and help; manager/agents.ts and manager/certificates.ts do it. */
import type { Command } from "commander";
import type { Environment } from "../environment.ts";
import { HOME_HELP, HOME_OPTION } from "../manager/home-choice.ts";
import { registerCertificates } from "./agents-certificate.ts";
import { registerRemote } from "./agents-remote.ts";

const HELP = `
Exit codes: 0 done, 1 no such agent, or it could not be done, 2 wrong use of the command line.`;

type Common = { readonly home?: string; readonly json?: boolean };

export function register(program: Command, environment: Environment): void {
  const agents = program
    .command("agents")
    .description("list, add and remove agents, print their keys, make their certificates");
  agents
    .command("list")
    .description("every agent with address, state and last keepalive")
    .option(HOME_OPTION, HOME_HELP)
    .option("--json", "one JSON array")
    .addHelpText("after", HELP)
    .action(async (options: Common) => {
      const { listAgents } = await import("../manager/agents.ts");
      environment.exitCode = listAgents(environment, options.home, options.json === true);
    });
  agents
    .command("add")
    .description("register an agent and print its id; a running manager knows it within two seconds")
    .argument("<name>", "2 to 128 of A-Z a-z 0-9 . _ -, not beginning with a dot")
    .option(HOME_OPTION, HOME_HELP)
    .option("--ip <address>", "address or network that the agent must come from", "any")
    .option("--group <name>", "group of the agent; may be repeated", collect, [])
    .option("--json", "one JSON object")
    .addHelpText("after", HELP)
    .action(
      async (name: string, options: Common & { readonly ip: string; readonly group: readonly string[] }) => {
        const { addAgent } = await import("../manager/agents.ts");
        environment.exitCode = await addAgent(environment, { name, ...options, json: options.json === true });
      },
    );
  agents
    .command("remove")
    .description("remove an agent; its connection ends")
    .argument("<id>", "id of the agent, such as 001")
    .option(HOME_OPTION, HOME_HELP)
    .option("--purge", "leave no line of it in client.keys")
    .option("--json", "one JSON object")
    .addHelpText("after", HELP)
    .action(async (id: string, options: Common & { readonly purge?: boolean }) => {
      const { removeAgent } = await import("../manager/agents.ts");
      environment.exitCode = await removeAgent(environment, {
        id,
        purge: options.purge === true,
        ...options,
      });
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

function collect(value: string, earlier: readonly string[]): readonly string[] {
  return [...earlier, value];
}
