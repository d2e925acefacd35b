/** `cyb3rhq cluster nodes|health|agents|watch`: options and help; cluster/control.ts and cluster/live-watch.ts do it. */
import { type Command, Option } from "commander";
import type { Environment } from "../environment.ts";
import { HOME_HELP, HOME_OPTION } from "../manager/home-choice.ts";
import { numberBetween } from "../number-between.ts";
import { STATUSES } from "./cluster-control.ts";
import { registerHaproxy } from "./cluster-haproxy.ts";
import { registerJoin } from "./cluster-join.ts";
import { registerTrial } from "./cluster-trial.ts";

const HELP = `
Any node may be asked: a worker asks its master.
Exit codes: 0 answered, 1 not: the cluster does not run here, or cannot; 2 wrong use of the command line.`;
const NODE_OPTION = "--node <name...>";
const NODE_HELP = "only these nodes";

const LOOKS_MAX = 1_000_000;
const SECONDS_MAX = 3600;
const SECONDS_USUAL = 5;

type Common = { readonly home?: string; readonly json?: boolean; readonly node?: readonly string[] };

export function register(program: Command, environment: Environment): void {
  const cluster = program
    .command("cluster")
    .description("the nodes of the cluster, their state and their agents");
  cluster
    .command("nodes")
    .description("every node with its type, version and address")
    .option(HOME_OPTION, HOME_HELP)
    .option(NODE_OPTION, NODE_HELP)
    .option("--json", "one JSON object")
    .addHelpText("after", HELP)
    .action(async ({ node = [], ...options }: Common) => {
      const { listNodes } = await import("../cluster/control.ts");
      environment.exitCode = await listNodes(environment, { ...options, nodes: named(node) });
    });
  cluster
    .command("health")
    .description("when each worker was last synchronised, and how many agents each node has")
    .option(HOME_OPTION, HOME_HELP)
    .option("--more", "all that is known")
    .option(NODE_OPTION, NODE_HELP)
    .option("--json", "one JSON object")
    .addHelpText("after", HELP)
    .action(async ({ node = [], more = false, ...options }: Common & { readonly more?: boolean }) => {
      const { showHealth } = await import("../cluster/control.ts");
      environment.exitCode = await showHealth(environment, { ...options, more, nodes: named(node) });
    });
  cluster
    .command("agents")
    .description("every agent with the node that it reports to")
    .option(HOME_OPTION, HOME_HELP)
    .addOption(new Option("--status <status...>", "only agents of these states").choices(STATUSES))
    .option(NODE_OPTION, NODE_HELP)
    .option("--json", "one JSON object")
    .addHelpText("after", HELP)
    .action(
      async ({ node = [], status = [], ...options }: Common & { readonly status?: readonly string[] }) => {
        const { listAgents } = await import("../cluster/control.ts");
        const filters = { nodes: named(node), statuses: named(status) };
        environment.exitCode = await listAgents(environment, { ...options, ...filters });
      },
    );
  registerWatch(cluster, environment);
  registerHaproxy(cluster, environment);
  registerJoin(cluster, environment);
  registerTrial(cluster, environment);
}

function registerWatch(cluster: Command, environment: Environment): void {
  cluster
    .command("watch")
    .description("how many agents each node has, drawn anew until Ctrl-C")
    .option(HOME_OPTION, HOME_HELP)
    .option("--seconds <n>", "between two looks", numberBetween(1, SECONDS_MAX), SECONDS_USUAL)
    .option("--looks <n>", "end after so many", numberBetween(1, LOOKS_MAX))
    .addHelpText("after", HELP)
    .action(
      async (options: { readonly home?: string; readonly seconds: number; readonly looks?: number }) => {
        const { watchCluster } = await import("../cluster/live-watch.ts");
        environment.exitCode = await watchCluster(environment, { ...options, looks: options.looks ?? null });
      },
    );
}

function named(names: readonly string[]): readonly string[] | null {
  return names.length === 0 ? null : names;
}
