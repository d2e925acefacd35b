/** `cyb3rhq cluster` and the peer's `cluster_control`: asks the cluster daemon of this node, which asks the master where it is a worker. */
import {
  isObject,
  type JsonObject,
  type JsonValue,
  memberOf,
  parseJson,
} from "#formats/wire/cluster/json-value.ts";
import { pythonJson } from "#formats/wire/cluster/python-json.ts";
import { askCluster } from "#local-sockets/cluster-client.ts";
import { utf8Bytes } from "../bytes.ts";
import { type Environment, EXIT_FAILURE, EXIT_OK } from "../environment.ts";
import { homeDirectory } from "../manager/home-choice.ts";
import { agentsText, detailedHealthText, healthText, nodesText } from "./texts.ts";

/** The peer's code of a daemon that is not there. */
const NOT_RUNNING = 3012;

export type ClusterOptions = {
  readonly home?: string;
  readonly json?: boolean;
  /** The peer's tool says an error on stdout, and only of a cluster that does not run that it has failed. */
  readonly isPeersTool?: boolean;
};
export type NodesOptions = ClusterOptions & {
  /** Null for all. */
  readonly nodes: readonly string[] | null;
};

export type Told =
  | { readonly ok: true; readonly value: JsonObject }
  | { readonly ok: false; readonly isRunning: boolean; readonly text: string };

type Question = { readonly command: string; readonly parameters?: JsonValue };

export async function askNode(
  environment: Environment,
  home: string | undefined,
  { command, parameters }: Question,
): Promise<Told> {
  const { clock, localSockets } = environment;
  const path = `${homeDirectory(environment, home)}/queue/cluster/c-internal.sock`;
  const payload = parameters === undefined ? "" : pythonJson(parameters);
  const answer = await askCluster({ localSockets, clock, path }, command, payload);
  if (answer.kind === "failed") {
    const isRunning = answer.error.code !== NOT_RUNNING;
    return { ok: false, isRunning, text: isRunning ? answer.error.text : "Cluster is not running." };
  }
  const value = parseJson(answer.payload);
  if (isObject(value)) return { ok: true, value };
  return { ok: false, isRunning: true, text: `The answer to ${command} is no object` };
}

async function show(
  environment: Environment,
  options: ClusterOptions,
  question: Question,
  textOf: (value: JsonObject) => string,
): Promise<number> {
  const { stdout, stderr } = environment;
  const told = await askNode(environment, options.home, question);
  if (!told.ok) {
    if (options.isPeersTool === true) stdout.write(utf8Bytes(`ERROR: ${told.text}\n`));
    else stderr.write(utf8Bytes(`cyb3rhq: ${told.text}\n`));
    return told.isRunning && options.isPeersTool === true ? EXIT_OK : EXIT_FAILURE;
  }
  const value = question.command === "dapi" ? resultOf(told.value) : told.value;
  stdout.write(utf8Bytes(options.json === true ? `${JSON.stringify(value)}\n` : textOf(value)));
  return EXIT_OK;
}

export function listNodes(environment: Environment, options: NodesOptions): Promise<number> {
  const parameters = {
    filter_node: options.nodes,
    offset: 0,
    limit: 500,
    sort: null,
    search: null,
    select: null,
    filter_type: "all",
    distinct: false,
  };
  return show(environment, options, { command: "get_nodes", parameters }, (value) =>
    nodesText(itemsOf(value)),
  );
}

export async function showHealth(
  environment: Environment,
  options: NodesOptions & { readonly more: boolean },
): Promise<number> {
  const config = await askNode(environment, options.home, { command: "get_config" });
  const name = config.ok ? String(memberOf(config.value, "name")) : "";
  const text = options.more ? detailedHealthText : healthText;
  return show(environment, options, { command: "get_health", parameters: options.nodes }, (value) =>
    text(name, value),
  );
}

export function listAgents(
  environment: Environment,
  options: NodesOptions & { readonly statuses: readonly string[] | null },
): Promise<number> {
  const { nodes, statuses } = options;
  const parameters = {
    f: {
      __callable__: {
        __name__: "get_agents_overview",
        __module__: "wazuh.core.agent",
        __qualname__: "Agent.get_agents_overview",
        __type__: "function",
      },
    },
    f_kwargs: {
      filters: { status: statuses?.join(",") ?? "all", node_name: nodes?.join(",") ?? "all" },
      limit: null,
      select: ["id", "ip", "name", "status", "node_name", "version"],
    },
    from_cluster: false,
    wait_for_complete: false,
  };
  return show(environment, options, { command: "dapi", parameters }, (value) => agentsText(itemsOf(value)));
}

/** What a function of the distributed API gave, out of its wrapping. */
function resultOf(value: JsonObject): JsonObject {
  return ["__wazuh_result__", "__object__", "result"].reduce<JsonObject>((outer, name) => {
    const inner = memberOf(outer, name);
    return isObject(inner) ? inner : {};
  }, value);
}

function itemsOf(value: JsonObject): readonly JsonValue[] {
  const items = memberOf(value, "items");
  return Array.isArray(items) ? items : [];
}
