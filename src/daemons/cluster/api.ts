/** The distributed API of this node, put together: what its functions work on, and who may be asked for which. */

import { hash } from "node:crypto";
import { setTimeout as after } from "node:timers/promises";
import { activeResponseCallables } from "#cluster/dapi/callables/active-response.ts";
import { agentChangeCallables } from "#cluster/dapi/callables/agent-changes.ts";
import { agentSummaryCallables } from "#cluster/dapi/callables/agent-summaries.ts";
import { agentCallables } from "#cluster/dapi/callables/agents.ts";
import { clusterCallables } from "#cluster/dapi/callables/cluster.ts";
import { groupCallables } from "#cluster/dapi/callables/groups.ts";
import { managerCallables } from "#cluster/dapi/callables/manager.ts";
import { rulesetFileCallables } from "#cluster/dapi/callables/ruleset-files.ts";
import { rulesetItemCallables } from "#cluster/dapi/callables/ruleset-items.ts";
import type { AgentPlaces } from "#cluster/dapi/distributed-api.ts";
import { ApiLinks } from "#cluster/dapi/links.ts";
import { callableTable } from "#cluster/dapi/table.ts";
import type { AgentWorld, ClusterWorld, GroupWorld, ManagerWorld } from "#cluster/dapi/world.ts";
import type { ClusterNeeds } from "#cluster/needs.ts";
import type { MasterServices } from "#cluster/sendsync/sendsync.ts";
import { isObject, type JsonObject, parseJson } from "#formats/wire/cluster/json-value.ts";
import { pythonJson } from "#formats/wire/cluster/python-json.ts";
import { GroupChanges } from "#groups/group-changes.ts";
import { CodedError } from "#kernel/errors.ts";
import { LocalClock } from "#kernel/local-time.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { type GroupName, parseAgentId } from "#model/agent.ts";
import type { AgentStore } from "#registry/agent-store.ts";
import { type Registry, registryPaths } from "#registry/registry.ts";
import { type RulesetFiles, rulesetWorld } from "./ruleset.ts";

/** What the manager's other parts do for the cluster. */
export type ClusterServices = {
  readonly home: string;
  readonly hostname: string;
  readonly registry: Pick<Registry, "agents" | "keys" | "groups">;
  /** Requests to the enrollment service and to the agent connection service, as over their local sockets; null: it does not run. */
  readonly askEnrollment: (request: Buffer) => Promise<Uint8Array | null>;
  readonly askConnection: (request: Buffer) => Promise<Uint8Array | null>;
  /** Those to the task manager. */
  readonly askTasks: (request: Buffer) => Uint8Array;
  readonly agentWork: Pick<AgentWorld, "restart" | "reconnect" | "respond" | "knowsResponse">;
  /** Null when the manager will restart, else why not. */
  readonly restart: () => Promise<string | null>;
  /** What a manager that starts now would stop at. */
  readonly validate: () => Promise<readonly string[]>;
  /** As they are configured now. */
  readonly rulesetFiles: () => RulesetFiles;
};

export type ClusterApiParts = {
  readonly services: ClusterServices;
  readonly cluster: ClusterWorld;
  readonly needs: ClusterNeeds;
  readonly version: string;
  readonly reloadRules: () => void;
};

/** As big as a group's file can be that is looked at for its sum on this thread. */
const SUMMED_BYTES_MAX = 4 * 1024 * 1024;

export function makeApi(parts: ClusterApiParts): ApiLinks {
  const { services, cluster, needs, version } = parts;
  const agents = agentWorld(services, needs, { nodeName: cluster.nodeName, version });
  const ruleset = rulesetWorld(services.home, services.rulesetFiles, needs.heavy);
  const table = callableTable([
    ...agentCallables(agents),
    ...agentSummaryCallables(agents),
    ...agentChangeCallables(agents),
    ...activeResponseCallables(agents),
    ...groupCallables(agents, groupWorld(services)),
    ...clusterCallables(cluster),
    ...managerCallables(managerWorld(parts)),
    ...rulesetFileCallables(ruleset),
    ...rulesetItemCallables(ruleset),
  ]);
  const options = {
    nodeName: cluster.nodeName,
    isMaster: cluster.nodeType === "master",
    table,
    agents: agentPlaces(services.registry.agents),
  };
  return new ApiLinks(options, needs);
}

/** The services of the master that workers have something done by. */
export function masterServices(services: ClusterServices): MasterServices {
  const ask = {
    authd: services.askEnrollment,
    remoted: services.askConnection,
    "task-manager": services.askTasks,
  } as const;
  return {
    ask: async (service, message) => {
      const answer = await ask[service](Buffer.from(message));
      if (answer === null) throw new CodedError("service_unreachable", `${service} does not run`);
      return Buffer.from(answer).toString("utf8");
    },
  };
}

/** A turn of the loop. */
function pause(): Promise<void> {
  return after(0);
}

function agentWorld(
  { agentWork, askEnrollment, hostname, registry }: ClusterServices,
  { clock }: ClusterNeeds,
  { nodeName, version }: { readonly nodeName: string; readonly version: string },
): AgentWorld {
  return {
    ...agentWork,
    agents: registry.agents,
    keys: registry.keys,
    manager: { hostname, nodeName, version: `Wazuh v${version}` },
    wallMs: () => clock.wallMs(),
    pause,
    askEnrollment: async (request: JsonObject) => {
      const answer = await askEnrollment(Buffer.from(pythonJson(request), "latin1"));
      const value = answer === null ? undefined : parseJson(Buffer.from(answer));
      return isObject(value) ? value : { error: 1726, message: "Wazuh authd is not running" };
    },
  };
}

function agentPlaces(agents: AgentStore): AgentPlaces {
  return {
    of: async (ids) =>
      ids.map((id) => {
        const known = parseAgentId(id);
        return { id, node: (known === null ? null : agents.find(known)?.info?.nodeName) ?? null };
      }),
    all: async () => {
      const places: { id: string; node: string | null }[] = [];
      for (let page = agents.list(null); page.length > 0; page = agents.list(page.at(-1)?.id ?? null)) {
        places.push(...page.map(({ id, info }) => ({ id, node: info?.nodeName ?? null })));
        await pause();
      }
      return places;
    },
  };
}

function groupWorld({ home, registry }: ClusterServices): GroupWorld {
  const { agents, groups: folders } = registry;
  const shared = registryPaths(home).sharedGroups;
  const changes = new GroupChanges({ files: systemFiles, agents, folders, shared });
  return {
    names: () => folders.names(),
    exists: (group) => folders.exists(group),
    members: (group) => changes.members(group),
    counts: () => groupCounts(agents),
    create: (group) => changes.create(group),
    remove: (group) => changes.remove(group),
    assign: (id, group, options) => changes.assign(id, group, options),
    unassign: (id, group) => changes.unassign(id, group),
    files: (group) => groupFiles(folders.pathOf(group)),
  };
}

function groupCounts(agents: AgentStore): ReadonlyMap<GroupName, number> {
  const counts = new Map<GroupName, number>();
  for (const { groups, agents: count } of agents.groupLists())
    for (const group of groups) counts.set(group, (counts.get(group) ?? 0) + count);
  return counts;
}

function groupFiles(path: string | null): readonly { readonly name: string; readonly sum: string }[] {
  if (path === null) return [];
  return systemFiles.list(path).flatMap(({ name, kind }) => {
    const file = `${path}/${name}`;
    if (kind !== "file" || (systemFiles.info(file)?.bytes ?? 0) > SUMMED_BYTES_MAX) return [];
    return [{ name, sum: hash("md5", systemFiles.read(file)) }];
  });
}

/** All of them are parts of one program here. */
const DAEMONS = [
  "wazuh-agentlessd",
  "wazuh-analysisd",
  "wazuh-authd",
  "wazuh-csyslogd",
  "wazuh-monitord",
  "wazuh-execd",
  "wazuh-integratord",
  "wazuh-logcollector",
  "wazuh-maild",
  "wazuh-remoted",
  "wazuh-reportd",
  "wazuh-syscheckd",
  "wazuh-clusterd",
  "wazuh-modulesd",
  "wazuh-db",
  "wazuh-apid",
] as const;
/** What this program does not do. */
const ABSENT: ReadonlySet<string> = new Set([
  "wazuh-agentlessd",
  "wazuh-csyslogd",
  "wazuh-integratord",
  "wazuh-maild",
  "wazuh-reportd",
  "wazuh-syscheckd",
  "wazuh-apid",
]);

function managerWorld(parts: ClusterApiParts): ManagerWorld {
  const { home, restart, validate } = parts.services;
  return {
    nodeName: parts.cluster.nodeName,
    info: () => {
      const { zone } = new LocalClock().at(parts.needs.clock.wallMs());
      return {
        path: home,
        version: `v${parts.version}`,
        type: "server",
        max_agents: "unlimited",
        openssl_support: "yes",
        tz_offset: zone,
        tz_name: zone === "+0000" ? "UTC" : zone,
        uuid: null,
      };
    },
    reloadRules: parts.reloadRules,
    daemons: () =>
      Object.fromEntries(DAEMONS.map((name) => [name, ABSENT.has(name) ? "stopped" : "running"])),
    restart,
    validate,
  };
}
