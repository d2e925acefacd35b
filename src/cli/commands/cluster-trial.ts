/** `cyb3rhq cluster up|down`: options and help; cluster/trial/trial.ts does it. */
import { Argument, type Command, Option } from "commander";
import {
  BALANCERS,
  NODES_MAX,
  PORT_BASE_MAX,
  PORT_BASE_MIN,
  type TrialBalancer,
} from "../cluster/trial/plan.ts";
import type { Environment } from "../environment.ts";
import { numberBetween } from "../number-between.ts";

const NODES_USUAL = 3;
const PORT_BASE_USUAL = 15_140;
const DIRECTORY_OPTION = "--dir <dir>";
const DIRECTORY_HELP = "folder of the cluster (default: trial-cluster in the home directory)";

const UP_HELP = `
Every node is a manager with a home of its own below the folder, all on 127.0.0.1; the key is made and kept there. Agents report to the first
port and enrol at the second, through the balancer; the third is the cluster's. Nodes have theirs 10 apart: 15150 and 15151, 15160 and 15161, …
Run again with the same words it starts what does not run.

Exit codes: 0 it runs (with --foreground: it was stopped), 1 it could not be started, 2 wrong use of the command line.`;
const DOWN_HELP = `
Exit codes: 0 stopped, or nothing was there; 1 something did not stop in time.`;

type UpFlags = {
  readonly balancer: TrialBalancer;
  readonly dir?: string;
  readonly portBase: number;
  readonly foreground?: boolean;
  readonly json?: boolean;
};
type DownFlags = { readonly dir?: string; readonly remove?: boolean; readonly json?: boolean };

export function registerTrial(cluster: Command, environment: Environment): void {
  const nodes = new Argument("[nodes]", `how many, one of them the master (1 to ${NODES_MAX})`)
    .argParser(numberBetween(1, NODES_MAX))
    .default(NODES_USUAL);
  cluster
    .command("up")
    .description("run a cluster with a balancer on this machine, for trying it out")
    .addArgument(nodes)
    .addOption(
      new Option("--balancer <program>", "what is before the nodes").choices(BALANCERS).default("haproxy"),
    )
    .option(DIRECTORY_OPTION, DIRECTORY_HELP)
    .option("--port-base <port>", "first port", numberBetween(PORT_BASE_MIN, PORT_BASE_MAX), PORT_BASE_USUAL)
    .option("--foreground", "stay until Ctrl-C, then stop the cluster")
    .option("--json", "one JSON object")
    .addHelpText("after", UP_HELP)
    .action(async (count: number, flags: UpFlags) => {
      const { clusterUp } = await import("../cluster/trial/trial.ts");
      const { dir, balancer, portBase, foreground = false, json = false } = flags;
      const options = { nodes: count, balancer, portBase, foreground, json };
      environment.exitCode = await clusterUp(
        environment,
        dir === undefined ? options : { ...options, directory: dir },
      );
    });
  cluster
    .command("down")
    .description("stop the cluster that 'cluster up' started")
    .option(DIRECTORY_OPTION, DIRECTORY_HELP)
    .option("--remove", "remove its folder with all alerts and keys as well")
    .option("--json", "one JSON object")
    .addHelpText("after", DOWN_HELP)
    .action(async ({ dir, remove = false, json = false }: DownFlags) => {
      const { clusterDown } = await import("../cluster/trial/trial.ts");
      const options = { remove, json };
      environment.exitCode = await clusterDown(
        environment,
        dir === undefined ? options : { ...options, directory: dir },
      );
    });
}
