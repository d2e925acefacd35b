/**
 * `etc/shared/files.yml`: files of groups that are fetched from web servers (wazuh v4.14.7: src/remoted/shared_download.c), and agents that are
 * put into groups (as the peer did up to 4.3). Pure.
 */
import { isMergedPath } from "#formats/merged-mg/merged-mg.ts";
import type { Problem } from "#formats/source-position.ts";
import { type YamlNode, YamlReader } from "#formats/yaml/yaml-reader.ts";
import { type AgentId, type GroupName, parseAgentId, parseGroupName } from "#model/agent.ts";
import { DOWNLOADED_FILES_MAX, GROUPS_PER_AGENT_MAX, PLACED_AGENTS_MAX } from "./limits.ts";

const POLL_SECONDS_DEFAULT = 1800;
const POLL_SECONDS_MAX = 31_536_000;

export type DownloadedFile = { readonly name: string; readonly url: URL };

export type DownloadedGroup = {
  readonly name: GroupName;
  readonly files: readonly DownloadedFile[];
  readonly pollSeconds: number;
};

/** The groups that an agent is to have, and no others. */
export type PlacedAgent = { readonly id: AgentId; readonly groups: readonly GroupName[] };

export type DownloadListOutcome = {
  /** What could be read of it. */
  readonly groups: readonly DownloadedGroup[];
  readonly agents: readonly PlacedAgent[];
  readonly problems: readonly Problem[];
};

export function readDownloadList(bytes: Uint8Array, file: string): DownloadListOutcome {
  const reader = new YamlReader(bytes, file);
  const { root } = reader;
  if (root === null) return { groups: [], agents: [], problems: reader.problems };
  const sections = reader.mapping(root, "the file", ["groups", "agents"]);
  const groups = readGroups(reader, root, sections?.get("groups"));
  const placed = sections?.get("agents");
  const agents = placed === undefined ? [] : readAgents(reader, placed.value);
  return { groups, agents, problems: reader.problems };
}

type Listed = { readonly value: YamlNode };

function readGroups(
  reader: YamlReader,
  root: YamlNode,
  listed: Listed | undefined,
): readonly DownloadedGroup[] {
  const groups: DownloadedGroup[] = [];
  let filesLeft = DOWNLOADED_FILES_MAX;
  const members = listed === undefined ? null : reader.mapping(listed.value, "groups", null);
  for (const [text, { key, value }] of members ?? []) {
    const name = parseGroupName(text);
    if (name === null) {
      reader.refuse(key, `'${text}' is no group name`, "1 to 255 of A-Z a-z 0-9 . _ -");
      continue;
    }
    const options = reader.mapping(value, `group '${name}'`, ["files", "poll"]);
    const poll = options?.get("poll");
    const range = { min: 1, max: POLL_SECONDS_MAX, whole: true };
    const pollSeconds = poll === undefined ? POLL_SECONDS_DEFAULT : reader.number(poll.value, "poll", range);
    const written = options?.get("files");
    const files = written === undefined ? [] : readFiles(reader, written.value).slice(0, filesLeft);
    filesLeft -= files.length;
    groups.push({ name, files, pollSeconds: pollSeconds ?? POLL_SECONDS_DEFAULT });
  }
  if (filesLeft === 0) reader.refuse(root, `no more than ${DOWNLOADED_FILES_MAX} files are fetched`, "");
  return groups;
}

/** `001: web` or `001: web,db`. */
function readAgents(reader: YamlReader, node: YamlNode): readonly PlacedAgent[] {
  const agents: PlacedAgent[] = [];
  for (const [text, { key, value }] of reader.mapping(node, "agents", null) ?? []) {
    const id = parseAgentId(text);
    const names = (reader.text(value, `the groups of '${text}'`) ?? "").split(",");
    const groups = names.map((name) => parseGroupName(name.trim())).filter((name) => name !== null);
    if (id === null || Number(id) === 0) reader.refuse(key, `'${text}' is no id of an agent`, "such as 001");
    else if (groups.length < names.length || names.length > GROUPS_PER_AGENT_MAX)
      reader.refuse(value, `'${names.join(",")}' are no groups`, "names with commas between them");
    else if (agents.length < PLACED_AGENTS_MAX) agents.push({ id, groups: [...new Set(groups)] });
    else {
      reader.refuse(key, `no more than ${PLACED_AGENTS_MAX} agents are put into groups`, "");
      break;
    }
  }
  return agents;
}

function readFiles(reader: YamlReader, node: YamlReader["root"]): readonly DownloadedFile[] {
  const files: DownloadedFile[] = [];
  for (const [name, { key, value }] of reader.mapping(node, "files", null) ?? []) {
    const url = URL.parse(reader.text(value, `the address of '${name}'`) ?? "");
    if (!isMergedPath(name) || name.startsWith(".") || name.includes("/"))
      reader.refuse(key, `'${name}' is no name of a shared file`, "a name without a folder");
    else if (url?.protocol !== "https:" && url?.protocol !== "http:")
      reader.refuse(value, `the address of '${name}' is none of a web server`, "https://… or http://…");
    else files.push({ name, url });
  }
  return files;
}
