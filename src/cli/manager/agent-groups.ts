/** The peer's `agent_groups`, for scripts: its words around what `cyb3rhq groups` does. wazuh v4.14.7: framework/scripts/agent_groups.py. */
import { hash } from "node:crypto";
import type { HomePaths } from "#daemons/home.ts";
import { GroupChanges, groupName } from "#groups/group-changes.ts";
import { CodedError } from "#kernel/errors.ts";
import type { AgentRecord } from "#registry/agent-record.ts";
import { type Registry, registryPaths } from "#registry/registry.ts";
import { utf8Bytes } from "../bytes.ts";
import { type Environment, EXIT_OK } from "../environment.ts";
import { Questions } from "../questions.ts";
import { existingHome, withRegistry } from "./agent-files.ts";
import { idOf } from "./agent-registration.ts";
import { editGroups, type GroupEditor } from "./group-editor.ts";

export type GroupsAction =
  | { readonly kind: "groups" }
  | { readonly kind: "members"; readonly group: string }
  | { readonly kind: "files"; readonly group: string }
  | { readonly kind: "create"; readonly group: string }
  | { readonly kind: "delete"; readonly group: string }
  | { readonly kind: "assign"; readonly agent: string; readonly group: string; readonly single: boolean }
  /** `group` null: all of them. */
  | { readonly kind: "unassign"; readonly agent: string; readonly group: string | null }
  | { readonly kind: "of"; readonly agent: string }
  | { readonly kind: "synchronized"; readonly agent: string };

type GroupsChange = Extract<GroupsAction, { kind: "create" | "delete" | "assign" | "unassign" }>;
type GroupsQuestion = Exclude<GroupsAction, GroupsChange>;

type Changing = {
  readonly environment: Environment;
  readonly registry: Registry;
  readonly changes: GroupChanges;
  readonly shared: string;
};

export async function agentGroups(
  environment: Environment,
  home: string | undefined,
  action: GroupsAction,
  quiet: boolean,
): Promise<number> {
  const question = questionOf(action);
  if (question !== null && !quiet) {
    const questions = new Questions(environment);
    const yes = await questions.confirm(question);
    await questions.close();
    if (!yes) {
      environment.stdout.write("Cancelled.\n");
      return EXIT_OK;
    }
  }
  const paths = existingHome(environment, home);
  const text = isChange(action)
    ? await editGroups(environment, paths, (editor) => change(editor, action))
    : await showGroups(environment, paths, action);
  environment.stdout.write(utf8Bytes(`${text}\n`));
  return EXIT_OK;
}

function showGroups(environment: Environment, paths: HomePaths, action: GroupsQuestion): Promise<string> {
  return withRegistry(environment, paths, (registry) => {
    const { agents, groups: folders } = registry;
    const shared = registryPaths(paths.home).sharedGroups;
    const { files } = environment;
    const changes = new GroupChanges({ files, agents, folders, shared });
    return Promise.resolve(tell({ environment, registry, changes, shared }, action));
  });
}

function questionOf(action: GroupsAction): string | null {
  switch (action.kind) {
    case "assign":
      return `Do you want to add the group '${action.group}' to the agent '${action.agent}'? [y/N]: `;
    case "unassign":
      return action.group === null
        ? `Do you want to delete all groups of agent '${action.agent}'? [y/N]: `
        : `Do you want to delete the group '${action.group}' of agent '${action.agent}'? [y/N]: `;
    case "delete":
      return `Do you want to remove the '${action.group}' group? [y/N]: `;
    case "create":
      return `Do you want to create the group '${action.group}'? [y/N]: `;
    default:
      return null;
  }
}

function isChange(action: GroupsAction): action is GroupsChange {
  return questionOf(action) !== null;
}

/** Here, or on a worker by the master. */
async function change(editor: GroupEditor, action: GroupsChange): Promise<string> {
  const { group } = action;
  switch (action.kind) {
    case "create":
      await editor.create(groupName(action.group));
      return `Group '${group}' created.`;
    case "delete":
      await editor.remove(groupName(action.group));
      return `Group ${group} removed.`;
    case "assign":
      await editor.assign(idOf(action.agent), groupName(action.group), { single: action.single });
      return `Group '${group}' added to agent '${action.agent}'.`;
    case "unassign": {
      const id = idOf(action.agent);
      if (action.group !== null) await editor.unassign(id, groupName(action.group));
      const left = action.group === null ? await editor.unassignAll(id) : [action.group];
      return `Agent '${action.agent}' removed from ${left.join(", ")}.`;
    }
  }
}

function tell(changing: Changing, action: GroupsQuestion): string {
  switch (action.kind) {
    case "groups":
      return groupsText(changing);
    case "members":
      return membersText(changing, action.group);
    case "files":
      return filesText(changing, action.group);
    case "of": {
      const { id, name, groups } = agentOf(changing, action.agent);
      return `The agent '${name}' with ID '${id}' belongs to groups: ${groups.join(", ")}.`;
    }
    case "synchronized": {
      const { id, groupConfigStatus } = agentOf(changing, action.agent);
      return `Agent '${id}' is ${groupConfigStatus === "synced" ? "" : "not "}synchronized. `;
    }
  }
}

function agentOf({ registry }: Changing, text: string): AgentRecord {
  const agent = registry.agents.find(idOf(text));
  if (agent !== null) return agent;
  throw new CodedError("agent_unknown", "Error 1701: Agent does not exist");
}

function groupsText({ registry }: Changing): string {
  const counts = new Map<string, number>();
  let unassigned = 0;
  for (const { groups, agents } of registry.agents.groupLists()) {
    if (groups.length === 0) unassigned += agents;
    for (const group of groups) counts.set(group, (counts.get(group) ?? 0) + agents);
  }
  const names = registry.groups.names();
  const lines = names.map((name) => `  ${name} (${counts.get(name) ?? 0})`);
  return [`Groups (${names.length}):`, ...lines, `Unassigned agents: ${unassigned}.`].join("\n");
}

function membersText({ changes }: Changing, group: string): string {
  changes.demand(groupName(group));
  const members = changes.members(groupName(group));
  if (members.length === 0) return `No agents found in group '${group}'.`;
  const lines = members.map(({ id, name }) => `  ID: ${id}  Name: ${name}.`);
  return [`${members.length} agent(s) in group '${group}':`, ...lines].join("\n");
}

function filesText({ changes, environment: { files }, shared }: Changing, group: string): string {
  changes.demand(groupName(group));
  const folder = `${shared}/${group}`;
  const names = files
    .list(folder)
    .filter(({ kind }) => kind === "file")
    .map(({ name }) => name)
    .sort();
  const width = Math.max(0, ...names.map((name) => name.length)) + 2;
  const lines = names.map(
    (name) => `  ${name.padEnd(width)}[${hash("md5", files.read(`${folder}/${name}`))}]`,
  );
  return [`${names.length} files for '${group}' group:`, ...lines].join("\n");
}
