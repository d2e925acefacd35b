/** A master and workers in memory, joined back to back, each with agents and groups of a toy registry. */
import { CodedError } from "#kernel/errors.ts";
import { type AgentId, type GroupName, parseAgentId, parseAgentName, parseGroupName } from "#model/agent.ts";
import type { AgentRecord } from "#registry/agent-record.ts";
import { Channel } from "../channel.ts";
import { fakeNeeds, HOME, testCipher, wire } from "../fixture.ts";
import { LocalClient } from "../local/server.ts";
import type { HandlerTable, RequestOutcome } from "../replies.ts";
import { Session } from "../session.ts";
import { activeResponseCallables } from "./callables/active-response.ts";
import { agentChangeCallables } from "./callables/agent-changes.ts";
import { agentSummaryCallables } from "./callables/agent-summaries.ts";
import { agentCallables } from "./callables/agents.ts";
import { clusterCallables } from "./callables/cluster.ts";
import { groupCallables } from "./callables/groups.ts";
import { managerCallables } from "./callables/manager.ts";
import { ApiLinks } from "./links.ts";
import { callableTable } from "./table.ts";
import type { AgentWorld, GroupWorld } from "./world.ts";

export function agentId(text: string): AgentId {
  const id = parseAgentId(text);
  if (id === null) throw new Error(text);
  return id;
}

export function record(
  id: string,
  changes: Partial<AgentRecord> & { readonly node?: string } = {},
): AgentRecord {
  const { node = "em", ...rest } = changes;
  const name = parseAgentName(`agent-${id}`);
  const group = parseGroupName("default");
  if (name === null || group === null) throw new Error(id);
  return {
    id: agentId(id),
    name,
    address: "any",
    registeredSeconds: 1000,
    groups: [group],
    status: "active",
    statusCode: 0,
    lastKeepaliveSeconds: 2000,
    disconnectionSeconds: 0,
    info: {
      os: {
        ...{ name: "Ubuntu", version: "22.04", major: "22", minor: "04", codename: "", build: "" },
        ...{ platform: "ubuntu", uname: "Linux", arch: "x86_64" },
      },
      version: "Wazuh v4.14.7",
      configSum: "c",
      mergedSum: "m",
      managerHost: "host",
      nodeName: node,
      agentAddress: "192.0.2.7",
      labels: [],
    },
    syncStatus: "synced",
    groupConfigStatus: "synced",
    ...rest,
  };
}

/** Told agents are noted as `reconnect 001`. */
export function toyNode(name: string, isMaster: boolean, records: readonly AgentRecord[]) {
  const told: string[] = [];
  const rows = new Map(records.map((row) => [row.id, row]));
  const note = (what: string) => async (id: AgentId) => {
    told.push(`${what} ${id}`);
    return null;
  };
  const agents: AgentWorld = {
    agents: {
      find: (id) => rows.get(id) ?? null,
      list: (after) => [...rows.values()].filter(({ id }) => after === null || Number(id) > Number(after)),
    },
    keys: { byId: () => null },
    manager: { hostname: "host", nodeName: name, version: "Wazuh v4.14.7" },
    wallMs: () => 10_000_000,
    pause: async () => {},
    askEnrollment: async ({ function: what }) => {
      told.push(`enrollment ${String(what)}`);
      return what === "add" ? { error: 9008, message: "Duplicate name" } : { error: 0, data: "" };
    },
    restart: note("restart"),
    reconnect: note("reconnect"),
    respond: note("respond"),
    knowsResponse: (command) => command === "drop600",
  };
  return { name, isMaster, told, rows, agents, groups: toyGroups(rows) };
}

function toyGroups(rows: Map<AgentId, AgentRecord>): GroupWorld {
  const names = new Set<GroupName>(["default", "web"].flatMap((name) => parseGroupName(name) ?? []));
  const set = (id: AgentId, groups: readonly GroupName[]) => {
    const row = rows.get(id);
    if (row !== undefined) rows.set(id, { ...row, groups });
  };
  const refuse = (code: number): never => {
    throw new CodedError(`group_refused_${code}`, "");
  };
  return {
    names: () => [...names],
    exists: (group) => names.has(group),
    members: (group) => [...rows.values()].filter(({ groups }) => groups.includes(group)),
    counts: () => new Map(),
    create: (group) => (names.has(group) ? refuse(1711) : void names.add(group)),
    remove: (group) => {
      names.delete(group);
      return [];
    },
    assign: (id, group) => {
      const known = rows.get(id)?.groups ?? [];
      if (known.includes(group)) refuse(1751);
      set(id, [...known, group]);
    },
    unassign: (id, group) => {
      const known = rows.get(id)?.groups ?? [];
      if (!known.includes(group)) refuse(1734);
      const left = known.filter((name) => name !== group);
      set(id, left);
      return left;
    },
    files: () => [{ name: "agent.conf", sum: "s" }],
  };
}

export type ToyNode = ReturnType<typeof toyNode>;

export function toyApi(node: ToyNode, seed: number) {
  const needs = fakeNeeds(seed);
  const { name: nodeName, isMaster, agents, groups } = node;
  const cluster = {
    ...{ clusterName: "wazuh", nodeName, nodeType: isMaster ? ("master" as const) : ("worker" as const) },
    config: () => ({ key: "*****" }),
    // One node lags behind.
    rulesetHashes: async () => ({ "etc/rules/local_rules.xml": nodeName === "w2" ? "old" : "new" }),
    nodes: () => [{ name: "em", type: "master", version: "4.14.7", ip: "127.0.0.1" }],
    health: () => ({ nodes: {} }),
  };
  const manager = {
    nodeName,
    info: () => ({ path: HOME, version: "v4.14.7", type: "server" }),
    reloadRules: () => void node.told.push(`reload ${nodeName}`),
    daemons: () => ({ "wazuh-db": "running" }),
    restart: async () => null,
    validate: async () => [],
  };
  const table = callableTable([
    ...agentCallables(agents),
    ...agentSummaryCallables(agents),
    ...agentChangeCallables(agents),
    ...activeResponseCallables(agents),
    ...groupCallables(agents, groups),
    ...clusterCallables(cluster),
    ...managerCallables(manager),
  ]);
  const places = [...node.rows.values()].map(({ id, info }) => ({ id, node: info?.nodeName ?? null }));
  const ofId = new Map<string, (typeof places)[number]>(places.map((place) => [place.id, place]));
  const links = new ApiLinks(
    {
      nodeName,
      isMaster,
      table,
      agents: {
        of: async (ids) => ids.map((id) => ofId.get(id) ?? { id, node: null }),
        all: async () => places,
      },
    },
    needs,
  );
  return { links, needs, table };
}

export type ToyApi = ReturnType<typeof toyApi>;

/** Two sessions back to back: the master's with the worker, the worker's with the master. */
export function join(master: ToyApi, worker: ToyApi, workerName: string) {
  const [near, far] = wire();
  const make = (link: typeof near, { needs }: ToyApi, closed: () => void) => {
    const cipher = testCipher(needs);
    const session = new Session({ link, cipher, log: needs.log, home: HOME, closed }, needs);
    link.handler = { data: (chunk) => session.channel.data(chunk), closed: () => session.close() };
    session.enter(workerName);
    return session;
  };
  const atMaster = make(near, master, () => master.links.workerLeft(workerName));
  const atWorker = make(far, worker, () => worker.links.masterLeft());
  atMaster.serve(master.links.worker(workerName, atMaster));
  atWorker.serve(worker.links.master(atWorker));
  return { atMaster, atWorker };
}

/** A program on the local socket of `api`: its requests, and the string or the text that comes later. */
export function program(
  api: Pick<ToyApi, "links" | "needs">,
  handlersOf = (client: LocalClient): HandlerTable => api.links.local(client),
) {
  const [near, far] = wire();
  const { clock, random, metrics, log } = api.needs;
  const later = Promise.withResolvers<string>();
  let text = Buffer.alloc(0);
  const channel = (link: typeof near, handlers: () => HandlerTable) => {
    const made: Channel = new Channel(
      { link, cipher: null, log, handlerOf: (command) => handlers().get(command) ?? null, closed: () => {} },
      { clock, random, metrics },
    );
    link.handler = { data: (chunk) => made.data(chunk), closed: () => made.close() };
    return made;
  };
  const reply = (payload: string) => ({ word: "ok" as const, payload: Buffer.from(payload) });
  const own: HandlerTable = new Map([
    ["new_str", () => reply("1")],
    [
      "str_upd",
      (payload: Buffer) => {
        text = Buffer.concat([text, payload.subarray(2)]);
        return reply("String updated");
      },
    ],
    [
      "dapi_res",
      () => {
        later.resolve(text.toString());
        return reply("Distributed api response received");
      },
    ],
    [
      "dapi_err",
      (payload: Buffer) => {
        later.resolve(`dapi_err ${payload.toString()}`);
        return reply("");
      },
    ],
  ]);
  const asking = channel(near, () => own);
  const serving = channel(far, () => handlers);
  const handlers = handlersOf(new LocalClient("36414", serving));
  return {
    asking,
    /** The immediate answer and the later one. */
    ask: async (
      request: Buffer | string,
      command = "dapi",
    ): Promise<{ now: RequestOutcome; later: string }> => {
      const now = await asking.request(command, Buffer.from(request));
      if (now.kind === "failed") return { now, later: "" };
      return { now, later: await later.promise };
    },
  };
}
