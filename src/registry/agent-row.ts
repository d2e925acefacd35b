/** Rows of the agent table and the records they stand for. A row that makes no record means that the file was damaged or edited. */
import type { SQLInputValue, SQLOutputValue } from "node:sqlite";
import { CodedError } from "#kernel/errors.ts";
import {
  type GroupName,
  parseAgentId,
  parseAgentName,
  parseConnectionStatus,
  parseGroupName,
} from "#model/agent.ts";
import {
  type AgentInfo,
  type AgentLabel,
  type AgentRecord,
  GROUP_CONFIG_STATUSES,
  STATUS_CODES,
  SYNC_STATUSES,
} from "./agent-record.ts";

/** The values stand where the statement has their columns: SQLite's module takes half as long again for an object of so many members. */
export type AgentRow = {
  readonly places: ReadonlyMap<string, number>;
  readonly values: Readonly<Record<number, SQLOutputValue>>;
};

/** Undefined for a column that was not asked for. */
export function cell({ places, values }: AgentRow, column: string): SQLOutputValue | undefined {
  return values[places.get(column) ?? -1];
}

/** The columns that a keepalive fills, in the order of `infoValues`. */
export const INFO_COLUMNS = [
  "os_name",
  "os_version",
  "os_major",
  "os_minor",
  "os_codename",
  "os_build",
  "os_platform",
  "os_uname",
  "os_arch",
  "version",
  "config_sum",
  "merged_sum",
  "manager_host",
  "node_name",
  "agent_ip",
  "labels",
] as const;

export function infoValues(info: AgentInfo): SQLInputValue[] {
  const { os } = info;
  return [
    os.name,
    os.version,
    os.major,
    os.minor,
    os.codename,
    os.build,
    os.platform,
    os.uname,
    os.arch,
    info.version,
    info.configSum,
    info.mergedSum,
    info.managerHost,
    info.nodeName,
    info.agentAddress,
    JSON.stringify(info.labels.map(({ key, value }) => [key, value])),
  ];
}

export type AgentIdentity = Pick<AgentRecord, "id" | "name" | "address">;

export function identityOf(row: AgentRow): AgentIdentity {
  return {
    id: checked(row, "id", parseAgentId(text(row, "id"))),
    name: checked(row, "name", parseAgentName(text(row, "name"))),
    address: text(row, "ip"),
  };
}

/** Throws `CodedError` `registry_damaged`. */
export function recordOf(row: AgentRow): AgentRecord {
  return {
    ...identityOf(row),
    registeredSeconds: seconds(row, "register_time"),
    groups: groupsOf(row),
    status: checked(row, "status", parseConnectionStatus(text(row, "status"))),
    statusCode: oneOf(row, "status_code", STATUS_CODES),
    lastKeepaliveSeconds: seconds(row, "last_keepalive"),
    disconnectionSeconds: seconds(row, "disconnection_time") ?? 0,
    info: infoOf(row),
    syncStatus: oneOf(row, "sync_status", SYNC_STATUSES),
    groupConfigStatus: oneOf(row, "group_config_status", GROUP_CONFIG_STATUSES),
  };
}

export function groupsOf(row: AgentRow): readonly GroupName[] {
  const list = text(row, "groups");
  return list === "" ? [] : list.split(",").map((name) => checked(row, "groups", parseGroupName(name)));
}

function infoOf(row: AgentRow): AgentInfo | null {
  if (cell(row, "version") === null) return null;
  return {
    os: {
      name: text(row, "os_name"),
      version: text(row, "os_version"),
      major: text(row, "os_major"),
      minor: text(row, "os_minor"),
      codename: text(row, "os_codename"),
      build: text(row, "os_build"),
      platform: text(row, "os_platform"),
      uname: text(row, "os_uname"),
      arch: text(row, "os_arch"),
    },
    version: text(row, "version"),
    configSum: text(row, "config_sum"),
    mergedSum: text(row, "merged_sum"),
    managerHost: text(row, "manager_host"),
    nodeName: text(row, "node_name"),
    agentAddress: text(row, "agent_ip"),
    labels: labelsOf(row),
  };
}

function labelsOf(row: AgentRow): AgentLabel[] {
  const list: unknown = parseJson(row, text(row, "labels"));
  if (!Array.isArray(list)) throw damaged(row, "labels");
  return list.map((entry: unknown) => {
    if (!Array.isArray(entry)) throw damaged(row, "labels");
    const [key, value]: unknown[] = entry;
    if (typeof key !== "string" || typeof value !== "string") throw damaged(row, "labels");
    return { key, value };
  });
}

function parseJson(row: AgentRow, json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw damaged(row, "labels");
  }
}

function text(row: AgentRow, column: string): string {
  const value = cell(row, column);
  if (typeof value !== "string") throw damaged(row, column);
  return value;
}

function seconds(row: AgentRow, column: string): number | null {
  const value = cell(row, column);
  if (value === null) return null;
  if (typeof value !== "number") throw damaged(row, column);
  return value;
}

function oneOf<T extends string | number>(row: AgentRow, column: string, allowed: readonly T[]): T {
  const value = cell(row, column);
  return checked(row, column, allowed.find((each) => each === value) ?? null);
}

function checked<T>(row: AgentRow, column: string, value: T | null): T {
  if (value === null) throw damaged(row, column);
  return value;
}

function damaged(row: AgentRow, column: string): CodedError {
  return new CodedError("registry_damaged", `Agent row with an impossible ${column}`, {
    id: String(cell(row, "id")),
  });
}
