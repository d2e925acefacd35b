/** Functions that count and compare agents. wazuh v4.14.7: framework/wazuh/agent.py. */
import type { ClusterObject, ClusterValue } from "#formats/wire/cluster/objects.ts";
import {
  AGENT_FORM,
  agentItem,
  agentList,
  managerItem,
  namedAgent,
  readAgentQuery,
  refusalOf,
  SHOWN,
  visibleAgents,
} from "../agents-seen.ts";
import { apiError, ItemsAnswer, type Messages } from "../answers.ts";
import { type ApiCallable, ApiRefusal, apiCallable } from "../callable.ts";
import { fieldOf, type ListForm, pageOfList } from "../listing.ts";
import type { AgentWorld } from "../world.ts";

const READ = "agent:read";
const SHARED = { action: READ, place: "master", forNodes: true } as const;
const BY_ITSELF = { field: null, casting: "str" } as const;

export function agentSummaryCallables(world: AgentWorld): readonly ApiCallable[] {
  return [platforms(world), combinations(world), outdated(world), synchronised(world)];
}

function platforms(world: AgentWorld): ApiCallable {
  const messages: Messages = {
    all: "Showing the operative system of all specified agents",
    some: "Could not get the operative system of some agents",
    none: "Could not get the operative system of the agents",
  };
  return apiCallable({
    ...SHARED,
    name: "wazuh.agent.get_agents_summary_os",
    parse: () => null,
    run: async (_, caller) => {
      const answer = new ItemsAnswer(messages, BY_ITSELF);
      const items = (await visibleAgents(world, caller, READ)).map(agentItem);
      const names = new Set(
        items.map((item) => fieldOf(item, "os.platform")).filter((name) => name !== null),
      );
      for (const name of [...names].sort()) answer.add(name);
      return answer.answer;
    },
  });
}

/** What stands for a field that an agent has not. */
const NOT_THERE = "N/A";

/** How many agents have the same in all of some fields. */
function combinations(world: AgentWorld): ApiCallable {
  return apiCallable({
    ...SHARED,
    name: "wazuh.agent.get_distinct_agents",
    parse: (values) => {
      const fields = values.texts("fields") ?? ["id"];
      const unknown = fields.find((field) => !AGENT_FORM.fields.has(field));
      if (unknown !== undefined) throw new ApiRefusal(apiError(1724, `Field: ${unknown}`));
      return { fields, query: readAgentQuery(values) };
    },
    run: async ({ fields, query }, caller) => {
      const { offset, limit, sort, search, ...wanted } = query;
      const agents = (await visibleAgents(world, caller, READ)).map(agentItem);
      const all = { ...wanted, offset: 0, limit: null, sort: null, search: null };
      const found = pageOfList([managerItem(world), ...agents], all, AGENT_FORM).items;
      const form: ListForm = { always: ["count"], fields: new Set([...fields, "count"]) };
      const shown = { ...wanted, filters: new Map(), where: null, offset, limit, sort, search };
      const { items, total } = pageOfList(counted(found, fields), shown, form);
      const answer = new ItemsAnswer(SHOWN, BY_ITSELF);
      answer.addPage(items, total);
      return answer.answer;
    },
  });
}

function counted(items: readonly ClusterObject[], fields: readonly string[]): readonly ClusterObject[] {
  const groups = new Map<string, { readonly values: readonly ClusterValue[]; count: number }>();
  for (const item of items) {
    const values = fields.map((field) => fieldOf(item, field) ?? NOT_THERE);
    const key = JSON.stringify(values);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { values, count: 1 });
    else group.count++;
  }
  return [...groups.values()].map(({ values, count }) => ({ ...nested(fields, values), count }));
}

/** `os.name` becomes a member of `os`. */
function nested(fields: readonly string[], values: readonly ClusterValue[]): ClusterObject {
  const plain = new Map<string, ClusterValue>();
  const os = new Map<string, ClusterValue>();
  for (const [index, field] of fields.entries()) {
    const value = values[index] ?? null;
    if (field.startsWith("os.")) os.set(field.slice("os.".length), value);
    else plain.set(field, value);
  }
  if (os.size > 0) plain.set("os", Object.fromEntries(os));
  return Object.fromEntries(plain);
}

/** Those of another version than the manager. */
function outdated(world: AgentWorld): ApiCallable {
  return apiCallable({
    ...SHARED,
    name: "wazuh.agent.get_outdated_agents",
    parse: readAgentQuery,
    run: async (query, caller) => {
      const agents = await visibleAgents(world, caller, READ);
      const others = agents.filter(({ info }) => info !== null && info.version !== world.manager.version);
      const { items, total } = pageOfList(others.map(agentItem), query, AGENT_FORM);
      const answer = new ItemsAnswer(SHOWN, { field: "id", casting: "int" });
      answer.addPage(items, total);
      return answer.answer;
    },
  });
}

/** Whether agents have said that they hold what their groups share. */
function synchronised(world: AgentWorld): ApiCallable {
  const messages: Messages = {
    all: "Sync info was returned for all selected agents",
    some: "Sync info was not returned for some selected agents",
    none: "No sync info was returned",
  };
  return apiCallable({
    ...SHARED,
    name: "wazuh.agent.get_agents_sync_group",
    parse: agentList,
    run: async (ids, caller) => {
      const answer = new ItemsAnswer(messages, { field: "id", casting: "int" });
      const wanted = ids ?? (await visibleAgents(world, caller, READ)).map(({ id }) => id);
      for (const id of wanted) {
        const named = namedAgent(world, caller, READ, id);
        if (named.kind === "agent")
          answer.add({ id: named.id, synced: named.record.groupConfigStatus === "synced" });
        else answer.fail(id, refusalOf(named.kind));
      }
      return answer.answer;
    },
  });
}
