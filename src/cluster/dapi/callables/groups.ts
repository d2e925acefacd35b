/** Functions about groups. wazuh v4.14.7: framework/wazuh/agent.py. */
import { type ClusterObject, PlainResult } from "#formats/wire/cluster/objects.ts";
import { CodedError } from "#kernel/errors.ts";
import { type AgentId, type GroupName, parseGroupName } from "#model/agent.ts";
import { AGENT_FORM, agentItem, agentList, agentResources, namedAgent, refusalOf } from "../agents-seen.ts";
import { apiError, ItemsAnswer, type Messages } from "../answers.ts";
import { type Arguments, invalid } from "../arguments.ts";
import { type ApiCallable, ApiRefusal, apiCallable, type Caller } from "../callable.ts";
import { type ListForm, pageOfList, readListQuery } from "../listing.ts";
import type { AgentWorld, GroupWorld } from "../world.ts";

const MODIFY = "group:modify_assignments";
const BY_NAME = { field: "name", casting: "str" } as const;
const BY_ID = { field: "id", casting: "int" } as const;
const BY_ITSELF = { field: null, casting: "str" } as const;

export function groupCallables(agents: AgentWorld, groups: GroupWorld): readonly ApiCallable[] {
  return [
    groupList(groups),
    members(groups),
    files(groups),
    creation(groups),
    deletion(groups),
    assignment(agents, groups),
    removalOfOne(agents, groups),
    removalFromGroups(agents, groups),
    removalOfSeveral(agents, groups),
  ];
}

const SHARED = { place: "master", forNodes: true } as const;

/** As which resource a group is known to permissions. */
function mayGroup(caller: Caller, action: string, group: string): boolean {
  return caller.may(action, [`group:id:${group}`]);
}

/** Null: all. */
function groupNames(values: Arguments): readonly string[] | null {
  const names = values.texts("group_list");
  return names?.includes("*") ? null : names;
}

function oneGroup(values: Arguments): string {
  const [name, ...others] = values.texts("group_list") ?? [];
  if (name === undefined || others.length > 0) throw invalid("group_list");
  return name;
}

/** The sums that agents compare. */
function demandMd5(values: Arguments): void {
  const algorithm = values.text("hash_algorithm") ?? "md5";
  if (algorithm !== "md5") throw new ApiRefusal(apiError(1723, algorithm));
}

/** Throws `ApiRefusal` for a group that does not exist or may not be seen. */
function existing(groups: GroupWorld, caller: Caller, action: string, name: string): GroupName {
  const group = parseGroupName(name);
  if (!mayGroup(caller, action, name)) throw new ApiRefusal(apiError(4000, "Resource type: group:id"));
  if (group === null || !groups.exists(group)) throw new ApiRefusal(apiError(1710, name));
  return group;
}

/** What a change of groups refuses, by its number. Throws all else again. */
function refusalIn(error: unknown) {
  if (error instanceof ApiRefusal) return error.exception;
  const number = error instanceof CodedError ? /^group_refused_([0-9]{4})$/.exec(error.code)?.[1] : undefined;
  if (number === undefined) throw error;
  return apiError(Number(number));
}

function attempt<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw new ApiRefusal(refusalIn(error));
  }
}

const GROUP_FORM: ListForm = {
  always: ["name"],
  fields: new Set(["name", "count", "mergedSum", "configSum"]),
};

function groupList(groups: GroupWorld): ApiCallable {
  const messages: Messages = {
    all: "All selected groups information was returned",
    some: "Some groups information was not returned",
    none: "No group information was returned",
  };
  return apiCallable({
    ...SHARED,
    name: "wazuh.agent.get_agent_groups",
    action: "group:read",
    parse: (values) => {
      demandMd5(values);
      return { names: groupNames(values), query: readListQuery(values) };
    },
    run: ({ names, query }, caller) => {
      const answer = new ItemsAnswer(messages, BY_NAME);
      const known = groups.names().filter((name) => mayGroup(caller, "group:read", name));
      const isKnown = (name: string) => known.some((group) => group === name);
      for (const name of names ?? []) if (!isKnown(name)) answer.fail(name, apiError(1710));
      const shown = known.filter((group) => names === null || names.includes(group));
      const counts = groups.counts();
      const items = shown.map((group) => groupItem(groups, group, counts.get(group) ?? 0));
      const page = pageOfList(items, query, GROUP_FORM);
      answer.addPage(page.items, page.total);
      return answer.answer;
    },
  });
}

function groupItem(groups: GroupWorld, name: GroupName, count: number): ClusterObject {
  const sums = new Map(groups.files(name).map((file) => [file.name, file.sum]));
  return { name, count, mergedSum: sums.get("merged.mg") ?? null, configSum: sums.get("agent.conf") ?? null };
}

function members(groups: GroupWorld): ApiCallable {
  const messages: Messages = {
    all: "All selected agents information was returned",
    some: "Some agents information was not returned",
    none: "No agent information was returned",
  };
  return apiCallable({
    ...SHARED,
    name: "wazuh.agent.get_agents_in_group",
    action: "group:read",
    parse: (values) => ({ name: oneGroup(values), query: readListQuery(values) }),
    run: ({ name, query }, caller) => {
      const answer = new ItemsAnswer(messages, BY_ID);
      const group = existing(groups, caller, "group:read", name);
      const visible = groups
        .members(group)
        .filter((record) => caller.may("agent:read", agentResources(record)));
      const page = pageOfList(visible.map(agentItem), query, AGENT_FORM);
      answer.addPage(page.items, page.total);
      return answer.answer;
    },
  });
}

function files(groups: GroupWorld): ApiCallable {
  const messages: Messages = {
    all: "All selected groups files were returned",
    some: "Some groups files were not returned",
    none: "No groups files were returned",
  };
  const form: ListForm = { always: ["filename"], fields: new Set(["filename", "hash"]) };
  return apiCallable({
    ...SHARED,
    name: "wazuh.agent.get_group_files",
    action: "group:read",
    parse: (values) => {
      demandMd5(values);
      return { name: oneGroup(values), query: readListQuery(values) };
    },
    run: ({ name, query }, caller) => {
      const answer = new ItemsAnswer(messages, { field: "filename", casting: "str" });
      const group = existing(groups, caller, "group:read", name);
      const items = groups.files(group).map((file) => ({ filename: file.name, hash: file.sum }));
      const page = pageOfList(items, query, form);
      answer.addPage(page.items, page.total);
      return answer.answer;
    },
  });
}

function creation(groups: GroupWorld): ApiCallable {
  return apiCallable({
    ...SHARED,
    name: "wazuh.agent.create_group",
    action: "group:create",
    parse: (values) => values.wantedText("group_id"),
    run: (name, caller) => {
      if (!caller.may("group:create")) throw new ApiRefusal(apiError(4000, "Resource type: *:*"));
      const group = name === "all" ? null : parseGroupName(name);
      if (group === null) throw new ApiRefusal(apiError(1722));
      attempt(() => groups.create(group));
      return new PlainResult({ message: `Group '${group}' created.` });
    },
  });
}

function deletion(groups: GroupWorld): ApiCallable {
  const messages: Messages = {
    all: "All selected groups were deleted",
    some: "Some groups were not deleted",
    none: "No group was deleted",
  };
  return apiCallable({
    ...SHARED,
    name: "wazuh.agent.delete_groups",
    action: "group:delete",
    parse: groupNames,
    run: (names, caller) => {
      const answer = new ItemsAnswer(messages, BY_ITSELF);
      const all = () =>
        groups.names().filter((group) => mayGroup(caller, "group:delete", group) && group !== "default");
      for (const name of names ?? all()) {
        try {
          const group = existing(groups, caller, "group:delete", name);
          answer.add({ [group]: groups.remove(group) });
        } catch (error) {
          answer.fail(name, refusalIn(error));
        }
      }
      return answer.answer;
    },
  });
}

/** Does `act` to each agent; those that it refuses are failed items. */
function eachAgent(
  agents: AgentWorld,
  caller: Caller,
  ids: readonly string[],
  messages: Messages,
  act: (id: AgentId) => void,
) {
  const answer = new ItemsAnswer(messages, { field: null, casting: "int" });
  for (const id of ids) {
    const named = namedAgent(agents, caller, "agent:modify_group", id);
    if (named.kind !== "agent") {
      answer.fail(id, refusalOf(named.kind));
      continue;
    }
    try {
      act(named.id);
      answer.add(named.id);
    } catch (error) {
      answer.fail(id, refusalIn(error));
    }
  }
  return answer.answer;
}

function assignment(agents: AgentWorld, groups: GroupWorld): ApiCallable {
  return apiCallable({
    ...SHARED,
    name: "wazuh.agent.assign_agents_to_group",
    action: MODIFY,
    parse: (values) => ({
      name: oneGroup(values),
      ids: agentList(values) ?? [],
      single: values.flag("replace"),
      // Which groups an agent leaves is known here.
      _: values.texts("replace_list"),
    }),
    run: ({ name, ids, single }, caller) => {
      const group = existing(groups, caller, MODIFY, name);
      const rest = single ? " and removed from the other groups" : "";
      const messages: Messages = {
        all: `All selected agents were assigned to ${group}${rest}`,
        some: `Some agents were not assigned to ${group}${rest}`,
        none: `No agents were assigned to ${group}`,
      };
      return eachAgent(agents, caller, ids, messages, (id) => groups.assign(id, group, { single }));
    },
  });
}

function oneAgent(values: Arguments): string {
  const [id, ...others] = values.texts("agent_list") ?? [];
  if (id === undefined || others.length > 0) throw invalid("agent_list");
  return id;
}

function agentOf(agents: AgentWorld, caller: Caller, text: string): AgentId {
  const named = namedAgent(agents, caller, "agent:modify_group", text);
  if (named.kind === "agent") return named.id;
  throw new ApiRefusal(refusalOf(named.kind));
}

function removalOfOne(agents: AgentWorld, groups: GroupWorld): ApiCallable {
  return apiCallable({
    ...SHARED,
    name: "wazuh.agent.remove_agent_from_group",
    action: MODIFY,
    parse: (values) => ({ name: oneGroup(values), id: oneAgent(values) }),
    run: ({ name, id: text }, caller) => {
      const id = agentOf(agents, caller, text);
      const group = existing(groups, caller, MODIFY, name);
      const { had, left } = attempt(() => ({
        had: agents.agents.find(id)?.groups.length ?? 0,
        left: groups.unassign(id, group),
      }));
      // The last group is followed by the default one.
      const again = had === 1 ? ` Agent reassigned to group ${left.join(",")}.` : "";
      return new PlainResult({ message: `Agent '${id}' removed from '${group}'.${again}` });
    },
  });
}

function removalFromGroups(agents: AgentWorld, groups: GroupWorld): ApiCallable {
  const messages: Messages = {
    all: "Specified agent was removed from returned groups",
    some: "Specified agent was not removed from some groups",
    none: "Specified agent was not removed from any group",
  };
  return apiCallable({
    ...SHARED,
    name: "wazuh.agent.remove_agent_from_groups",
    action: MODIFY,
    parse: (values) => ({ id: oneAgent(values), names: groupNames(values) }),
    run: ({ id: text, names }, caller) => {
      const id = agentOf(agents, caller, text);
      const answer = new ItemsAnswer(messages, BY_ITSELF);
      for (const name of names ?? agents.agents.find(id)?.groups ?? []) {
        try {
          groups.unassign(id, existing(groups, caller, MODIFY, name));
          answer.add(name);
        } catch (error) {
          answer.fail(name, refusalIn(error));
        }
      }
      return answer.answer;
    },
  });
}

function removalOfSeveral(agents: AgentWorld, groups: GroupWorld): ApiCallable {
  return apiCallable({
    ...SHARED,
    name: "wazuh.agent.remove_agents_from_group",
    action: MODIFY,
    parse: (values) => ({ name: oneGroup(values), ids: agentList(values) }),
    run: ({ name, ids }, caller) => {
      const group = existing(groups, caller, MODIFY, name);
      const messages: Messages = {
        all: `All selected agents were removed from group ${group}`,
        some: `Some agents were not removed from group ${group}`,
        none: `No agent was removed from group ${group}`,
      };
      const all = ids ?? groups.members(group).map(({ id }) => id);
      return eachAgent(agents, caller, all, messages, (id) => groups.unassign(id, group));
    },
  });
}
