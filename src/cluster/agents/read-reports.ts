/**
 * What a worker says of its agents, checked: ids and states are what they can be, texts are bounded, anything else it says is not looked at. Pure.
 * Which node an agent reports to is not taken from here: it is the one that has sent this.
 */
import {
  isObject,
  type JsonObject,
  type JsonValue,
  memberOf,
  parseJson,
} from "#formats/wire/cluster/json-value.ts";
import { AGENT_ID_NUMBER_MAX, type AgentId, agentIdOf, parseConnectionStatus } from "#model/agent.ts";
import {
  type AgentInfo,
  type AgentLabel,
  GROUP_CONFIG_STATUSES,
  STATUS_CODES,
} from "#registry/agent-record.ts";
import type { AgentReport } from "#registry/agent-sync.ts";

/** Longer than any text that a keepalive of 64 KiB brings. */
const TEXT_BYTES_MAX = 65_536;
/** A keepalive of 64 KiB has fewer. */
const LABELS_MAX = 8192;
/** 9999-12-31: what is greater is no time. */
const SECONDS_MAX = 253_402_300_799;

/** Null for what is none of the lists, or no report of its list. */
export function readReport(list: string | null, value: JsonValue): AgentReport | null {
  if (!isObject(value)) return null;
  const id = idOf(value);
  if (id === null) return null;
  switch (list) {
    case null:
    case "syncreq":
      return fullReport(id, value);
    case "syncreq_keepalive":
      return { kind: "keepalive", id };
    case "syncreq_status":
      return statusReport(id, value);
    default:
      return null;
  }
}

/** Before 4.13 an element is the text of a list of agents. Null when it is not. */
export function agentsOfChunk(value: JsonValue): readonly JsonValue[] | null {
  const parsed = typeof value === "string" ? parseJson(Buffer.from(value, "utf8")) : undefined;
  return Array.isArray(parsed) ? parsed : null;
}

function idOf(value: JsonObject): AgentId | null {
  const id = memberOf(value, "id");
  // 0 is the manager itself.
  if (typeof id !== "number" || !Number.isInteger(id) || id < 1 || id > AGENT_ID_NUMBER_MAX) return null;
  return agentIdOf(id);
}

function statusReport(id: AgentId, value: JsonObject): AgentReport | null {
  const status = parseConnectionStatus(textOf(value, "connection_status") ?? "");
  const code = memberOf(value, "status_code") ?? 0;
  const statusCode = STATUS_CODES.find((known) => known === code);
  const disconnectionSeconds = secondsOf(value, "disconnection_time");
  if (status === null || statusCode === undefined || disconnectionSeconds === null) return null;
  return { kind: "status", id, status, statusCode, disconnectionSeconds };
}

/** An agent that has told nothing of itself yet has a state only. */
function fullReport(id: AgentId, value: JsonObject): AgentReport | null {
  const report = statusReport(id, value);
  if (report?.kind !== "status" || textOf(value, "version") === "") return report;
  const info = infoOf(value);
  const lastKeepaliveSeconds = secondsOf(value, "last_keepalive");
  const configStatus = memberOf(value, "group_config_status");
  const groupConfigStatus = GROUP_CONFIG_STATUSES.find((known) => known === configStatus);
  if (info === null || lastKeepaliveSeconds === null || groupConfigStatus === undefined) return null;
  return { ...report, kind: "full", info, lastKeepaliveSeconds, groupConfigStatus };
}

function infoOf(value: JsonObject): AgentInfo | null {
  let isWellFormed = true;
  const text = (name: string): string => {
    const read = textOf(value, name);
    if (read === null) isWellFormed = false;
    return read ?? "";
  };
  const info = {
    os: {
      name: text("os_name"),
      version: text("os_version"),
      major: text("os_major"),
      minor: text("os_minor"),
      codename: text("os_codename"),
      build: text("os_build"),
      platform: text("os_platform"),
      uname: text("os_uname"),
      arch: text("os_arch"),
    },
    version: text("version"),
    configSum: text("config_sum"),
    mergedSum: text("merged_sum"),
    managerHost: text("manager_host"),
    nodeName: "",
    agentAddress: text("ip"),
  };
  const labels = labelsOf(memberOf(value, "labels") ?? []);
  return labels === null || !isWellFormed ? null : { ...info, labels };
}

/** As log text; empty when it is left out, null when it is none. */
function textOf(value: JsonObject, name: string): string | null {
  return logText(memberOf(value, name) ?? "");
}

const ASCII = /^[\u0001-\u007f]*$/;

function logText(value: JsonValue): string | null {
  if (typeof value !== "string" || value.length > TEXT_BYTES_MAX) return null;
  return ASCII.test(value) ? value : Buffer.from(value.replaceAll("\0", ""), "utf8").toString("latin1");
}

function secondsOf(value: JsonObject, name: string): number | null {
  const seconds = memberOf(value, name) ?? 0;
  if (typeof seconds !== "number" || !Number.isInteger(seconds)) return null;
  return seconds >= 0 && seconds <= SECONDS_MAX ? seconds : null;
}

function labelsOf(value: JsonValue): readonly AgentLabel[] | null {
  if (!Array.isArray(value) || value.length > LABELS_MAX) return null;
  const labels: AgentLabel[] = [];
  for (const item of value) {
    if (!isObject(item)) return null;
    const key = textOf(item, "key");
    const text = textOf(item, "value");
    if (key === null || key === "" || text === null) return null;
    labels.push({ key, value: text });
  }
  return labels;
}
