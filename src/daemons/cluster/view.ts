/** The cluster as the HAProxy helper of its master sees it. */
import type { ApiOutcome } from "#cluster/dapi/distributed-api.ts";
import type { NodeInfo } from "#cluster/nodes.ts";
import { type ClusterException, readException } from "#formats/wire/cluster/exceptions.ts";
import { isObject, type JsonObject, memberOf, parseJson } from "#formats/wire/cluster/json-value.ts";
import type { ActiveAgent, ClusterView } from "#haproxy-helper/needs.ts";
import { CodedError } from "#kernel/errors.ts";
import type { AgentId } from "#model/agent.ts";
import type { AgentInfo, AgentRecord } from "#registry/agent-record.ts";

type ListedAgent = Pick<AgentRecord, "id" | "status"> & {
  readonly info: Pick<AgentInfo, "nodeName" | "version"> | null;
};

/** The registry's agents, page by page. */
export type ListedAgents = { list(after: AgentId | null): readonly ListedAgent[] };

export type ClusterViewNeeds = {
  readonly nodes: () => readonly NodeInfo[];
  readonly agents: ListedAgents;
  /** Asks the distributed API of this node. */
  readonly ask: (request: JsonObject) => Promise<ApiOutcome>;
  /** Lets others go on between two pages of agents. */
  readonly pause: () => Promise<void>;
};

export function clusterView({ nodes, agents, ask, pause }: ClusterViewNeeds): ClusterView {
  return {
    nodes: async () => new Map(nodes().map(({ name, ip }) => [name, ip])),
    activeAgents: () => activeAgents(agents, pause),
    reconnect: async (ids) => {
      const outcome = await ask(reconnection(ids));
      const refusal = outcome.kind === "failed" ? outcome.error : exceptionOf(outcome.bytes);
      if (refusal !== null) throw new CodedError("cluster_refused", refusal.text);
    },
  };
}

function exceptionOf(bytes: Buffer): ClusterException | null {
  const answer = parseJson(bytes);
  return isObject(answer) ? readException(memberOf(answer, "__wazuh_exception__")) : null;
}

async function activeAgents(
  agents: ListedAgents,
  pause: () => Promise<void>,
): Promise<ReadonlyMap<string, readonly ActiveAgent[]>> {
  const found = new Map<string, ActiveAgent[]>();
  for (let page = agents.list(null); page.length > 0; page = agents.list(page.at(-1)?.id ?? null)) {
    for (const { id, status, info } of page) {
      if (status !== "active") continue;
      const node = info?.nodeName ?? "";
      const ofNode = found.get(node) ?? [];
      ofNode.push({ id, version: info?.version ?? "" });
      found.set(node, ofNode);
    }
    await pause();
  }
  return found;
}

function reconnection(ids: readonly AgentId[]): JsonObject {
  const name = "reconnect_agents";
  return {
    f: {
      __callable__: { __name__: name, __module__: "wazuh.agent", __qualname__: name, __type__: "function" },
    },
    f_kwargs: { agent_list: ids },
    request_type: "distributed_master",
    wait_for_complete: true,
  };
}
