/** The master's parts of the cluster, put together. */
import { clusterNode } from "#cluster/config.ts";
import type { ApiLinks } from "#cluster/dapi/links.ts";
import type { ClusterWorld } from "#cluster/dapi/world.ts";
import { healthReport, type WorkerHealth } from "#cluster/health.ts";
import { commonCommands, configJson, jsonReply, ruleSetHashes } from "#cluster/local/commands.ts";
import type { LocalClient } from "#cluster/local/server.ts";
import { MasterAgentGroups, type WorkerAgentGroupsTask } from "#cluster/master/agent-groups.ts";
import { WorkerAgentInfoTask } from "#cluster/master/agent-info.ts";
import { MasterIntegrity, type WorkerIntegrityTask } from "#cluster/master/integrity.ts";
import { OtherMasters } from "#cluster/master/other-masters.ts";
import { type ConnectedWorker, MasterServer } from "#cluster/master/server.ts";
import { SilentAgentsCheck } from "#cluster/master/silent-agents.ts";
import { type NodeInfo, nodeList } from "#cluster/nodes.ts";
import type { Handler, HandlerTable, Reply } from "#cluster/replies.ts";
import { sendSyncHandlers } from "#cluster/sendsync/sendsync.ts";
import type { RunningHelper } from "#haproxy-helper/service.ts";
import { systemNetwork } from "#kernel/platform/network.ts";
import { makeApi, masterServices } from "./api.ts";
import { startBalancing } from "./balancing.ts";
import type { ClusterParts, ClusterSide } from "./daemon.ts";
import { systemDialer } from "./dialer.ts";
import { isOwnAddress } from "./own-address.ts";

const BALANCING_STOP_MS_MAX = 4000;

/** What the master keeps of a worker as long as it is connected. */
type Seat = {
  readonly worker: ConnectedWorker;
  readonly integrity: WorkerIntegrityTask;
  readonly agentInfo: WorkerAgentInfoTask;
  readonly agentGroups: WorkerAgentGroupsTask;
};

export class ClusterMaster implements ClusterSide {
  readonly #parts: ClusterParts;
  readonly #integrity: MasterIntegrity;
  readonly #agentGroups: MasterAgentGroups;
  readonly #silentAgents: SilentAgentsCheck;
  readonly #otherMasters: OtherMasters;
  readonly #api: ApiLinks;
  readonly #server: MasterServer;
  readonly #seats = new Map<string, Seat>();
  #balancing: RunningHelper | null = null;

  constructor(parts: ClusterParts) {
    const { config, needs, home, agents, disconnectionSeconds } = parts;
    this.#parts = parts;
    this.#integrity = new MasterIntegrity(home, needs);
    this.#agentGroups = new MasterAgentGroups(config.announcedVersion, agents, needs);
    const { nodeName: ownName } = config;
    this.#silentAgents = new SilentAgentsCheck({ ownName, disconnectionSeconds, agents }, needs);
    this.#api = this.#makeApi();
    const node = clusterNode(config, home);
    const isOwn = (host: string) => isOwnAddress(host, node.bindAddress);
    const otherMasters = new OtherMasters(node, { ...needs, dialer: systemDialer, isOwnAddress: isOwn });
    this.#otherMasters = otherMasters;
    this.#server = new MasterServer(
      node,
      { ...needs, network: systemNetwork },
      {
        welcomed: (worker) => this.#welcomed(worker),
        left: ({ name }) => this.#left(name),
        metMaster: (hello, address) => otherMasters.answer(hello, address),
      },
    );
  }

  async start(): Promise<void> {
    await this.#server.start();
    void this.#integrity.start();
    this.#agentGroups.start();
    this.#silentAgents.start();
    this.#otherMasters.start();
    this.#balancing = this.#startBalancing();
  }

  async stop(): Promise<void> {
    await this.#stopBalancing();
    this.#integrity.stop();
    this.#agentGroups.stop();
    this.#silentAgents.stop();
    this.#otherMasters.stop();
    await this.#server.stop();
  }

  #startBalancing(): RunningHelper | null {
    const { agentPort, config, helperLog: log, needs, services } = this.#parts;
    return startBalancing({
      options: config.haproxyHelper,
      agentPort,
      log,
      clock: needs.clock,
      nodes: () => this.nodes,
      agents: services.registry.agents,
      api: this.#api.api,
    });
  }

  /** It takes back the servers that it has drained; a balancer that does not answer must not hold up the stop. */
  async #stopBalancing(): Promise<void> {
    if (this.#balancing === null) return;
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = this.#parts.needs.clock.after(BALANCING_STOP_MS_MAX, resolve);
    await Promise.race([this.#balancing.stop(), late]);
    timer.cancel();
  }

  localCommands(client: LocalClient): HandlerTable {
    const { config } = this.#parts;
    return new Map([
      ...commonCommands(config, async () => this.#integrity.table),
      ...this.#questions(),
      ...this.#api.local(client),
    ]);
  }

  get api(): ApiLinks {
    return this.#api;
  }

  /** This node is the master. */
  askMaster(): null {
    return null;
  }

  /** Every node, the master first. */
  get nodes(): readonly NodeInfo[] {
    return [this.#info, ...this.#server.workers.map(infoOf)];
  }

  get #info(): NodeInfo {
    const { nodeName: name, announcedVersion: version, masterAddress: ip } = this.#parts.config;
    return { name, type: "master", version, ip };
  }

  /** Asked by workers for their clients, and by clients of this node. */
  #questions(): HandlerTable {
    return new Map<string, Handler>([
      ["get_nodes", (payload) => jsonReply(nodeList(this.nodes, payload))],
      ["get_health", (payload) => this.#health(payload)],
    ]);
  }

  #makeApi(): ApiLinks {
    const { config, needs, services } = this.#parts;
    const cluster: ClusterWorld = {
      clusterName: config.name,
      nodeName: config.nodeName,
      nodeType: "master",
      config: () => configJson(config),
      rulesetHashes: async () => ruleSetHashes(this.#integrity.table),
      nodes: () => this.nodes,
      health: () => this.#healthOf(Buffer.from("null")),
    };
    const reloadRules = () => this.#parts.reloadRules();
    return makeApi({ services, cluster, needs, version: config.announcedVersion, reloadRules });
  }

  #health(payload: Buffer): Reply {
    return jsonReply(this.#healthOf(payload));
  }

  #healthOf(payload: Buffer) {
    const counts = this.#parts.activeAgents();
    const activeAgents = (name: string) => counts.get(name) ?? 0;
    const workers = [...this.#seats.values()].map((seat): WorkerHealth => {
      const { worker, integrity, agentInfo, agentGroups } = seat;
      const info = infoOf(worker);
      return {
        info,
        activeAgents: activeAgents(info.name),
        integrity: integrity.facts,
        agentInfo: agentInfo.facts,
        agentGroups: agentGroups.facts.changes,
        agentGroupsFull: agentGroups.facts.whole,
        lastKeepaliveMs: this.#server.lastKeepaliveMs(info.name),
      };
    });
    const info = this.#info;
    return healthReport({ info, activeAgents: activeAgents(info.name) }, workers, payload);
  }

  #welcomed(worker: ConnectedWorker): void {
    const { name, session } = worker;
    const integrity = this.#integrity.workerTask(name, session);
    const { agents, needs, services } = this.#parts;
    const agentInfo = new WorkerAgentInfoTask(name, agents, session, needs);
    const agentGroups = this.#agentGroups.workerTask(name, session);
    this.#seats.set(name, { worker, integrity, agentInfo, agentGroups });
    for (const { handlers } of [integrity, agentInfo, agentGroups]) session.serve(handlers);
    session.serve(this.#questions());
    session.serve(this.#api.worker(name, session));
    session.serve(sendSyncHandlers(session, masterServices(services), needs));
  }

  #left(name: string): void {
    this.#seats.delete(name);
    this.#api.workerLeft(name);
  }
}

function infoOf({ name, type, version, address: ip }: ConnectedWorker): NodeInfo {
  return { name, type, version, ip };
}
