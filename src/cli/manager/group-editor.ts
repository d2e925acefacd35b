/** Changes of groups: in this home's files and rows, or on a worker of a cluster by its master. */

import type { HomePaths } from "#daemons/home.ts";
import { readException } from "#formats/wire/cluster/exceptions.ts";
import {
  isObject,
  isTextList,
  type JsonObject,
  type JsonValue,
  memberOf,
} from "#formats/wire/cluster/json-value.ts";
import { wireFormOf } from "#formats/wire/cluster/wire-form.ts";
import { GroupChanges, groupName } from "#groups/group-changes.ts";
import { CodedError } from "#kernel/errors.ts";
import type { AgentId, GroupName } from "#model/agent.ts";
import { registryPaths } from "#registry/registry.ts";
import { askNode } from "../cluster/control.ts";
import type { Environment } from "../environment.ts";
import { withRegistry } from "./agent-files.ts";
import { clusterVersion, isWorker } from "./cluster-home.ts";

/** Refusals are `CodedError`s with the peer's texts. */
export type GroupEditor = {
  create(group: GroupName): void | Promise<void>;
  /** Gives the agents that were in it. */
  remove(group: GroupName): readonly string[] | Promise<readonly string[]>;
  assign(id: AgentId, group: GroupName, options: { readonly single: boolean }): void | Promise<void>;
  /** Gives the groups that are left. */
  unassign(id: AgentId, group: GroupName): readonly string[] | Promise<readonly string[]>;
  /** Leaves the agent in the default group; gives the groups that it had. */
  unassignAll(id: AgentId): readonly string[] | Promise<readonly string[]>;
};

const DEFAULT_GROUP = groupName("default");

/** Who asks for them says so, or a master of the peer refuses; the same since agent-info has its lists. wazuh v4.13.0: framework/wazuh/agent.py. */
const ASYNC_FUNCTIONS: ReadonlySet<string> = new Set(["assign_agents_to_group", "remove_agent_from_group"]);

export function editGroups<T>(
  environment: Environment,
  paths: HomePaths,
  use: (editor: GroupEditor) => Promise<T>,
): Promise<T> {
  if (isWorker(environment, paths)) {
    const isNew = wireFormOf(clusterVersion(environment, paths)) === "lists";
    return use(new MasterGroups(environment, paths.home, isNew ? ASYNC_FUNCTIONS : new Set()));
  }
  return withRegistry(environment, paths, ({ agents, groups: folders }) => {
    const { files } = environment;
    const { sharedGroups: shared } = registryPaths(paths.home);
    const changes = new GroupChanges({ files, agents, folders, shared });
    return use({
      create: (group) => changes.create(group),
      remove: (group) => changes.remove(group),
      assign: (id, group, options) => changes.assign(id, group, options),
      unassign: (id, group) => changes.unassign(id, group),
      unassignAll: (id) => {
        const before = agents.groups(id);
        changes.assign(id, DEFAULT_GROUP, { single: true });
        return before;
      },
    });
  });
}

/** Asks the master through the cluster daemon of this node. */
class MasterGroups implements GroupEditor {
  readonly #environment: Environment;
  readonly #home: string;
  readonly #async: ReadonlySet<string>;

  constructor(environment: Environment, home: string, asyncFunctions: ReadonlySet<string>) {
    this.#environment = environment;
    this.#home = home;
    this.#async = asyncFunctions;
  }

  async create(group: GroupName): Promise<void> {
    await this.#ask("create_group", { group_id: group });
  }

  async remove(group: GroupName): Promise<readonly string[]> {
    const [item] = itemsOf(await this.#ask("delete_groups", { group_list: [group] }));
    const ids = isObject(item) ? memberOf(item, group) : undefined;
    return isTextList(ids) ? ids : [];
  }

  async assign(id: AgentId, group: GroupName, { single }: { readonly single: boolean }): Promise<void> {
    const values = { group_list: [group], agent_list: [id], replace: single };
    await this.#ask("assign_agents_to_group", values);
  }

  async unassign(id: AgentId, group: GroupName): Promise<readonly string[]> {
    await this.#ask("remove_agent_from_group", { group_list: [group], agent_list: [id] });
    return await this.#groupsOf(id);
  }

  async unassignAll(id: AgentId): Promise<readonly string[]> {
    const before = await this.#groupsOf(id);
    await this.assign(id, DEFAULT_GROUP, { single: true });
    return before;
  }

  async #groupsOf(id: AgentId): Promise<readonly string[]> {
    const [agent] = itemsOf(await this.#ask("get_agents", { agent_list: [id], select: ["group"] }));
    const groups = isObject(agent) ? memberOf(agent, "group") : undefined;
    return isTextList(groups) ? groups : [];
  }

  async #ask(name: string, values: JsonObject): Promise<JsonObject> {
    const callable = { __name__: name, __module__: "wazuh.agent", __qualname__: name, __type__: "function" };
    const parameters = {
      f: { __callable__: callable },
      f_kwargs: values,
      request_type: "local_master",
      wait_for_complete: true,
      is_async: this.#async.has(name),
    };
    const told = await askNode(this.#environment, this.#home, { command: "dapi", parameters });
    if (!told.ok) throw new CodedError("master_not_asked", told.text);
    const result = memberIn(memberIn(told.value, "__wazuh_result__"), "__object__");
    const [failure] = listOf(memberOf(result, "failed_items_keys"));
    const error = readException(failure);
    if (error !== null) throw new CodedError("master_refused", error.text);
    return result;
  }
}

function memberIn(object: JsonObject, name: string): JsonObject {
  const value = memberOf(object, name);
  return isObject(value) ? value : {};
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : [];
}

function itemsOf(result: JsonObject): readonly JsonValue[] {
  return listOf(memberOf(result, "affected_items"));
}
