/** Which nodes a request is about, and what each of them is asked: agents are asked for where they report to. Pure. */
import type { JsonObject } from "#formats/wire/cluster/json-value.ts";
import { PAGE_ITEMS } from "./limits.ts";
import type { Page } from "./merging.ts";
import { namesOf } from "./request.ts";

/** Agents by id, and where each of them reports to; null or `unknown` when that is not known. */
export type AgentPlace = { readonly id: string; readonly node: string | null };

export type Share = { readonly node: string; readonly arguments: JsonObject };

export type Wanted = {
  readonly agents: readonly string[] | "all" | null;
  readonly nodes: readonly string[] | "all" | null;
};

export function wantedOf(values: JsonObject): Wanted {
  return {
    agents: namesOf(values, "agent_id", "agent_list"),
    nodes: namesOf(values, "node_id", "node_list"),
  };
}

/** What remains for the merged answer when every node gives all that may be on its page. */
export function pageOf(values: JsonObject): Page {
  const { offset = 0, limit = PAGE_ITEMS } = values;
  return {
    offset: typeof offset === "number" ? offset : 0,
    limit: typeof limit === "number" ? limit : null,
  };
}

/** `places` are those of the agents that are wanted, in their order. */
export function sharesOfAgents(
  values: JsonObject,
  places: readonly AgentPlace[],
  master: string,
  nodes: Wanted["nodes"],
): readonly Share[] {
  const byNode = new Map<string, string[]>();
  for (const { id, node } of places) {
    const name = node === null || node === "" || node === "unknown" ? master : node;
    if (nodes !== null && nodes !== "all" && !nodes.includes(name)) continue;
    const ids = byNode.get(name);
    if (ids === undefined) byNode.set(name, [id]);
    else ids.push(id);
  }
  const { agent_id: one, agent_list: _list, ...others } = withoutNodes(values);
  // A node without agents is answered for, too: with a list of none.
  if (byNode.size === 0) return [{ node: master, arguments: { ...firstPages(others), agent_list: [] } }];
  return [...byNode].map(([node, ids]) => {
    const agents: JsonObject = one === undefined ? { agent_list: ids } : { agent_id: ids[0] ?? one };
    return { node, arguments: { ...firstPages(others), ...agents } };
  });
}

export function sharesOfNodes(values: JsonObject, nodes: readonly string[]): readonly Share[] {
  const others = firstPages(withoutNodes(values));
  return nodes.map((node) => ({ node, arguments: others }));
}

function withoutNodes({ node_id: _one, node_list: _several, ...others }: JsonObject): JsonObject {
  return others;
}

/** All that may stand on the page of the merged answer, wherever its items are. */
function firstPages(values: JsonObject): JsonObject {
  const { offset, limit, ...others } = values;
  if (offset === undefined && limit === undefined) return values;
  const page = pageOf(values);
  return { ...others, limit: page.limit === null ? null : page.offset + page.limit };
}
