/** Agents' groups as a master tells its workers of them: texts of a database's answers, `[{"data":[{"id":1,"groups":["a"]}],"hash":…}]`. Pure. */
import {
  isObject,
  isTextList,
  type JsonValue,
  memberOf,
  parseJson,
} from "#formats/wire/cluster/json-value.ts";
import type { WireForm } from "#formats/wire/cluster/wire-form.ts";
import {
  AGENT_ID_NUMBER_MAX,
  type AgentId,
  agentIdOf,
  type GroupName,
  parseGroupName,
} from "#model/agent.ts";
import type { AgentGroups } from "#registry/agent-sync.ts";
import { CHUNK_CHARS_MAX } from "./write-reports.ts";

/** Of one agent; wazuh v4.14.7: src/headers/shared.h (MAX_GROUPS_PER_MULTIGROUP). */
const GROUPS_MAX = 128;

export type GroupsOfAgent = { readonly id: AgentId; readonly groups: readonly GroupName[] };
export type GroupChunk = {
  readonly agents: readonly GroupsOfAgent[];
  /** Of what was sent for no agent: not an id, or not groups. */
  readonly refused: number;
  /** Of the master's whole table; only the last chunk has one. Null when no agent has groups. */
  readonly hash: string | null | undefined;
};

const HASH = /^[0-9a-f]{40}$/;

function entryText({ id, name, groups }: AgentGroups, form: WireForm): string {
  const named = form === "lists" ? { id: Number(id), name, groups } : { id: Number(id), groups };
  return JSON.stringify(named);
}

/** `hash` undefined: none is sent. Names of agents and groups are ASCII. */
export function groupChunks(
  agents: readonly AgentGroups[],
  form: WireForm,
  hash: string | null | undefined,
): readonly string[] {
  const chunks: string[] = [];
  let entries: string[] = [];
  let chars = 0;
  const close = (end: string) => {
    chunks.push(`[{"data":[${entries.join(",")}]${end}}]`);
    entries = [];
    chars = 0;
  };
  for (const agent of agents) {
    const text = entryText(agent, form);
    if (chars + text.length > CHUNK_CHARS_MAX - 64 && entries.length > 0) close("");
    entries.push(text);
    chars += text.length + 1;
  }
  if (hash !== undefined) close(`,"hash":${JSON.stringify(hash)}`);
  else if (entries.length > 0) close("");
  return chunks;
}

export function writeGroupString(chunks: readonly string[]): Buffer {
  const payload = '{"mode": "override", "sync_status": "synced"}';
  const texts = chunks.map((chunk) => JSON.stringify(chunk)).join(", ");
  const head = `{"set_data_command": "global set-agent-groups", "payload": ${payload}`;
  return Buffer.from(`${head}, "chunks": [${texts}]}`, "latin1");
}

/** Null when it is no such text. */
export function readGroupChunk(value: JsonValue): GroupChunk | null {
  const parsed = typeof value === "string" ? parseJson(Buffer.from(value, "utf8")) : undefined;
  const [chunk] = Array.isArray(parsed) ? parsed : [];
  if (!isObject(chunk)) return null;
  const data = memberOf(chunk, "data");
  const hash = memberOf(chunk, "hash");
  if (!Array.isArray(data)) return null;
  if (hash !== undefined && hash !== null && (typeof hash !== "string" || !HASH.test(hash))) return null;
  const agents = data.flatMap((entry: JsonValue) => readEntry(entry) ?? []);
  return { agents, refused: data.length - agents.length, hash };
}

function readEntry(entry: JsonValue): GroupsOfAgent | null {
  if (!isObject(entry)) return null;
  const id = memberOf(entry, "id");
  const names = memberOf(entry, "groups");
  if (typeof id !== "number" || !Number.isInteger(id) || id < 1 || id > AGENT_ID_NUMBER_MAX) return null;
  if (!isTextList(names) || names.length > GROUPS_MAX) return null;
  const groups = names.flatMap((name) => parseGroupName(name) ?? []);
  return groups.length === names.length ? { id: agentIdOf(id), groups } : null;
}
