/** `cluster_control` of the peer: its options and texts; cluster/control.ts does it. */
import { Command, Option } from "commander";
import { type Environment, EXIT_FAILURE, EXIT_OK } from "../environment.ts";
import { HOME_HELP, HOME_OPTION } from "../manager/home-choice.ts";

/** Options of two letters behind one dash, which the parser of this program takes for two options. */
const LONG_FORMS: ReadonlyMap<string, string> = new Map([
  ["-fn", "--filter-node"],
  ["-fs", "--filter-agent-status"],
]);
export const STATUSES = ["active", "disconnected", "never_connected", "pending"] as const;

const EXAMPLES = `Usage:
\t-l                                    List all nodes present in a cluster
\t-l -fn <node_name>                    List certain nodes that belong to the cluster
\t-a                                    List all agents connected to each node in the cluster
\t-a -fn <node_name>                    Check which agents are reporting to certain nodes
\t-a -fs <agent_status>                 List agents with certain status
\t-a -fn <node_name> -fs <agent_status> List agents reporting to certain node and with certain status
\t-i                                    Check cluster health
\t-i -fn <node_name>                    Check certain node's health
\t-i more                               Show all that is known of the nodes
`;

type Options = {
  readonly home?: string;
  readonly json?: boolean;
  readonly listNodes?: boolean;
  readonly listAgents?: boolean;
  readonly health?: true | string;
  readonly usage?: boolean;
  readonly filterNode?: readonly string[];
  readonly filterAgentStatus?: readonly string[];
};

export function register(program: Command, environment: Environment): void {
  program
    .command("cluster_control")
    .description("the peer's tool for the cluster; 'cluster_control -h' shows its options")
    .helpOption(false)
    .allowUnknownOption()
    .argument("[options...]")
    .action(async (args: readonly string[]) => {
      const written = args.map((arg) => LONG_FORMS.get(arg) ?? arg);
      await tool(program, environment).parseAsync(written, { from: "user" });
    });
}

/** A command of its own inside the other, because its options are read differently. */
function tool(program: Command, environment: Environment): Command {
  const control = new Command("cyb3rhq cluster_control")
    .description("Asks the cluster about its nodes and agents.")
    .copyInheritedSettings(program)
    .allowExcessArguments(false)
    .helpOption("-h, --help", "show this help")
    .addOption(new Option("-l, --list-nodes", "list the nodes").conflicts(["listAgents", "health", "usage"]))
    .addOption(new Option("-a, --list-agents", "list the agents").conflicts(["health", "usage"]))
    .addOption(
      new Option("-i, --health [more]", "show the health of the cluster")
        .choices(["more"])
        .conflicts("usage"),
    )
    .option("-u, --usage", "show examples")
    .option("--filter-node <name...>", "-fn: only these nodes")
    .addOption(
      new Option("--filter-agent-status <status...>", "-fs: only agents of these states").choices(STATUSES),
    )
    .option("-d, --debug", "has no effect")
    .option("--json", "print the answer as one JSON object")
    .option(HOME_OPTION, HOME_HELP);
  return control.action(async (options: Options) => {
    environment.exitCode = await run(environment, control, options);
  });
}

async function run(environment: Environment, control: Command, options: Options): Promise<number> {
  const { filterNode: nodes = null, filterAgentStatus: statuses = null, health, ...given } = options;
  if (statuses !== null && given.listAgents !== true) {
    environment.stdout.write(`ERROR: Wrong arguments.\n${EXAMPLES}`);
    return EXIT_FAILURE;
  }
  const common = {
    nodes,
    isPeersTool: true,
    ...(given.home === undefined ? {} : { home: given.home }),
    ...(given.json === undefined ? {} : { json: given.json }),
  };
  const { listAgents, listNodes, showHealth } = await import("../cluster/control.ts");
  if (given.listNodes === true) return listNodes(environment, common);
  if (given.listAgents === true) return listAgents(environment, { ...common, statuses });
  if (health !== undefined) return showHealth(environment, { ...common, more: health === "more" });
  environment.stdout.write(given.usage === true ? EXAMPLES : control.helpInformation());
  return EXIT_OK;
}
