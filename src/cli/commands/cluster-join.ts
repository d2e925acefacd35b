/** `cyb3rhq cluster key|join`: options and help; cluster/join.ts does it. */
import { type Command, Option } from "commander";
import type { Environment } from "../environment.ts";
import { HOME_HELP, HOME_OPTION } from "../manager/home-choice.ts";
import { numberBetween } from "../number-between.ts";

const PORT_USUAL = 1516;
const PORT_MIN = 1025;
const PORT_MAX = 65_534;
const CLUSTER_NAME_USUAL = "cyb3rhq";

const KEY_HELP = `
Make it once, on the master, and give it to every node:
  (umask 077; cyb3rhq cluster key > cluster.key)`;
const JOIN_HELP = `
Writes a <cluster> block at the end of the home's etc/ossec.conf, of which only the last one counts; called again it writes it anew. The key comes
from a file and not from the command line, which every user of this host can read:
  cyb3rhq cluster join 10.0.0.1 --type master --node-name master --key-file cluster.key
  cyb3rhq cluster join 10.0.0.1 --node-name worker-1 --key-file cluster.key

Exit codes: 0 written, 1 it could not be, 2 wrong use of the command line.`;

type JoinFlags = {
  readonly home?: string;
  readonly keyFile: string;
  readonly nodeName: string;
  readonly name: string;
  readonly type: "master" | "worker";
  readonly port: number;
};

export function registerJoin(cluster: Command, environment: Environment): void {
  cluster
    .command("key")
    .description("print a new key for the nodes of a cluster")
    .addHelpText("after", KEY_HELP)
    .action(async () => {
      const { printClusterKey } = await import("../cluster/join.ts");
      environment.exitCode = printClusterKey(environment);
    });
  cluster
    .command("join")
    .description("make this home a node of a cluster")
    .argument("<master>", "address or DNS name of the master, as the other nodes reach it")
    .option(HOME_OPTION, HOME_HELP)
    .requiredOption("--key-file <file>", "the cluster's key; - reads it from stdin")
    .requiredOption("--node-name <name>", "this node's own: letters, digits, - and _")
    .addOption(
      new Option("--type <type>", "what this node is").choices(["worker", "master"]).default("worker"),
    )
    .option("--name <name>", "the cluster's, the same on all nodes", CLUSTER_NAME_USUAL)
    .option("--port <port>", "between the nodes", numberBetween(PORT_MIN, PORT_MAX), PORT_USUAL)
    .addHelpText("after", JOIN_HELP)
    .action(async (master: string, { name: clusterName, ...flags }: JoinFlags) => {
      const { joinCluster } = await import("../cluster/join.ts");
      environment.exitCode = await joinCluster(environment, { ...flags, master, clusterName });
    });
}
