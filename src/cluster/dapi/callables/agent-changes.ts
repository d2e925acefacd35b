/** Functions that add, remove and tell agents. wazuh v4.14.7: framework/wazuh/agent.py. */
import { isObject, type JsonObject } from "#formats/wire/cluster/json-value.ts";
import { type AffectedItems, PlainResult } from "#formats/wire/cluster/objects.ts";
import type { AgentId } from "#model/agent.ts";
import {
  AGENT_FORM,
  type AgentQuery,
  agentItem,
  agentList,
  isSilent,
  namedAgent,
  readAgentQuery,
  refusalOf,
  visibleAgents,
} from "../agents-seen.ts";
import { apiError, ItemsAnswer, type Messages } from "../answers.ts";
import { type ApiCallable, ApiRefusal, apiCallable, type Caller } from "../callable.ts";
import { pageOfList } from "../listing.ts";
import type { AgentWorld } from "../world.ts";

const BY_ITSELF = { field: null, casting: "int" } as const;

export function agentChangeCallables(world: AgentWorld): readonly ApiCallable[] {
  // The peer's API asks for a node's or a group's agents by other names; whom it means stands in the list of agents.
  const restarts = ["restart_agents", "restart_agents_by_node", "restart_agents_by_group"];
  return [
    ...restarts.map((name) =>
      telling(world, {
        name,
        action: "agent:restart",
        messages: sentMessages("Restart command"),
        act: (id) => world.restart(id),
      }),
    ),
    telling(world, {
      name: "reconnect_agents",
      action: "agent:reconnect",
      messages: sentMessages("Force reconnect command"),
      act: (id) => world.reconnect(id),
    }),
    addition(world),
    deletion(world),
  ];
}

export function sentMessages(what: string): Messages {
  return {
    all: `${what} was sent to all agents`,
    some: `${what} was not sent to some agents`,
    none: `${what} was not sent to any agent`,
  };
}

type Telling = {
  readonly name: string;
  readonly action: string;
  readonly messages: Messages;
  readonly act: (id: AgentId) => Promise<string | null>;
};

/** Something that each agent is told by the node it reports to. */
function telling(world: AgentWorld, { name, action, messages, act }: Telling): ApiCallable {
  return apiCallable({
    name: `wazuh.agent.${name}`,
    action,
    place: "anywhere",
    forNodes: true,
    parse: agentList,
    run: async (ids, caller) => await tellAgents(world, caller, { ids, action, messages, act }),
  });
}

/** At the same time; more would crowd out what agents send. */
const TOLD_AT_ONCE = 64;

/** Named agents that cannot be told are failed items; when all are meant, those that are connected are told. */
export async function tellAgents(
  world: AgentWorld,
  caller: Caller,
  { ids, action, messages, act }: Omit<Telling, "name"> & { readonly ids: readonly string[] | null },
): Promise<AffectedItems> {
  const answer = new ItemsAnswer(messages, BY_ITSELF);
  const told: AgentId[] = [];
  if (ids === null) {
    const active = (await visibleAgents(world, caller, action)).filter(({ status }) => status === "active");
    told.push(...active.map(({ id }) => id));
  }
  for (const id of ids ?? []) {
    const named = namedAgent(world, caller, action, id);
    if (named.kind !== "agent") answer.fail(id, refusalOf(named.kind));
    else if (named.record.status !== "active") answer.fail(id, apiError(1707));
    else told.push(named.id);
  }
  for (let at = 0; at < told.length; at += TOLD_AT_ONCE) {
    const some = told.slice(at, at + TOLD_AT_ONCE);
    const problems = await Promise.all(some.map(act));
    for (const [index, id] of some.entries()) {
      const problem = problems[index] ?? null;
      if (problem === null) answer.add(id);
      else answer.fail(id, apiError(1707, problem));
    }
  }
  return answer.answer;
}

/** wazuh v4.14.7: framework/wazuh/core/agent.py, name and key that the API takes. */
const NAME_CHARS_MAX = 128;
const KEY_CHARS_MIN = 64;

/** What the enrollment service says, by its codes, as the API says it. */
const ENROLLMENT_ERRORS: ReadonlyMap<number, number> = new Map([
  [9006, 1706],
  [9007, 1706],
  [9008, 1705],
  [9012, 1708],
]);

function addition(world: AgentWorld): ApiCallable {
  return apiCallable({
    name: "wazuh.agent.add_agent",
    action: "agent:create",
    place: "master",
    forNodes: true,
    parse: (values) => ({
      name: values.wantedText("name"),
      ip: values.text("ip") ?? "any",
      id: values.text("agent_id"),
      key: values.text("key"),
      force: values.object("force"),
    }),
    run: async ({ name, ip, id, key, force }, caller) => {
      if (!caller.may("agent:create")) throw new ApiRefusal(apiError(4000, "Resource type: *:*"));
      if (name.length > NAME_CHARS_MAX) throw new ApiRefusal(apiError(1738));
      if (key !== null && key.length < KEY_CHARS_MIN) throw new ApiRefusal(apiError(1709));
      const answer = await world.askEnrollment({
        function: "add",
        arguments: {
          name,
          ip,
          ...(id === null ? {} : { id }),
          ...(key === null ? {} : { key }),
          ...(force === null ? {} : { force: { key_mismatch: true, ...force } }),
        },
      });
      const data = dataOf(answer);
      const line = ["id", "name", "ip", "key"].map((part) => String(data[part])).join(" ");
      return new PlainResult({
        data: { id: String(data["id"]), key: Buffer.from(line, "latin1").toString("base64") },
      });
    },
  });
}

/** Of an answer of the enrollment service. */
function dataOf({ error, message, data }: JsonObject): JsonObject {
  if (error === 0) return isObject(data) ? data : {};
  const code = typeof error === "number" ? error : 9001;
  const known = ENROLLMENT_ERRORS.get(code);
  if (known !== undefined) throw new ApiRefusal(apiError(known));
  throw new ApiRefusal(apiError(code, typeof message === "string" ? message : null));
}

const DELETED: Messages = {
  all: "All selected agents were deleted",
  some: "Some agents were not deleted",
  none: "No agents were deleted",
};

type Deletion = {
  readonly ids: readonly string[] | null;
  readonly purge: boolean;
  readonly query: AgentQuery;
};

function deletion(world: AgentWorld): ApiCallable {
  return apiCallable({
    name: "wazuh.agent.delete_agents",
    action: "agent:delete",
    place: "master",
    forNodes: true,
    parse: (values): Deletion => ({
      ids: agentList(values),
      purge: values.flag("purge"),
      query: readAgentQuery(values),
    }),
    run: async (wanted, caller) => {
      const { ids, query } = wanted;
      const answer = new ItemsAnswer(DELETED, BY_ITSELF, { older_than: `${query.silentSeconds}s` });
      const all = ids ?? (await visibleAgents(world, caller, "agent:delete")).map(({ id }) => id);
      for (const id of all) await deleteAgent(world, caller, wanted, id, answer);
      return answer.answer;
    },
  });
}

async function deleteAgent(
  world: AgentWorld,
  caller: Caller,
  { ids, purge, query }: Deletion,
  text: string,
  answer: ItemsAnswer,
): Promise<void> {
  const named = namedAgent(world, caller, "agent:delete", text);
  if (named.kind !== "agent") {
    answer.fail(text, refusalOf(named.kind));
    return;
  }
  const { id, record } = named;
  const isMeant =
    isSilent(record, query, world.wallMs()) && pageOfList([agentItem(record)], query, AGENT_FORM).total === 1;
  if (!isMeant) {
    if (ids !== null) answer.fail(id, apiError(1731, "some of the requirements are not met"));
    return;
  }
  const removed = await world.askEnrollment({ function: "remove", arguments: { id, purge } });
  if (removed["error"] === 0) answer.add(id);
  else answer.fail(id, apiError(1757, String(removed["message"])));
}
