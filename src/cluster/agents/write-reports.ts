/** Agents as a worker tells its master of them. Pure; the order of the members and the spacing are the peer's. */
import { pythonJson } from "#formats/wire/cluster/python-json.ts";
import type { WireForm } from "#formats/wire/cluster/wire-form.ts";
import type { AgentRecord } from "#registry/agent-record.ts";
import type { OwedReport } from "#registry/agent-sync.ts";

/** An answer of the peer's database: 64 KiB less what stands around it (wazuh v4.9.2: src/wazuh_db/wdb.h). */
export const CHUNK_CHARS_MAX = 65_536 - 512;

/** In the order in which they stand. */
export const REPORT_LISTS: readonly OwedReport[] = ["syncreq", "syncreq_keepalive", "syncreq_status"];

type Members = Readonly<Record<string, string | number | null | undefined>>;

/** Members without a value are left out, as empty texts are in the peer's database. */
function objectText(members: Members, form: WireForm): string {
  const [before, behind] = form === "lists" ? [', "', '": '] : [',"', '":'];
  let written = "";
  for (const name in members) {
    const value = members[name] ?? "";
    if (value === "") continue;
    written += before + name + behind + (typeof value === "number" ? value : textJson(value));
  }
  return `{${written.slice(before.length - 1)}}`;
}

const PLAIN = /^[ !#-[\]-~]*$/;

/** Log texts have one char a byte. */
function textJson(bytes: string): string {
  return PLAIN.test(bytes) ? `"${bytes}"` : pythonJson(Buffer.from(bytes, "latin1").toString("utf8"));
}

/** One agent as it stands in the list of its kind; before the lists there was one form for all. */
function reportText(kind: OwedReport, agent: AgentRecord, form: WireForm): string {
  const version = agent.info?.version;
  const id = Number(agent.id);
  if (form === "chunks" || kind === "syncreq") return fullText(agent, form);
  if (kind === "syncreq_keepalive") return objectText({ id, version }, form);
  return objectText(
    {
      id,
      version,
      connection_status: agent.status,
      disconnection_time: agent.disconnectionSeconds,
      status_code: agent.statusCode,
    },
    form,
  );
}

function fullText(agent: AgentRecord, form: WireForm): string {
  const { id, name, info } = agent;
  const text = objectText(
    {
      id: Number(id),
      name,
      ip: info?.agentAddress,
      os_name: info?.os.name,
      os_version: info?.os.version,
      os_major: info?.os.major,
      os_minor: info?.os.minor,
      os_codename: info?.os.codename,
      os_build: info?.os.build,
      os_platform: info?.os.platform,
      os_uname: info?.os.uname,
      os_arch: info?.os.arch,
      version: info?.version,
      config_sum: info?.configSum,
      merged_sum: info?.mergedSum,
      manager_host: info?.managerHost,
      node_name: info?.nodeName,
      last_keepalive: agent.lastKeepaliveSeconds,
      connection_status: agent.status,
      disconnection_time: agent.disconnectionSeconds,
      group_config_status: agent.groupConfigStatus,
      status_code: agent.statusCode,
    },
    form,
  );
  return info === null || info.labels.length === 0 ? text : withLabels(text, agent, form);
}

function withLabels(text: string, { id, info }: AgentRecord, form: WireForm): string {
  const [comma, colon] = form === "lists" ? [", ", ": "] : [",", ":"];
  const idMember = form === "lists" ? {} : { id: Number(id) };
  const labels = (info?.labels ?? []).map(({ key, value }) => {
    const members = objectText({ ...idMember, key }, form).slice(0, -1);
    // An empty value is a value.
    return `${members}${comma}"value"${colon}${textJson(value)}}`;
  });
  return `${text.slice(0, -1)}${comma}"labels"${colon}[${labels.join(comma)}]}`;
}

/** Bytes, because a text of the whole string would be copied several times at once. */
export type ReportPart = { readonly bytes: Buffer; readonly chunks: number };

/** Some agents of one kind as they stand in the string; a comma divides them from what follows. */
export function reportPart(kind: OwedReport, agents: readonly AgentRecord[], form: WireForm): ReportPart {
  const texts = agents.map((agent) => reportText(kind, agent, form));
  if (form === "lists") return { bytes: Buffer.from(texts.join(", "), "latin1"), chunks: 0 };
  const chunks = packChunks(texts);
  const text = chunks.map((chunk) => JSON.stringify(chunk)).join(", ");
  return { bytes: Buffer.from(text, "latin1"), chunks: chunks.length };
}

const HEAD = '{"set_data_command": "global sync-agent-info-set", "payload": {}, "chunks": ';
const COMMA = Buffer.from(", ");

/** The whole string. `chunks` is what the receiver counts as such. */
export function writeReportString(
  parts: ReadonlyMap<OwedReport, readonly ReportPart[]>,
  form: WireForm,
): { readonly bytes: Buffer; readonly chunks: number } {
  const partsOf = (kind: OwedReport) => parts.get(kind) ?? [];
  if (form === "lists") {
    const lists = REPORT_LISTS.flatMap((kind, at) => [
      Buffer.from(`${at === 0 ? "" : ", "}"${kind}": [`),
      ...divided(partsOf(kind)),
      Buffer.from("]"),
    ]);
    const bytes = Buffer.concat([Buffer.from(`${HEAD}{`), ...lists, Buffer.from("}}")]);
    return { bytes, chunks: REPORT_LISTS.length };
  }
  const all = REPORT_LISTS.flatMap(partsOf);
  const bytes = Buffer.concat([Buffer.from(`${HEAD}[`), ...divided(all), Buffer.from("]}")]);
  return { bytes, chunks: all.reduce((sum, { chunks }) => sum + chunks, 0) };
}

function divided(parts: readonly ReportPart[]): readonly Buffer[] {
  return parts.flatMap(({ bytes }, at) => (at === 0 ? [bytes] : [COMMA, bytes]));
}

/** Texts of agents in lists of at most `CHUNK_CHARS_MAX`; a text that is longer stands alone. */
function packChunks(texts: readonly string[]): readonly string[] {
  const chunks: string[] = [];
  let chunk: string[] = [];
  let chars = 2;
  for (const text of texts) {
    if (chunk.length > 0 && chars + text.length + 1 > CHUNK_CHARS_MAX) {
      chunks.push(`[${chunk.join(",")}]`);
      chunk = [];
      chars = 2;
    }
    chunk.push(text);
    chars += text.length + 1;
  }
  if (chunk.length > 0) chunks.push(`[${chunk.join(",")}]`);
  return chunks;
}
