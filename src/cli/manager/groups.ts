/** The jobs of the peer's `agent_groups`. They work on files and rows: a running manager sees what they change. */
import { hash } from "node:crypto";
import { MERGED_FILE_NAME, parseMerged } from "#formats/merged-mg/merged-mg.ts";
import { GroupChanges, groupName } from "#groups/group-changes.ts";
import { CodedError } from "#kernel/errors.ts";
import { type AgentId, type GroupName, parseAgentId } from "#model/agent.ts";
import { GroupFolders } from "#registry/group-folders.ts";
import { registryPaths } from "#registry/registry.ts";
import { utf8Bytes } from "../bytes.ts";
import { type Environment, EXIT_OK } from "../environment.ts";
import { existingHome, openAgentStore, withRegistry } from "./agent-files.ts";
import { filledId } from "./agent-id.ts";
import { editGroups } from "./group-editor.ts";

type Common = { readonly home?: string; readonly json?: boolean };
type OfGroup = Common & { readonly name: string };
type OfMember = OfGroup & { readonly id: string };

/** What agents of a group get; null while no manager has made it. */
type Merged = { readonly sum: string; readonly files: readonly { path: string; bytes: number }[] };

type GroupSummary = {
  readonly name: string;
  readonly agents: number;
  readonly mergedSum: string | null;
  readonly configSum: string | null;
};

function sumOf(environment: Environment, path: string): string | null {
  return environment.files.info(path)?.kind === "file" ? hash("md5", environment.files.read(path)) : null;
}

function readMerged({ files }: Environment, path: string): Merged | null {
  if (files.info(path)?.kind !== "file") return null;
  const bytes = files.read(path);
  const outcome = parseMerged(bytes);
  const entries = outcome.ok ? outcome.entries : [];
  return {
    sum: hash("md5", bytes),
    files: entries.map(({ path: name, bytes: content }) => ({ path: name, bytes: content.length })),
  };
}

function print(environment: Environment, json: boolean | undefined, value: object, text: string): number {
  environment.stdout.write(utf8Bytes(`${json === true ? JSON.stringify(value) : text}\n`));
  return EXIT_OK;
}

export function listGroups(environment: Environment, { home, json }: Common): number {
  const paths = existingHome(environment, home);
  const store = openAgentStore(environment, paths);
  const counts = new Map<GroupName, number>();
  for (const { groups, agents } of store?.groupLists() ?? [])
    for (const group of groups) counts.set(group, (counts.get(group) ?? 0) + agents);
  store?.close();
  const shared = registryPaths(paths.home).sharedGroups;
  const groups = new GroupFolders(environment.files, shared).names().map(
    (name): GroupSummary => ({
      name,
      agents: counts.get(name) ?? 0,
      mergedSum: sumOf(environment, `${shared}/${name}/${MERGED_FILE_NAME}`),
      configSum: sumOf(environment, `${shared}/${name}/agent.conf`),
    }),
  );
  const lines = groups.map(({ name, agents, mergedSum }) =>
    groupLine(name, String(agents), mergedSum ?? "-"),
  );
  return print(environment, json, groups, [groupLine("GROUP", "AGENTS", "MERGED SUM"), ...lines].join("\n"));
}

function groupLine(name: string, agents: string, sum: string): string {
  return `${name.padEnd(32)} ${agents.padStart(7)}  ${sum}`;
}

function withGroups<T>(
  environment: Environment,
  home: string | undefined,
  use: (changes: GroupChanges, shared: string) => T,
): Promise<T> {
  const paths = existingHome(environment, home);
  const shared = registryPaths(paths.home).sharedGroups;
  return withRegistry(environment, paths, (registry) => {
    const changes = new GroupChanges({
      files: environment.files,
      agents: registry.agents,
      folders: registry.groups,
      shared,
    });
    return Promise.resolve(use(changes, shared));
  });
}

export async function showGroup(environment: Environment, { name, home, json }: OfGroup): Promise<number> {
  const group = groupName(name);
  const { agents, merged } = await withGroups(environment, home, (changes, shared) => {
    changes.demand(group);
    const members = changes.members(group).map(({ id, name: agent, groups, groupConfigStatus }) => ({
      id,
      name: agent,
      groups,
      groupConfigStatus,
    }));
    return { agents: members, merged: readMerged(environment, `${shared}/${group}/${MERGED_FILE_NAME}`) };
  });
  const files = merged?.files ?? [];
  const text = [
    `group ${group}: ${agents.length} agents, merged.mg ${merged?.sum ?? "not made yet"}`,
    ...files.map(({ path, bytes }) => `  ${String(bytes).padStart(10)}  ${path}`),
    ...agents.map(
      ({ id, name: agent, groupConfigStatus }) => `  ${id.padEnd(8)} ${agent}  (${groupConfigStatus})`,
    ),
  ];
  const value = { name: group, mergedSum: merged?.sum ?? null, files, agents };
  return print(environment, json, value, text.join("\n"));
}

export async function addGroup(environment: Environment, { name, home, json }: OfGroup): Promise<number> {
  const group = groupName(name);
  await editGroups(environment, existingHome(environment, home), async (editor) => editor.create(group));
  return print(environment, json, { created: group }, `Group '${group}' created.`);
}

export async function removeGroup(environment: Environment, { name, home, json }: OfGroup): Promise<number> {
  const group = groupName(name);
  const paths = existingHome(environment, home);
  const agents = await editGroups(environment, paths, async (editor) => editor.remove(group));
  const text = `Group '${group}' removed; it had ${agents.length} agents.`;
  return print(environment, json, { removed: group, agents }, text);
}

function agentId(text: string): AgentId {
  const id = parseAgentId(filledId(text));
  if (id !== null) return id;
  throw new CodedError("argument_invalid", `'${text}' is no agent id, such as 001`);
}

export async function assignGroup(
  environment: Environment,
  { id: idText, name, home, json, single = false }: OfMember & { readonly single?: boolean },
): Promise<number> {
  const id = agentId(idText);
  const group = groupName(name);
  const paths = existingHome(environment, home);
  await editGroups(environment, paths, async (editor) => editor.assign(id, group, { single }));
  return print(environment, json, { agent: id, assigned: group }, `Agent '${id}' added to '${group}'.`);
}

export async function unassignGroup(environment: Environment, options: OfMember): Promise<number> {
  const id = agentId(options.id);
  const group = groupName(options.name);
  const paths = existingHome(environment, options.home);
  const left = await editGroups(environment, paths, async (editor) => editor.unassign(id, group));
  const text = `Agent '${id}' removed from '${group}'. It is in ${left.join(", ")} now.`;
  return print(environment, options.json, { agent: id, removed: group, groups: left }, text);
}
