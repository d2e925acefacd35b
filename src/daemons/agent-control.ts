/**
 * What others ask of agents, put together: requests through the intake thread, upgrades, and the two local sockets over which the command
 * line and the peer's tools ask.
 */
import { Worker } from "node:worker_threads";
import type { ScaRequest } from "#analysis/special/sca.ts";
import type { ResponseOrder } from "#cluster/dapi/world.ts";
import type { AgentUpdate } from "#connection/needs.ts";
import { CodedError, messageOf } from "#kernel/errors.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { systemLocalSockets } from "#kernel/platform/local-sockets.ts";
import type { Clock } from "#kernel/ports/clock.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { Metrics } from "#kernel/ports/metrics.ts";
import { answerControl, type ControlCommands } from "#local-sockets/control.ts";
import { FramedService, type FramedServiceNeeds, ONE_FRAME } from "#local-sockets/framed-service.ts";
import { answerRemote } from "#local-sockets/remote.ts";
import { type AgentId, agentIdOf, parseAgentId } from "#model/agent.ts";
import type { AgentStore } from "#registry/agent-store.ts";
import { alertProblem } from "#response/host/built-in.ts";
import type { AgentAudit, HostResponses } from "#response/host/host-responses.ts";
import type { MessageForm } from "#response/message.ts";
import type { UpgradableAgent, UpgradeNeeds } from "#upgrade/needs.ts";
import type { PackageOutcome, PackageRequest } from "#upgrade/package-file.ts";
import { PeerRequests } from "#upgrade/peer-requests.ts";
import { RepositoryPackages } from "#upgrade/repository-packages.ts";
import { UpgradeService } from "#upgrade/service.ts";
import { connectionSections } from "./active-configuration.ts";
import { AgentCalls } from "./agent-calls.ts";
import { orderAgent } from "./agent-orders.ts";
import type { ClusterServices } from "./cluster/api.ts";
import { responseOrderMessage, restartMessage } from "./cluster/api-orders.ts";
import { controlCommands, reconnectAgent } from "./control-commands.ts";
import { DownloadThreads } from "./download-threads.ts";
import type { HomePaths } from "./home.ts";
import { type ResponseCommandNeeds, responseCommands } from "./response-commands.ts";
import { respondingAgents } from "./responses.ts";
import { PEER_VERSION, type Settings, upgradeSettings } from "./settings.ts";
import type { AgentCallAnswer, ToIntake } from "./thread-messages.ts";

export type AgentControlNeeds = {
  readonly paths: HomePaths;
  readonly settings: Settings;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly agents: AgentStore;
  readonly responses: HostResponses;
  /** The groups of an agent, which has some afterwards. */
  readonly assignGroup: (id: AgentId, sum: string) => string;
  readonly counters: () => Readonly<Record<string, number>>;
  readonly startedMs: number;
  readonly sendToIntake: (message: ToIntake) => void;
};

export class AgentControl {
  readonly #needs: AgentControlNeeds;
  readonly #calls: AgentCalls;
  readonly #upgrades: UpgradeService;
  readonly #sockets: ReadonlyMap<string, FramedService>;
  readonly #tasks: PeerRequests;
  readonly #downloads = new DownloadThreads();

  constructor(needs: AgentControlNeeds) {
    this.#needs = needs;
    this.#calls = new AgentCalls(needs.sendToIntake);
    const upgradeNeeds = this.#upgradeNeeds();
    this.#upgrades = new UpgradeService(upgradeNeeds);
    const repository = new RepositoryPackages({
      ...upgradeNeeds,
      download: (...order) => this.#downloads.run(...order),
    });
    const { agents } = needs;
    const commands = {
      ...controlCommands({ agents, calls: this.#calls, upgrades: this.#upgrades, repository }),
      ...this.#responseCommands(),
    };
    const { controlSocket, home, remoteSocket } = needs.paths;
    const tasks = new PeerRequests({
      clock: needs.clock,
      home,
      nodeName: needs.settings.config.cluster?.nodeName ?? "",
      upgrades: this.#upgrades,
      repository,
    });
    const [upgradeSocket, taskSocket] = [`${home}/queue/tasks/upgrade`, `${home}/queue/tasks/task`];
    this.#tasks = tasks;
    const world = { clock: needs.clock, localSockets: systemLocalSockets, metrics: needs.metrics };
    type Answer = FramedServiceNeeds["answer"];
    const serve = (path: string, answer: Answer) => new FramedService(path, { ...world, answer });
    const serveTasks = (path: string, answer: Answer) =>
      new FramedService(path, { ...world, answer }, ONE_FRAME);
    this.#sockets = new Map([
      [controlSocket, serve(controlSocket, (request) => answerControl(commands, request))],
      [remoteSocket, serve(remoteSocket, (request) => answerRemote(this.#remoteNeeds(), request))],
      [upgradeSocket, serveTasks(upgradeSocket, (request) => tasks.answerUpgrade(request))],
      [taskSocket, serveTasks(taskSocket, (request) => tasks.answerTask(request))],
    ]);
  }

  /** Does not reject: agents are served without it. */
  async start(): Promise<void> {
    await this.#guarded("Upgrades do not go on", () => this.#upgrades.start());
    for (const [path, socket] of this.#sockets)
      await this.#guarded(`The socket ${path} is not served`, () => socket.start());
  }

  async stop(): Promise<void> {
    this.#upgrades.stop();
    await this.#downloads.stop();
    await Promise.all([...this.#sockets.values()].map((socket) => socket.stop()));
  }

  take(answer: AgentCallAnswer): void {
    this.#calls.take(answer);
  }

  agentsChanged(updates: readonly AgentUpdate[]): void {
    for (const update of updates)
      if (update.kind === "upgrade_reported") this.#upgrades.reported(update.agentId, update.result);
  }

  /** What the distributed API has agents of this node do; null when they were told, else why not. */
  get work(): ClusterServices["agentWork"] {
    const { responses } = this.#needs;
    return {
      restart: (id) => this.#order(id, { program: "restart-wazuh", arguments: [] }, restartMessage),
      reconnect: async (id) => {
        const { ok, message } = await reconnectAgent(this.#calls, id);
        return ok ? null : message;
      },
      respond: (id, order) => this.#respond(id, order),
      knowsResponse: (command) => command.startsWith("!") || responses.resolve(command) !== null,
    };
  }

  async #respond(id: AgentId, order: ResponseOrder): Promise<string | null> {
    const { responses, settings } = this.#needs;
    const program = responses.resolve(order.command)?.executable ?? order.command;
    // What an agent is told to do something about goes to a command there: a wrong one goes nowhere.
    const problem = alertProblem(program, order.alert);
    if (problem !== null) return problem;
    const nodeName = settings.config.cluster?.nodeName ?? "";
    return this.#order(id, { program, arguments: order.arguments }, (form) =>
      responseOrderMessage(form, order, nodeName),
    );
  }

  async #order(
    id: AgentId,
    told: Pick<AgentAudit, "program" | "arguments">,
    messageFor: (form: MessageForm) => string,
  ): Promise<string | null> {
    const { agents } = this.#responseNeeds();
    const { ok, message: text } = await orderAgent(
      { agents, calls: this.#calls },
      { id, messageFor, dryRun: false },
    );
    this.#needs.responses.note({ asker: "distributed API", agent: id, ...told, dryRun: false, ok, text });
    return ok ? null : text;
  }

  /** A request as on the socket of the connection service. */
  askConnection(request: Buffer): Promise<Uint8Array | null> {
    return answerRemote(this.#remoteNeeds(), request);
  }

  /** A request as on the socket of the task manager. */
  askTasks(request: Buffer): Uint8Array {
    return this.#tasks.answerTask(request);
  }

  /** One that cannot be reached is asked again after its next summary. */
  askForResults(requests: readonly ScaRequest[]): void {
    for (const { agentId, text } of requests) {
      const id = parseAgentId(agentId);
      if (id !== null)
        void this.#calls.send(id, `#!-${text}`).then((result) => {
          this.#needs.metrics.add(result === "sent" ? "sca_requests_sent" : "sca_requests_unsent");
        });
    }
  }

  #responseCommands(): ControlCommands {
    return responseCommands(this.#responseNeeds());
  }

  #responseNeeds(): ResponseCommandNeeds {
    const { agents, responses, settings } = this.#needs;
    const { activeResponse, cluster } = settings.config;
    const nodeName = cluster?.nodeName ?? "";
    const isDisabled = activeResponse.disabled;
    return { agents: respondingAgents(agents), calls: this.#calls, responses, nodeName, isDisabled };
  }

  async #guarded(problem: string, act: () => void | Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#needs.log.write("error", `${problem}: ${messageOf(error)}`);
    }
  }

  #upgradeNeeds(): UpgradeNeeds {
    const { clock, log, metrics, paths } = this.#needs;
    const settings = upgradeSettings(this.#needs.settings, paths);
    return {
      clock,
      files: systemFiles,
      log,
      metrics,
      managerVersion: PEER_VERSION,
      settings,
      packages: paths.packages,
      taskFile: paths.upgradeTasks,
      agent: (id) => this.#upgradable(id),
      request: (id, payload) => this.#calls.request(id, payload),
      preparePackage: (path) =>
        takePackageApart({
          path,
          authorities: settings.packageAuthorities,
          directory: paths.packages,
          nowMs: clock.wallMs(),
        }),
    };
  }

  #upgradable(id: AgentId): UpgradableAgent | null {
    const record = this.#reading(() => this.#needs.agents.find(id));
    if (record === null) return null;
    return {
      id,
      active: record.status === "active",
      version: record.info?.version ?? null,
      platform: record.info?.os.platform ?? "",
      architecture: record.info?.os.arch ?? "",
      lastKeepaliveSeconds: record.lastKeepaliveSeconds ?? 0,
    };
  }

  #remoteNeeds(): Parameters<typeof answerRemote>[0] {
    const { agents, assignGroup, clock, counters, settings, startedMs } = this.#needs;
    return {
      request: (id, payload) => this.#calls.request(id, payload),
      counters,
      agentCounts: (ids) => this.#calls.counts(ids),
      activeAgents: (lastId, limit) => this.#reading(() => activeAgents(agents, lastId, limit)),
      section: connectionSections(settings),
      assignGroup: (id, sum) => this.#reading(() => (agents.find(id) === null ? null : assignGroup(id, sum))),
      wallMs: () => clock.wallMs(),
      startedMs,
      queueSize: settings.config.remote.secure?.queueSize ?? 0,
    };
  }

  /** Null when the registry fails, which has said so itself. */
  #reading<T>(read: () => T | null): T | null {
    try {
      return read();
    } catch (error) {
      if (error instanceof CodedError) return null;
      throw error;
    }
  }
}

function activeAgents(agents: AgentStore, lastId: number, limit: number): readonly AgentId[] {
  const found: AgentId[] = [];
  let after: AgentId | null = agentIdOf(Math.floor(lastId));
  while (found.length < limit) {
    const page = agents.list(after);
    found.push(...page.filter(({ status }) => status === "active").map(({ id }) => id));
    after = page.at(-1)?.id ?? null;
    if (after === null) break;
  }
  return found.slice(0, limit);
}

function takePackageApart(request: PackageRequest): Promise<PackageOutcome> {
  return new Promise((resolve) => {
    const worker = new Worker(new URL("./wpk-thread.ts", import.meta.url), { workerData: request });
    worker.once("message", resolve);
    worker.once("error", (error) => resolve({ ok: false, code: "package_failed", text: messageOf(error) }));
  });
}
