/** Functions that show agents. wazuh v4.14.7: framework/wazuh/agent.py, core/agent.py. */
import { type ClusterObject, PlainResult } from "#formats/wire/cluster/objects.ts";
import {
  AGENT_FORM,
  type AgentQuery,
  agentItem,
  agentList,
  agentResources,
  exportedKey,
  isSilent,
  MANAGER_ID,
  managerItem,
  namedAgent,
  readAgentQuery,
  refusalOf,
  SHOWN,
  visibleAgents,
} from "../agents-seen.ts";
import { ItemsAnswer, type Messages } from "../answers.ts";
import { type ApiCallable, apiCallable, type Caller } from "../callable.ts";
import { pageOfList } from "../listing.ts";
import type { AgentWorld } from "../world.ts";

const READ = "agent:read";
const BY_ID = { field: "id", casting: "int" } as const;

export function agentCallables(world: AgentWorld): readonly ApiCallable[] {
  return [overview(world), list(world), summary(world), keys(world)];
}

/** What `cluster_control -a` asks for: no list of the API's kind, and agents of any node. */
function overview(world: AgentWorld): ApiCallable {
  return apiCallable({
    name: "wazuh.core.agent.Agent.get_agents_overview",
    action: READ,
    place: "master",
    forNodes: true,
    parse: (values) => {
      values.flag("count");
      values.flag("get_data");
      return readAgentQuery(values, null);
    },
    run: async (query, caller) => {
      const { items, total } = pageOfList(await allItems(world, caller, query), query, AGENT_FORM);
      return new PlainResult({ items, totalItems: total });
    },
  });
}

async function allItems(
  world: AgentWorld,
  caller: Caller,
  query: AgentQuery,
): Promise<readonly ClusterObject[]> {
  const records = await visibleAgents(world, caller, READ);
  const items = records.filter((record) => isSilent(record, query, world.wallMs())).map(agentItem);
  const manager = agentResources({ id: MANAGER_ID, groups: [] });
  const isShown = query.silentSeconds === 0 && caller.may(READ, manager);
  return isShown ? [managerItem(world), ...items] : items;
}

function list(world: AgentWorld): ApiCallable {
  return apiCallable({
    name: "wazuh.agent.get_agents",
    action: READ,
    place: "master",
    forNodes: true,
    parse: (values) => ({ ids: agentList(values), query: readAgentQuery(values) }),
    run: async ({ ids, query }, caller) => {
      const answer = new ItemsAnswer(SHOWN, BY_ID);
      const items =
        ids === null
          ? await allItems(world, caller, query)
          : namedItems(world, caller, { ids, query }, answer);
      const page = pageOfList(items, query, AGENT_FORM);
      answer.addPage(page.items, page.total);
      return answer.answer;
    },
  });
}

function namedItems(
  world: AgentWorld,
  caller: Caller,
  { ids, query }: { readonly ids: readonly string[]; readonly query: AgentQuery },
  answer: ItemsAnswer,
): readonly ClusterObject[] {
  return ids.flatMap((id) => {
    const named = namedAgent(world, caller, READ, id);
    if (named.kind === "agent") {
      return isSilent(named.record, query, world.wallMs()) ? [agentItem(named.record)] : [];
    }
    if (named.kind === "manager") return [managerItem(world)];
    answer.fail(id, refusalOf(named.kind));
    return [];
  });
}

function summary(world: AgentWorld): ApiCallable {
  return apiCallable({
    name: "wazuh.agent.get_agents_summary_status",
    action: READ,
    place: "master",
    forNodes: true,
    parse: (values) => new Set(agentList(values) ?? []),
    run: async (ids, caller) => {
      const connection = { active: 0, disconnected: 0, never_connected: 0, pending: 0, total: 0 };
      const configuration = { synced: 0, not_synced: 0, total: 0 };
      for (const { id, status, groupConfigStatus } of await visibleAgents(world, caller, READ)) {
        if (ids.size > 0 && !ids.has(id)) continue;
        connection[status]++;
        connection.total++;
        configuration[groupConfigStatus === "synced" ? "synced" : "not_synced"]++;
        configuration.total++;
      }
      return new PlainResult({ data: { connection, configuration } });
    },
  });
}

const KEYS: Messages = {
  all: "Obtained keys for all selected agents",
  some: "Some agent keys were not obtained",
  none: "No agent keys were obtained",
};

function keys(world: AgentWorld): ApiCallable {
  return apiCallable({
    name: "wazuh.agent.get_agents_keys",
    action: READ,
    place: "master",
    forNodes: true,
    parse: agentList,
    run: (ids, caller) => {
      const answer = new ItemsAnswer(KEYS, BY_ID);
      for (const id of ids ?? []) {
        const named = namedAgent(world, caller, READ, id);
        const entry = named.kind === "agent" ? world.keys.byId(named.id) : null;
        if (entry !== null) answer.add({ id, key: exportedKey(entry) });
        else answer.fail(id, refusalOf(named.kind === "agent" ? "unknown" : named.kind));
      }
      return answer.answer;
    },
  });
}
