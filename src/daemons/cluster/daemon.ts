/** The cluster daemon inside the manager: one side of it, the local socket, its log. A manager that works alone has none. */
import type { ApiLinks } from "#cluster/dapi/links.ts";
import type { LaterAnswer } from "#cluster/later-answers.ts";
import { type LocalClient, LocalServer } from "#cluster/local/server.ts";
import type { ClusterAgents, ClusterNeeds } from "#cluster/needs.ts";
import type { HandlerTable } from "#cluster/replies.ts";
import { emptyScratch } from "#cluster/scratch.ts";
import type { MasterService } from "#cluster/sendsync/sendsync.ts";
import { taggedLog } from "#cluster/tagged-log.ts";
import type { ClusterConfig } from "#config/sections/cluster.ts";
import type { JsonValue } from "#formats/wire/cluster/json-value.ts";
import type { HelperLog } from "#haproxy-helper/needs.ts";
import { CodedError } from "#kernel/errors.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { systemLocalSockets } from "#kernel/platform/local-sockets.ts";
import { systemRandom } from "#kernel/platform/random.ts";
import type { Clock } from "#kernel/ports/clock.ts";
import type { LogLevel } from "#kernel/ports/log.ts";
import type { Metrics } from "#kernel/ports/metrics.ts";
import type { Settings } from "../settings.ts";
import type { ClusterServices } from "./api.ts";
import { ClusterLog, sayClusterProblems } from "./log.ts";
import { ClusterMaster } from "./master.ts";
import { ClusterWork } from "./work.ts";
import { ClusterWorker } from "./worker.ts";

/** `process_pool_size` of the peer; a worker has one. */
const MASTER_THREADS = 2;
const WORKER_THREADS = 1;
/** Of agents, where no <remote> says another. */
const AGENT_PORT = 1514;
/** Somebody waits at our door meanwhile, such as an agent that enrols. */
const MASTER_ANSWER_MS = 20_000;

export type ClusterDaemonNeeds = {
  readonly settings: Settings;
  readonly home: string;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly agents: ClusterAgents;
  /** How many agents are active on each node, by its name. */
  readonly activeAgents: () => ReadonlyMap<string, number>;
  readonly reloadRules: () => void;
  readonly services: ClusterServices;
  /** Given every line of cluster.log. */
  readonly echo: (level: LogLevel, line: string) => void;
};

/** In cluster.log too: a manager that does not start for its errors has no daemon that could say them. */
export function sayClusterErrors({ problems }: Settings, home: string, clock: Clock): void {
  if (problems.every(({ severity }) => severity !== "error")) return;
  const log = new ClusterLog({ files: systemFiles, clock, home, debug: 0, echo: () => {} });
  sayClusterProblems(log, problems);
  log.close();
}

/** Where a master listens for its workers. */
export function clusterPorts({ config: { cluster } }: Settings) {
  if (cluster.disabled || cluster.nodeType === "worker") return [];
  return [{ host: cluster.bindAddress, port: cluster.port, purpose: "nodes of the cluster" }];
}

/** What both sides are made of. */
export type ClusterParts = Pick<
  ClusterDaemonNeeds,
  "home" | "agents" | "activeAgents" | "reloadRules" | "services"
> & {
  /** `<global><agents_disconnection_time>`. */
  readonly disconnectionSeconds: number;
  /** Where agents report to; the same on every node. */
  readonly agentPort: number;
  readonly helperLog: HelperLog;
  readonly config: ClusterConfig;
  readonly needs: ClusterNeeds;
  /** Those who wait for the master, when it is gone. */
  readonly closeLocalClients: () => void;
};

/** Master or worker. */
export interface ClusterSide {
  /** Throws `CodedError` when the port cannot be had. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** What one program on the local socket may ask. */
  localCommands(client: LocalClient): HandlerTable;
  readonly api: ApiLinks;
  /** Null on the master itself. */
  askMaster(service: MasterService, message: JsonValue, timeoutMs: number): Promise<LaterAnswer> | null;
}

export class ClusterDaemon {
  readonly #log: ClusterLog;
  readonly #work: ClusterWork;
  readonly #local: LocalServer;
  readonly #side: ClusterSide;
  readonly #home: string;
  readonly #problems: Settings["problems"];

  private constructor({ settings, clock, metrics, echo, ...rest }: ClusterDaemonNeeds) {
    const config = settings.config.cluster;
    const { debug } = settings.options.wazuh_clusterd;
    const isMaster = config.nodeType === "master";
    this.#home = rest.home;
    this.#problems = settings.problems;
    this.#log = new ClusterLog({ files: systemFiles, clock, home: rest.home, debug, echo });
    this.#work = new ClusterWork(isMaster ? MASTER_THREADS : WORKER_THREADS);
    const needs = {
      clock,
      random: systemRandom,
      log: this.#log,
      files: systemFiles,
      heavy: this.#work,
      metrics,
    };
    const disconnectionSeconds = settings.config.global.agentsDisconnectionSeconds;
    const parts = {
      ...rest,
      config,
      needs,
      disconnectionSeconds,
      agentPort: settings.config.remote.secure?.port ?? AGENT_PORT,
      helperLog: this.#log.helper,
      closeLocalClients: () => this.#local.closeClients(),
    };
    const side = isMaster ? new ClusterMaster(parts) : new ClusterWorker(parts);
    this.#side = side;
    const localNeeds = { ...needs, localSockets: systemLocalSockets };
    this.#local = new LocalServer(rest.home, localNeeds, (client) => side.localCommands(client));
  }

  /** Null where the cluster is disabled. Throws `CodedError` when a port or a socket cannot be had; nothing stays running then. */
  static async start(needs: ClusterDaemonNeeds): Promise<ClusterDaemon | null> {
    if (needs.settings.config.cluster.disabled) return null;
    const daemon = new ClusterDaemon(needs);
    try {
      await daemon.#start();
      return daemon;
    } catch (error) {
      await daemon.stop();
      throw error;
    }
  }

  /** Has a service of the master do something. Null on the master itself, and when it cannot be reached; never rejects. */
  async askMaster(service: MasterService, message: JsonValue): Promise<string | null> {
    const answer = await this.#side.askMaster(service, message, MASTER_ANSWER_MS);
    return answer?.kind === "answered" ? answer.bytes.toString("utf8") : null;
  }

  async stop(): Promise<void> {
    await this.#side.stop();
    await this.#local.stop();
    await this.#work.stop();
    this.#log.close();
  }

  async #start(): Promise<void> {
    const main = taggedLog(this.#log, "Cluster", "Main");
    sayClusterProblems(this.#log, this.#problems);
    main.write("debug", `Removing '${this.#home}/queue/cluster/'.`);
    emptyScratch(systemFiles, this.#home);
    main.write("debug", `Removed '${this.#home}/queue/cluster/'.`);
    await this.#local.start();
    try {
      await this.#side.start();
    } catch (error) {
      if (error instanceof CodedError) main.write("error", `Could not start master: ${error.message}`);
      throw error;
    }
  }
}
