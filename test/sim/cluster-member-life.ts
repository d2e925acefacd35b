/** What one process of a whole node has beside the cluster daemon: the registry, the enrollment service's requests, the functions of the API. */
import { agentList } from "#cluster/dapi/agents-seen.ts";
import { ItemsAnswer } from "#cluster/dapi/answers.ts";
import { type ApiCallable, apiCallable } from "#cluster/dapi/callable.ts";
import { agentChangeCallables } from "#cluster/dapi/callables/agent-changes.ts";
import { agentCallables } from "#cluster/dapi/callables/agents.ts";
import { groupCallables } from "#cluster/dapi/callables/groups.ts";
import { ApiLinks } from "#cluster/dapi/links.ts";
import { callableTable } from "#cluster/dapi/table.ts";
import type { AgentWorld, GroupWorld } from "#cluster/dapi/world.ts";
import type { ClusterNeeds } from "#cluster/needs.ts";
import type { MasterServices } from "#cluster/sendsync/sendsync.ts";
import type { AgentUpdate } from "#connection/needs.ts";
import { applyAgentUpdate, ofKnownAgents } from "#daemons/agent-updates.ts";
import { Enroller } from "#enrollment/enroller.ts";
import { EnrollmentEvents } from "#enrollment/events.ts";
import { CONFIG } from "#enrollment/fixture.ts";
import { LocalRequests } from "#enrollment/local-requests.ts";
import { isObject, parseJson } from "#formats/wire/cluster/json-value.ts";
import { pythonJson } from "#formats/wire/cluster/python-json.ts";
import { GroupChanges } from "#groups/group-changes.ts";
import { CodedError } from "#kernel/errors.ts";
import { type AgentId, type GroupName, parseAgentId } from "#model/agent.ts";
import { Registry, registryPaths } from "#registry/registry.ts";
import { RecordingMetrics } from "#testing/log.ts";
import { HOME } from "./cluster-node.ts";
import type { RequestLedger } from "./cluster-requests.ts";
import { DatabaseFile } from "./database-file.ts";
import type { SimulatedProcess, World } from "./world.ts";

/** After so long without a word an agent is disconnected, here and at the master. */
export const DISCONNECTION_SECONDS = 60;
/** The only function that is not a real one: it says where it ran. */
export const TOUCH = "simulation.touch";
const LOST_LOOK_MS = 5000;
const DATABASE_SYNC_MS = 5000;
const FORCE = {
  enabled: true,
  keyMismatch: true,
  disconnectedTime: { enabled: false, seconds: 0 },
  afterRegistrationSeconds: 0,
};

export type MemberLifeParts = {
  readonly world: World;
  readonly process: SimulatedProcess;
  readonly needs: ClusterNeeds;
  readonly ledger: RequestLedger;
  readonly nodeName: string;
  readonly isMaster: boolean;
  /** Real, for SQLite alone. */
  readonly folder: string;
  readonly life: number;
};

export class MemberLife {
  readonly registry: Registry;
  readonly links: ApiLinks;
  readonly #at: MemberLifeParts;
  readonly #requests: LocalRequests;
  /** When agents that are connected here have last said something; monotonic. */
  readonly #heard = new Map<AgentId, number>();

  /** Throws as the start of a manager does. */
  constructor(at: MemberLifeParts) {
    this.#at = at;
    const { folder, isMaster, life, needs, nodeName, process, world } = at;
    const { clock, files, log } = needs;
    const metrics = new RecordingMetrics();
    const database = new DatabaseFile(world, folder, life);
    process.every(DATABASE_SYNC_MS, () => database.synced());
    process.atEnd((ending) => database.keep(ending));
    const paths = { ...registryPaths(HOME), database: database.path };
    this.registry = new Registry({ files, clock, log, metrics, paths });
    // What runs on in a process that has ended may still write to the file that nobody uses any more.
    process.atEnd(() => world.after(0, () => closeQuietly(this.registry)));
    this.registry.start();
    process.every(LOST_LOOK_MS, () => this.#lookForLost());
    this.registry.keys.onChange((changes) => {
      for (const { kind, entry } of changes) if (kind === "removed") this.#heard.delete(entry.id);
    });
    const events = new EnrollmentEvents({ clock, log, metrics });
    const { registry } = this;
    const config = { ...CONFIG, force: FORCE };
    const enroller = new Enroller({
      ...{ config, events, clock, registry },
      ...{ password: null, random: needs.random, master: null },
    });
    this.#requests = new LocalRequests({ config, enroller, log, registry, isWorker: !isMaster });
    const options = { nodeName, isMaster, table: callableTable(this.#callables()), agents: this.#places() };
    this.links = new ApiLinks(options, needs);
  }

  knows(id: AgentId): boolean {
    return this.registry.keys.byId(id) !== null;
  }

  /** What an agent that is connected here says. */
  report(update: Exclude<AgentUpdate, { kind: "service_started" }>): void {
    const { agentId, kind } = update;
    const isHere = kind === "startup" || kind === "keepalive";
    const known = ofKnownAgents([update], (id) => this.knows(id));
    if (known.length > 0 && isHere) this.#heard.set(agentId, this.#at.world.nowMs);
    else this.#heard.delete(agentId);
    const { nodeName } = this.#at;
    const targets = { agents: this.registry.agents, shared: NO_GROUP_FILES };
    for (const each of known) applyAgentUpdate(targets, each, { hostname: nodeName, nodeName });
  }

  /** As the socket of the enrollment service. */
  readonly services: MasterServices = {
    ask: async (_service, message) => (await this.#requests.answer(Buffer.from(message))).toString("utf8"),
  };

  #lookForLost(): void {
    const { nowMs, wallMs } = this.#at.world;
    for (const [agentId, heardMs] of [...this.#heard]) {
      if (nowMs - heardMs > DISCONNECTION_SECONDS * 1000)
        this.report({ kind: "lost", agentId, atMs: Math.floor(wallMs) });
    }
  }

  #callables(): readonly ApiCallable[] {
    const { nodeName, process, world } = this.#at;
    const { agents, keys } = this.registry;
    const agentWorld: AgentWorld = {
      agents,
      keys,
      manager: { hostname: nodeName, nodeName, version: "Wazuh v4.14.7" },
      wallMs: () => process.wallMs(),
      pause: () => this.#after(0),
      askEnrollment: async (request) => {
        const answer = await this.#requests.answer(Buffer.from(pythonJson(request), "latin1"));
        const value = parseJson(answer);
        return isObject(value) ? value : { error: 1726 };
      },
      restart: async (id) => (this.#heard.has(id) ? null : "not connected here"),
      reconnect: async (id) => (this.#heard.has(id) ? null : "not connected here"),
      respond: async () => null,
      knowsResponse: () => false,
    };
    const touch = apiCallable({
      name: TOUCH,
      action: "agent:read",
      place: "anywhere",
      forNodes: true,
      parse: (values) => ({
        mark: values.wantedText("mark"),
        milliseconds: values.count("milliseconds") ?? 0,
        padding: values.count("padding") ?? 0,
        agents: agentList(values),
      }),
      run: async ({ mark, milliseconds, padding }) => {
        if (process.alive) this.#at.ledger.executed(mark, nodeName);
        await this.#after(world.between(0, milliseconds));
        const answer = new ItemsAnswer({ all: "", some: "", none: "" }, { field: null, casting: "str" });
        answer.add(`${nodeName}~${"x".repeat(padding)}`);
        return answer.answer;
      },
    });
    return [
      ...agentCallables(agentWorld),
      ...agentChangeCallables(agentWorld),
      ...groupCallables(agentWorld, this.#groupWorld()),
      touch,
    ];
  }

  #groupWorld(): GroupWorld {
    const { agents, groups: folders } = this.registry;
    const { files } = this.#at.needs;
    const changes = new GroupChanges({ files, agents, folders, shared: `${HOME}/etc/shared` });
    return {
      names: () => folders.names(),
      exists: (group) => folders.exists(group),
      members: (group) => changes.members(group),
      counts: () => new Map<GroupName, number>(),
      create: (group) => changes.create(group),
      remove: (group) => changes.remove(group),
      assign: (id, group, options) => changes.assign(id, group, options),
      unassign: (id, group) => changes.unassign(id, group),
      files: () => [],
    };
  }

  #places() {
    const { agents } = this.registry;
    return {
      of: async (ids: readonly string[]) =>
        ids.map((id) => {
          const known = parseAgentId(id);
          return { id, node: (known === null ? null : agents.find(known)?.info?.nodeName) ?? null };
        }),
      all: async () => agents.list(null).map(({ id, info }) => ({ id, node: info?.nodeName ?? null })),
    };
  }

  #after(milliseconds: number): Promise<void> {
    return new Promise((resolve) => this.#at.process.after(milliseconds, resolve));
  }
}

const NO_GROUP_FILES = { connected: () => {}, keepalive: () => "synced" as const, sameKeepalive: () => {} };

function closeQuietly({ agents }: Registry): void {
  try {
    agents.close();
  } catch (error) {
    // It was closed by its own stop, or lost its file.
    if (!(error instanceof Error)) throw error;
  }
}

export function expected(error: unknown): void {
  if (!(error instanceof CodedError)) throw error;
}
