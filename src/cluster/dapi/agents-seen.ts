/** Agents as the API shows them: rows of the registry as objects, and the manager itself as agent 000. Whom a caller may not see is not there. */
import { formatKeyEntry, type KeyEntry } from "#formats/client-keys/client-keys.ts";
import type { ClusterException } from "#formats/wire/cluster/exceptions.ts";
import { type ClusterObject, type ClusterValue, DateTime } from "#formats/wire/cluster/objects.ts";
import { type AgentId, parseAgentId } from "#model/agent.ts";
import type { AgentRecord } from "#registry/agent-record.ts";
import { apiError, type Messages } from "./answers.ts";
import type { Arguments } from "./arguments.ts";
import { ApiRefusal, type Caller } from "./callable.ts";
import { PAGE_ITEMS } from "./limits.ts";
import { type ListForm, type ListQuery, readListQuery } from "./listing.ts";
import type { AgentWorld } from "./world.ts";

/** The agent that stands for the manager. */
export const MANAGER_ID = "000";
/** wazuh v4.14.7: the keepalive of agent 000 is at the end of time. */
const MANAGER_KEEPALIVE = "9999-12-31T23:59:59+00:00";

export const AGENT_FORM: ListForm = {
  always: ["id"],
  fields: new Set([
    "id",
    "name",
    "ip",
    "status",
    "os.name",
    "os.version",
    "os.platform",
    "os.codename",
    "os.major",
    "os.minor",
    "os.uname",
    "os.arch",
    "os.build",
    "version",
    "manager",
    "dateAdd",
    "group",
    "mergedSum",
    "configSum",
    "node_name",
    "lastKeepAlive",
    "registerIP",
    "disconnection_time",
    "group_config_status",
    "status_code",
  ]),
};

export const SHOWN: Messages = {
  all: "All selected agents information was returned",
  some: "Some agents information was not returned",
  none: "No agent information was returned",
};

/** As which resources an agent is known to permissions. */
export function agentResources({ id, groups }: Pick<AgentRecord, "groups"> & { readonly id: string }) {
  return [`agent:id:${id}`, ...groups.map((group) => `agent:group:${group}`)];
}

export function agentItem(record: AgentRecord): ClusterObject {
  const { info } = record;
  const address = info === null || info.agentAddress === "" ? record.address : info.agentAddress;
  return present({
    id: record.id,
    name: record.name,
    ip: address,
    registerIP: record.address,
    status: record.status,
    status_code: record.statusCode,
    os: info === null ? null : present(mapTexts(info.os)),
    version: textOf(info?.version),
    manager: textOf(info?.managerHost),
    node_name: textOf(info?.nodeName) ?? "unknown",
    dateAdd: dateOf(record.registeredSeconds),
    lastKeepAlive: dateOf(record.lastKeepaliveSeconds),
    disconnection_time: dateOf(record.disconnectionSeconds),
    group: record.groups.length === 0 ? null : record.groups,
    mergedSum: textOf(info?.mergedSum),
    configSum: textOf(info?.configSum),
    group_config_status: record.groupConfigStatus,
  });
}

export function managerItem({ manager }: AgentWorld): ClusterObject {
  return {
    id: MANAGER_ID,
    name: manager.hostname,
    ip: "127.0.0.1",
    registerIP: "127.0.0.1",
    status: "active",
    status_code: 0,
    version: manager.version,
    manager: manager.hostname,
    node_name: manager.nodeName,
    lastKeepAlive: new DateTime(MANAGER_KEEPALIVE),
    group_config_status: "synced",
  };
}

/** What the registry does not know is left out. */
function present(members: Readonly<Record<string, ClusterValue>>): ClusterObject {
  const known = Object.entries(members).filter(
    ([, value]) => value !== null && !(typeof value === "object" && Object.keys(value).length === 0),
  );
  return Object.fromEntries(known);
}

function mapTexts(texts: Readonly<Record<string, string>>): Readonly<Record<string, ClusterValue>> {
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, textOf(text)]));
}

/** From one char a byte to text; null when nothing was told. */
function textOf(text: string | undefined): string | null {
  return text === undefined || text === "" ? null : Buffer.from(text, "latin1").toString("utf8");
}

function dateOf(seconds: number | null): DateTime | null {
  if (seconds === null || seconds <= 0) return null;
  return new DateTime(new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, "+00:00"));
}

/** Those that `caller` may `action`, in the order of their ids. */
export async function visibleAgents(
  world: AgentWorld,
  caller: Caller,
  action: string,
): Promise<readonly AgentRecord[]> {
  const visible: AgentRecord[] = [];
  for (
    let page = world.agents.list(null);
    page.length > 0;
    page = world.agents.list(page.at(-1)?.id ?? null)
  ) {
    for (const record of page) if (caller.may(action, agentResources(record))) visible.push(record);
    await world.pause();
  }
  return visible;
}

/** Null: all agents. */
export function agentList(values: Arguments): readonly string[] | null {
  const ids = values.texts("agent_list");
  return ids?.includes("*") ? null : ids;
}

/** A list's query, and how long its agents must not have been heard of; 0: whenever. */
export type AgentQuery = ListQuery & { readonly silentSeconds: number };

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** The filter `older_than` is no field's: `7d`, `60` (seconds). `limit` is for calls without one. */
export function readAgentQuery(values: Arguments, limit: number | null = PAGE_ITEMS): AgentQuery {
  const query = readListQuery(values, limit);
  const filters = new Map(query.filters);
  const [olderThan = "0"] = filters.get("older_than") ?? [];
  filters.delete("older_than");
  const [, number, unit = "s"] = /^([0-9]{1,9})([smhd])?$/.exec(olderThan) ?? [];
  if (number === undefined) throw new ApiRefusal(apiError(1411, olderThan));
  return { ...query, filters, silentSeconds: Number(number) * (UNIT_SECONDS[unit] ?? 1) };
}

export function isSilent(
  { status, registeredSeconds, lastKeepaliveSeconds }: AgentRecord,
  { silentSeconds }: AgentQuery,
  nowMs: number,
): boolean {
  if (silentSeconds === 0) return true;
  const seconds = (status === "never_connected" ? registeredSeconds : lastKeepaliveSeconds) ?? 0;
  return seconds < nowMs / 1000 - silentSeconds;
}

/** As an agent's own tool takes it; holds the key in clear. */
export function exportedKey(entry: KeyEntry): string {
  return Buffer.from(formatKeyEntry(entry).trimEnd(), "latin1").toString("base64");
}

export function refusalOf(kind: "manager" | "unknown" | "forbidden"): ClusterException {
  switch (kind) {
    case "manager":
      return apiError(1703);
    case "unknown":
      return apiError(1701);
    default:
      return apiError(4000, "Resource type: agent:id");
  }
}

export type NamedAgent =
  | { readonly kind: "agent"; readonly id: AgentId; readonly record: AgentRecord }
  | { readonly kind: "manager" | "unknown" | "forbidden" };

/** One that was asked for by its id. Throws what the registry throws. */
export function namedAgent(world: AgentWorld, caller: Caller, action: string, text: string): NamedAgent {
  if (Number(text) === 0) {
    const names = agentResources({ id: MANAGER_ID, groups: [] });
    return { kind: caller.may(action, names) ? "manager" : "forbidden" };
  }
  const id = parseAgentId(text);
  const record = id === null ? null : world.agents.find(id);
  const names = agentResources(record ?? { id: text, groups: [] });
  if (!caller.may(action, names)) return { kind: "forbidden" };
  return record === null ? { kind: "unknown" } : { kind: "agent", id: record.id, record };
}
