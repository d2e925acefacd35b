/** A worker's parts of the cluster, put together. */
import { clusterNode } from "#cluster/config.ts";
import type { ApiLinks } from "#cluster/dapi/links.ts";
import type { ClusterWorld } from "#cluster/dapi/world.ts";
import type { LaterAnswer } from "#cluster/later-answers.ts";
import { commonCommands, configJson, forwardedToMaster, ruleSetHashes } from "#cluster/local/commands.ts";
import type { LocalClient } from "#cluster/local/server.ts";
import type { AppliedArchive } from "#cluster/needs.ts";
import { type Handler, type HandlerTable, ok } from "#cluster/replies.ts";
import { type MasterService, SendSync } from "#cluster/sendsync/sendsync.ts";
import type { Session } from "#cluster/session.ts";
import { taggedLog } from "#cluster/tagged-log.ts";
import { WorkerAgentGroups } from "#cluster/worker/agent-groups.ts";
import { WorkerAgentInfo } from "#cluster/worker/agent-info.ts";
import { WorkerClient } from "#cluster/worker/client.ts";
import { WorkerIntegrity } from "#cluster/worker/integrity.ts";
import type { FileTable } from "#formats/wire/cluster/file-table.ts";
import type { JsonValue } from "#formats/wire/cluster/json-value.ts";
import { makeApi } from "./api.ts";
import type { ClusterParts, ClusterSide } from "./daemon.ts";
import { systemDialer } from "./dialer.ts";

export class ClusterWorker implements ClusterSide {
  readonly #parts: ClusterParts;
  readonly #client: WorkerClient;
  readonly #api: ApiLinks;
  readonly #sendSync: SendSync;
  /** Of the connection that there is, or of the last one. */
  #integrity: WorkerIntegrity | null = null;
  #agentInfo: WorkerAgentInfo | null = null;
  /** A program has asked for the rule set to be read again when the next check has ended. */
  #reloadWanted = false;

  constructor(parts: ClusterParts) {
    const { config, needs, home } = parts;
    this.#parts = parts;
    this.#api = this.#makeApi();
    this.#sendSync = new SendSync(needs);
    this.#client = new WorkerClient(
      clusterNode(config, home),
      { ...needs, dialer: systemDialer },
      {
        handlers: (session) => this.#handlers(session),
        joined: () => this.#joined(),
        left: () => this.#left(),
      },
    );
  }

  async start(): Promise<void> {
    const { config, helperLog } = this.#parts;
    if (config.haproxyHelper.enabled)
      helperLog.write("info", "Main", "This node is a worker; the helper runs on the master only");
    this.#client.start();
  }

  async stop(): Promise<void> {
    this.#client.stop();
  }

  localCommands(client: LocalClient): HandlerTable {
    const { config } = this.#parts;
    const session = () => this.#client.session;
    return new Map<string, Handler>([
      ...commonCommands(config, () => this.#table()),
      ["get_nodes", forwardedToMaster("get_nodes", session, client)],
      ["get_health", forwardedToMaster("get_health", session, client)],
      ["sendrreload", () => this.#wantReload()],
      ...this.#api.local(client),
      ...this.#sendSync.local(client),
    ]);
  }

  get api(): ApiLinks {
    return this.#api;
  }

  askMaster(service: MasterService, message: JsonValue, timeoutMs: number): Promise<LaterAnswer> {
    return this.#sendSync.ask(service, message, timeoutMs);
  }

  #makeApi(): ApiLinks {
    const { config, needs, services } = this.#parts;
    const cluster: ClusterWorld = {
      clusterName: config.name,
      nodeName: config.nodeName,
      nodeType: "worker",
      config: () => configJson(config),
      rulesetHashes: async () => ruleSetHashes(await this.#table()),
      // The functions that ask for these run on the master.
      nodes: () => [],
      health: () => ({}),
    };
    const reloadRules = () => void this.#wantReload();
    return makeApi({ services, cluster, needs, version: config.announcedVersion, reloadRules });
  }

  #handlers(session: Session): HandlerTable {
    const { home, needs, config, agents } = this.#parts;
    const { nodeName, announcedVersion: version } = config;
    const options = {
      home,
      nodeName,
      checked: (applied: AppliedArchive | null) => this.#checked(applied),
    };
    this.#integrity = new WorkerIntegrity(options, session, needs, this.#integrity?.table);
    this.#agentInfo = new WorkerAgentInfo({ nodeName, version, agents }, session, needs);
    const agentGroups = new WorkerAgentGroups(nodeName, agents, session, needs);
    return new Map([
      ...this.#integrity.handlers,
      ...this.#agentInfo.handlers,
      ...agentGroups.handlers,
      ...this.#api.master(session),
      ...this.#sendSync.master(session),
    ]);
  }

  #joined(): void {
    this.#integrity?.start();
    this.#agentInfo?.start();
  }

  #left(): void {
    this.#integrity?.stop();
    this.#agentInfo?.stop();
    this.#api.masterLeft();
    this.#sendSync.masterLeft();
    this.#parts.closeLocalClients();
  }

  #wantReload() {
    this.#reloadWanted = true;
    return ok('{"success": true}');
  }

  #checked(applied: AppliedArchive | null): void {
    if (!this.#reloadWanted && applied?.changesRuleSet !== true) return;
    this.#reloadWanted = false;
    this.#parts.reloadRules();
    const log = taggedLog(this.#parts.needs.log, `Worker ${this.#parts.config.nodeName}`, "Integrity check");
    const sent = "Ruleset reload triggered by cluster integrity check: reload message sent successfully.";
    log.write("info", sent);
  }

  async #table(): Promise<FileTable> {
    const previous = this.#integrity?.table ?? new Map();
    const { home, needs } = this.#parts;
    const nowMs = needs.clock.wallMs();
    return (await needs.heavy.run({ kind: "read_local_table", home, previous, nowMs })).table ?? previous;
  }
}
