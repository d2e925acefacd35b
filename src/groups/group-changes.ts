/**
 * The jobs of the peer's `agent_groups`: groups are made and removed, agents put into them and taken out. Refusals have the texts of the
 * peer's API, with its numbers as codes.
 *
 * What changes is files and rows; a running manager finds them at its next look, an agent's with its next keepalive.
 */
import { CodedError } from "#kernel/errors.ts";
import type { Files } from "#kernel/ports/files.ts";
import { type AgentId, type GroupName, parseGroupName } from "#model/agent.ts";
import type { AgentRecord } from "#registry/agent-record.ts";
import type { AgentStore } from "#registry/agent-store.ts";
import type { GroupFolders } from "#registry/group-folders.ts";
import { DEFAULT_GROUP } from "./group-list.ts";
import { GROUPS_PER_AGENT_MAX } from "./limits.ts";

/** A name that the API keeps for itself. */
const RESERVED_NAME = "all";
/** wazuh v4.14.7: etc/agent.conf. */
const EMPTY_CONF = "<agent_config>\n\n  <!-- Shared agent configuration here -->\n\n</agent_config>\n";

export type GroupChangesNeeds = {
  readonly files: Files;
  readonly agents: AgentStore;
  readonly folders: GroupFolders;
  /** The path of `etc/shared`. */
  readonly shared: string;
};

/** `refusal()` codes; the numbers are those of the peer's API. */
export type GroupRefusal = 1701 | 1710 | 1711 | 1712 | 1722 | 1734 | 1737 | 1745 | 1751;

function refusal(code: GroupRefusal, text: string): CodedError {
  return new CodedError(`group_refused_${code}`, text);
}

/** Throws `CodedError` `group_refused_1722`. */
export function groupName(text: string): GroupName {
  const name = text === RESERVED_NAME ? null : parseGroupName(text);
  if (name !== null) return name;
  throw refusal(
    1722,
    `'${text}' is no group name: 1 to 255 of A-Z a-z 0-9 . _ -, and not '.', '..' or '${RESERVED_NAME}'`,
  );
}

export class GroupChanges {
  readonly #needs: GroupChangesNeeds;

  constructor(needs: GroupChangesNeeds) {
    this.#needs = needs;
  }

  create(group: GroupName): void {
    const { files, folders, shared } = this.#needs;
    const path = folders.pathOf(group);
    if (path === null) throw refusal(1722, `'${group}' is no group name`);
    if (files.info(path) !== null) throw refusal(1711, `There is a group '${group}' already`);
    const template = `${shared}/agent-template.conf`;
    const conf = files.info(template)?.kind === "file" ? files.read(template) : Buffer.from(EMPTY_CONF);
    files.makeDirectory(path);
    files.replace(`${path}/agent.conf`, conf);
  }

  /** Gives the agents that were in it; those without another group are in default now. */
  remove(group: GroupName): readonly AgentId[] {
    const { files, folders } = this.#needs;
    if (group === DEFAULT_GROUP) throw refusal(1712, `The group '${DEFAULT_GROUP}' cannot be removed`);
    const path = this.#existing(group);
    const members = this.members(group);
    for (const agent of members) this.#without(agent, group);
    if (folders.exists(group)) files.removeTree(path);
    return members.map(({ id }) => id);
  }

  /** Throws when there is no such group. */
  demand(group: GroupName): void {
    this.#existing(group);
  }

  members(group: GroupName): readonly AgentRecord[] {
    const { agents } = this.#needs;
    const members: AgentRecord[] = [];
    for (let page = agents.list(null); page.length > 0; page = agents.list(page.at(-1)?.id ?? null))
      members.push(...page.filter(({ groups }) => groups.includes(group)));
    return members;
  }

  /** `single`: instead of the groups that it has. */
  assign(id: AgentId, group: GroupName, { single }: { readonly single: boolean }): void {
    const { groups } = this.#agent(id);
    this.#existing(group);
    if (groups.includes(group) && !single)
      throw refusal(1751, `Agent '${id}' belongs to group '${group}' already`);
    const assigned = single ? [group] : [...groups, group];
    if (assigned.length > GROUPS_PER_AGENT_MAX)
      throw refusal(1737, `An agent can be in ${GROUPS_PER_AGENT_MAX} groups at most`);
    this.#set(id, assigned);
  }

  /** Gives the groups that are left. */
  unassign(id: AgentId, group: GroupName): readonly GroupName[] {
    const agent = this.#agent(id);
    if (!agent.groups.includes(group))
      throw refusal(1734, `Agent '${id}' does not belong to group '${group}'`);
    if (agent.groups.length === 1 && group === DEFAULT_GROUP)
      throw refusal(1745, `Agent '${id}' belongs to '${DEFAULT_GROUP}' only and cannot be taken out of it`);
    return this.#without(agent, group);
  }

  #without({ id, groups }: AgentRecord, group: GroupName): readonly GroupName[] {
    const others = groups.filter((name) => name !== group);
    const left = others.length === 0 ? [DEFAULT_GROUP] : others;
    this.#set(id, left);
    return left;
  }

  #set(id: AgentId, groups: readonly GroupName[]): void {
    this.#needs.agents.setGroups(id, groups);
  }

  #agent(id: AgentId): AgentRecord {
    const agent = this.#needs.agents.find(id);
    if (agent === null) throw refusal(1701, `There is no agent '${id}'; 'cyb3rhq agents list' shows them`);
    return agent;
  }

  #existing(group: GroupName): string {
    const { folders } = this.#needs;
    const path = folders.pathOf(group);
    if (path !== null && folders.exists(group)) return path;
    throw refusal(1710, `There is no group '${group}'; 'cyb3rhq groups list' shows them`);
  }
}
