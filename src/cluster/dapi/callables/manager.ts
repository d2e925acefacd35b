/** Functions about a node's manager. wazuh v4.14.7: framework/wazuh/manager.py. */
import { internalError } from "#formats/wire/cluster/exceptions.ts";
import type { ClusterObject } from "#formats/wire/cluster/objects.ts";
import { apiError, ItemsAnswer, type Messages } from "../answers.ts";
import { type ApiCallable, ApiRefusal, apiCallable, type Caller } from "../callable.ts";
import type { ManagerWorld } from "../world.ts";

const NODE = "in specified node";

export function managerCallables(world: ManagerWorld): readonly ApiCallable[] {
  return [
    told(world, { name: "get_basic_info", messages: INFO, item: () => world.info() }),
    told(world, { name: "get_status", messages: STATUS, item: () => world.daemons() }),
    restart(world),
    reload(world),
    validation(world),
  ];
}

function demand(world: ManagerWorld, caller: Caller, action: string): void {
  if (caller.may(action, [`node:id:${world.nodeName}`])) return;
  throw new ApiRefusal(apiError(4000, "Resource type: node:id", [world.nodeName]));
}

/** One object about this node. */
function told(
  world: ManagerWorld,
  {
    name,
    messages,
    item,
  }: { readonly name: string; readonly messages: Messages; readonly item: () => ClusterObject },
): ApiCallable {
  return apiCallable({
    name: `wazuh.manager.${name}`,
    action: "cluster:read",
    place: "anywhere",
    forNodes: true,
    parse: () => null,
    run: (_, caller) => {
      demand(world, caller, "cluster:read");
      const answer = new ItemsAnswer(messages, { field: null, casting: "int" });
      answer.add(item());
      return answer.answer;
    },
  });
}

const UNREAD = "Could not read basic information in some nodes";
const INFO: Messages = {
  all: `Basic information was successfully read ${NODE}`,
  some: UNREAD,
  none: `Could not read basic information ${NODE}`,
};
const STATUS: Messages = {
  all: `Processes status was successfully read ${NODE}`,
  some: UNREAD,
  none: `Could not read processes status ${NODE}`,
};

function restart(world: ManagerWorld): ApiCallable {
  const messages: Messages = {
    all: "Restart request sent to all specified nodes",
    some: "Could not send restart request to some specified nodes",
    none: "Could not send restart request to any node",
  };
  return apiCallable({
    name: "wazuh.manager.restart",
    action: "cluster:restart",
    place: "anywhere",
    forNodes: false,
    parse: () => null,
    run: async (_, caller) => {
      demand(world, caller, "cluster:restart");
      const answer = new ItemsAnswer(messages, { field: null, casting: "str" });
      const problem = await world.restart();
      if (problem === null) answer.add(world.nodeName);
      else answer.fail(world.nodeName, internalError(problem));
      return answer.answer;
    },
  });
}

function reload(world: ManagerWorld): ApiCallable {
  const messages: Messages = {
    all: "Reload request sent to all specified nodes",
    some: "Could not send reload request to some specified nodes",
    none: "Could not send reload request to any node",
  };
  return apiCallable({
    name: "wazuh.analysis.reload_ruleset",
    action: "cluster:restart",
    place: "anywhere",
    forNodes: false,
    parse: () => null,
    run: (_, caller) => {
      demand(world, caller, "cluster:restart");
      const answer = new ItemsAnswer(messages, { field: "name", casting: "str" });
      world.reloadRules();
      answer.add({ name: world.nodeName, msg: "Ruleset reload request sent successfully." });
      return answer.answer;
    },
  });
}

function validation(world: ManagerWorld): ApiCallable {
  const messages: Messages = {
    all: "Validation was successfully checked in all nodes",
    some: "Could not check validation in some nodes",
    none: "Could not check validation in any node",
  };
  return apiCallable({
    name: "wazuh.manager.validation",
    action: "cluster:read",
    place: "anywhere",
    forNodes: true,
    parse: () => null,
    run: async (_, caller) => {
      demand(world, caller, "cluster:read");
      const answer = new ItemsAnswer(messages, { field: "name", casting: "str" });
      const problems = await world.validate();
      if (problems.length === 0) answer.add({ name: world.nodeName, status: "OK" });
      else answer.fail(world.nodeName, apiError(1908, problems.map(withoutPlace).join(", ")));
      return answer.answer;
    },
  });
}

/** A line of the log, without its time, its daemon and its level. */
function withoutPlace(line: string): string {
  return line.replace(/^.{0,200}? (?:ERROR|CRITICAL): /, "");
}
