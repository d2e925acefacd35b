/** What `cluster_control` prints, as the peer's does (wazuh v4.14.7: framework/scripts/cluster_control.py). Pure; texts are no bytes yet. */
import { pythonFloat } from "#formats/python-text.ts";
import { isObject, type JsonObject, type JsonValue, memberOf } from "#formats/wire/cluster/json-value.ts";

/** Between two columns, and behind the last one. */
const COLUMN_GAP = 2;
const NO_DATE = "n/a";
/** Shown where a field is missing. */
const UNKNOWN = "unknown";
/** What took less counts as so much. */
const SECONDS_MIN = 0.001;

const NODE_FIELDS = ["name", "type", "version", "ip"] as const;
const AGENT_FIELDS = ["id", "name", "ip", "status", "version", "node_name"] as const;

/** Of `get_nodes`. */
export function nodesText(items: readonly JsonValue[]): string {
  return table(["NAME", "TYPE", "VERSION", "ADDRESS"], rowsOf(items, NODE_FIELDS));
}

/** Of the agents' overview. */
export function agentsText(items: readonly JsonValue[]): string {
  return table(["ID", "NAME", "IP", "STATUS", "VERSION", "NODE NAME"], rowsOf(items, AGENT_FIELDS));
}

function rowsOf(items: readonly JsonValue[], fields: readonly string[]): string[][] {
  return items.filter(isObject).map((item) => fields.map((field) => textOf(item, field, UNKNOWN)));
}

/** Each column as wide as its longest cell. */
function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heads.map((head, column) =>
    rows.reduce((width, row) => Math.max(width, (row[column] ?? "").length), head.length),
  );
  const line = (cells: readonly string[]) =>
    widths.map((width, column) => (cells[column] ?? "").padEnd(width + COLUMN_GAP)).join("");
  return `${[heads, ...rows].map(line).join("\n")}\n`;
}

/** Names come from other hosts, so nothing of them reaches the terminal as a command. */
function textOf(object: JsonObject, key: string, missing = NO_DATE): string {
  const value = memberOf(object, key);
  if (typeof value === "string") return value.replace(/[\u0000-\u001f\u007f-\u009f]/g, "?");
  return typeof value === "number" ? String(value) : missing;
}

function partOf(object: JsonObject, key: string): JsonObject {
  const value = memberOf(object, key);
  return isObject(value) ? value : {};
}

type Node = { readonly name: string; readonly info: JsonObject; readonly status: JsonObject };

/** By name; `health` is the answer of `get_health`. */
function nodesOf(health: JsonObject): readonly Node[] {
  return Object.entries(partOf(health, "nodes"))
    .flatMap(([name, node]) =>
      isObject(node) ? [{ name, info: partOf(node, "info"), status: partOf(node, "status") }] : [],
    )
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function isWorker({ info }: Node): boolean {
  return memberOf(info, "type") !== "master";
}

/** `cluster_control -i`. */
export function healthText(clusterName: string, health: JsonObject): string {
  const lines = nodesOf(health).filter(isWorker).map(shortHealth);
  const count = textOf(health, "n_connected_nodes");
  const head = `Cluster name: ${clusterName}\n\nLast completed synchronization for connected nodes (${count}):\n`;
  return `${head}${lines.join("")}\n`;
}

function shortHealth({ name, info, status }: Node): string {
  const end = (part: string, key: string) => textOf(partOf(status, part), key);
  const parts = [
    `Integrity check: ${end("last_check_integrity", "date_end_master")}`,
    `Integrity sync: ${end("last_sync_integrity", "date_end_master")}`,
    `Agents-info: ${end("last_sync_agentinfo", "date_end_master")}`,
    `Agent-groups: ${end("last_sync_agentgroup", "date_end")}`,
    `Agent-groups full: ${end("last_sync_full_agentgroup", "date_end")}`,
    `Last keep alive: ${textOf(status, "last_keep_alive")}`,
  ];
  return `    ${name} (${textOf(info, "ip")}): ${parts.join(" | ")}.\n`;
}

/** `cluster_control -i more`. */
export function detailedHealthText(clusterName: string, health: JsonObject): string {
  const count = textOf(health, "n_connected_nodes");
  const nodes = nodesOf(health).map((node) => `\n${longHealth(node).join("\n")}\n`);
  return `Cluster name: ${clusterName}\n\nConnected nodes (${count}):\n${nodes.join("")}\n`;
}

function longHealth(node: Node): string[] {
  const { name, info } = node;
  const general = [
    `    ${name} (${textOf(info, "ip")})`,
    `        Version: ${textOf(info, "version")}`,
    `        Type: ${textOf(info, "type")}`,
    `        Active agents: ${textOf(info, "n_active_agents")}`,
  ];
  return isWorker(node) ? [...general, ...statusLines(node.status)] : general;
}

function statusLines(status: JsonObject): string[] {
  const check = partOf(status, "last_check_integrity");
  const sync = partOf(status, "last_sync_integrity");
  const files = partOf(sync, "total_files");
  const info = partOf(status, "last_sync_agentinfo");
  const groups = partOf(status, "last_sync_agentgroup");
  const allGroups = partOf(status, "last_sync_full_agentgroup");
  const counts = `Shared: ${textOf(files, "shared")} | Missing: ${textOf(files, "missing")} | Extra: ${textOf(files, "extra")}`;
  const master = ["date_start_master", "date_end_master"] as const;
  const chunks = (part: JsonObject) => `Number of synchronized chunks: ${textOf(part, "n_synced_chunks")}.`;
  return [
    "        Status:",
    ...section("Last keep Alive", [`Last received: ${textOf(status, "last_keep_alive")}.`]),
    ...section("Integrity check", [
      `Last integrity check: ${periodText(check, ...master)}.`,
      `Permission to check integrity: ${flagText(status, "sync_integrity_free")}.`,
    ]),
    ...section("Integrity sync", [
      `Last integrity synchronization: ${periodText(sync, ...master)}.`,
      `Synchronized files: ${counts}.`,
    ]),
    ...section("Agents-info", [
      `Last synchronization: ${periodText(info, ...master)}.`,
      chunks(info),
      `Permission to synchronize agent-info: ${flagText(status, "sync_agent_info_free")}.`,
    ]),
    ...section("Agents-groups", [`Last synchronization: ${periodText(groups)}.`, chunks(groups)]),
    ...section("Agents-groups full", [`Last synchronization: ${periodText(allGroups)}.`, chunks(allGroups)]),
  ];
}

function section(title: string, lines: readonly string[]): string[] {
  return [`            ${title}:`, ...lines.map((line) => `                ${line}`)];
}

function flagText(object: JsonObject, key: string): string {
  return memberOf(object, key) === true ? "True" : "False";
}

function periodText(part: JsonObject, startKey = "date_start", endKey = "date_end"): string {
  const [start, end] = [textOf(part, startKey), textOf(part, endKey)];
  return `${durationText(start, end)} (${start} - ${end})`;
}

function durationText(start: string, end: string): string {
  const seconds = (Date.parse(end) - Date.parse(start)) / 1000;
  if (Number.isNaN(seconds)) return NO_DATE;
  return `${pythonFloat(Math.max(Math.round(seconds * 1000) / 1000, SECONDS_MIN))}s`;
}
