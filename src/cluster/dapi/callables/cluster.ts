/** Functions about the cluster itself. wazuh v4.14.7: framework/wazuh/cluster.py. */
import { isDeepStrictEqual } from "node:util";
import { ClusterException } from "#formats/wire/cluster/exceptions.ts";
import { type ClusterObject, isClusterObject, PlainResult } from "#formats/wire/cluster/objects.ts";
import { apiError, ItemsAnswer, type Messages } from "../answers.ts";
import { type ApiCallable, ApiRefusal, apiCallable, type Caller } from "../callable.ts";
import { type ListForm, pageOfList, readListQuery } from "../listing.ts";
import type { ClusterWorld } from "../world.ts";

const READ = "cluster:read";
const BY_NAME = { field: "name", casting: "str" } as const;
const BY_ITSELF = { field: null, casting: "str" } as const;
const SELECTED: Messages = {
  all: "All selected information was returned",
  some: "",
  none: "No information was returned",
};

export function clusterCallables(world: ClusterWorld): readonly ApiCallable[] {
  return [
    status(),
    config(world),
    node(world),
    nodes(world),
    health(world),
    rulesetHashes(world),
    rulesetStatus(world),
  ];
}

function mayNode(caller: Caller, name: string): boolean {
  return caller.may(READ, [`node:id:${name}`]);
}

function demandNode(caller: Caller, name: string): void {
  if (!mayNode(caller, name)) throw new ApiRefusal(apiError(4000, "Resource type: node:id"));
}

function status(): ApiCallable {
  return apiCallable({
    name: "wazuh.cluster.get_status_json",
    action: "cluster:status",
    place: "anywhere",
    forNodes: true,
    parse: () => null,
    run: () => new PlainResult({ data: { enabled: "yes", running: "yes" } }),
  });
}

function config(world: ClusterWorld): ApiCallable {
  return aboutThisNode(world, "wazuh.cluster.read_config_wrapper", () => world.config());
}

function node(world: ClusterWorld): ApiCallable {
  const { nodeName, clusterName: cluster, nodeType: type } = world;
  return aboutThisNode(world, "wazuh.cluster.get_node_wrapper", () => ({ node: nodeName, cluster, type }));
}

function aboutThisNode(world: ClusterWorld, name: string, item: ClusterWorld["config"]): ApiCallable {
  return apiCallable({
    name,
    action: READ,
    place: "anywhere",
    forNodes: true,
    parse: () => null,
    run: (_, caller) => {
      demandNode(caller, world.nodeName);
      const answer = new ItemsAnswer(SELECTED, BY_ITSELF);
      answer.add(item());
      return answer.answer;
    },
  });
}

const NODE_FORM: ListForm = { always: ["name"], fields: new Set(["name", "type", "version", "ip"]) };

function nodes(world: ClusterWorld): ApiCallable {
  const messages: Messages = {
    all: "All selected nodes information was returned",
    some: "Some nodes information was not returned",
    none: "No information was returned",
  };
  return apiCallable({
    name: "wazuh.cluster.get_nodes_info",
    action: READ,
    place: "master",
    forNodes: true,
    parse: (values) => ({
      names: values.texts("filter_node"),
      type: values.text("filter_type") ?? "all",
      query: readListQuery(values),
    }),
    run: ({ names, type, query }, caller) => {
      if (!["all", "master", "worker"].includes(type)) throw new ApiRefusal(apiError(1728, type));
      const answer = new ItemsAnswer(messages, BY_NAME);
      const known = world.nodes();
      const nameOf = (item: ClusterObject) => String(item["name"]);
      for (const name of names ?? []) {
        if (!known.some((item) => nameOf(item) === name)) answer.fail(name, apiError(1730));
        else if (!mayNode(caller, name)) answer.fail(name, apiError(4000, "Resource type: node:id"));
      }
      const isShown = (item: ClusterObject) =>
        (names === null || names.includes(nameOf(item))) &&
        (type === "all" || item["type"] === type) &&
        mayNode(caller, nameOf(item));
      const page = pageOfList(known.filter(isShown), query, NODE_FORM);
      answer.addPage(page.items, page.total);
      return answer.answer;
    },
  });
}

function health(world: ClusterWorld): ApiCallable {
  const messages: Messages = {
    all: "All selected nodes healthcheck information was returned",
    some: "Some nodes healthcheck information was not returned",
    none: "No healthcheck information was returned",
  };
  return apiCallable({
    name: "wazuh.cluster.get_health_nodes",
    action: READ,
    place: "master",
    forNodes: true,
    parse: (values) => values.texts("filter_node"),
    run: (names, caller) => {
      const answer = new ItemsAnswer(messages, { field: "info.name", casting: "str" });
      const health = world.health();
      if (health instanceof ClusterException) return health;
      const found = health["nodes"] ?? null;
      const members = isClusterObject(found) ? Object.entries(found) : [];
      for (const [name, item] of members) {
        const isAsked = names === null || names.includes(name);
        if (isAsked && mayNode(caller, name)) answer.add(item);
      }
      for (const name of names ?? []) {
        if (!members.some(([known]) => known === name)) answer.fail(name, apiError(1730));
      }
      return answer.answer;
    },
  });
}

/** The files of users' rules, decoders and lists with their hashes: what the nodes' are compared with. */
function rulesetHashes(world: ClusterWorld): ApiCallable {
  return apiCallable({
    name: "wazuh.core.cluster.control.get_node_ruleset_integrity",
    action: READ,
    place: "anywhere",
    forNodes: true,
    parse: () => null,
    run: async (_, caller) => {
      demandNode(caller, world.nodeName);
      return new PlainResult(await world.rulesetHashes());
    },
  });
}

function rulesetStatus(world: ClusterWorld): ApiCallable {
  const messages: Messages = {
    all: "Nodes ruleset synchronization status was successfully read",
    some: "Could not read ruleset synchronization status in some nodes",
    none: "Could not read ruleset synchronization status",
  };
  return apiCallable({
    name: "wazuh.cluster.get_ruleset_sync_status",
    action: READ,
    place: "anywhere",
    forNodes: true,
    parse: (values) => values.object("master_md5") ?? {},
    run: async (expected, caller) => {
      demandNode(caller, world.nodeName);
      const answer = new ItemsAnswer(messages, BY_NAME);
      const hashes = await world.rulesetHashes();
      answer.add({ name: world.nodeName, synced: isDeepStrictEqual({ ...hashes }, { ...expected }) });
      return answer.answer;
    },
  });
}
