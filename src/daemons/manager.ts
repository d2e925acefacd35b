/**
 * The manager: makes its parts, in the order in which they need each other, and stops them in the order in which events flow.
 *
 * ```
 * main: registry, enrollment ──keys──► intake: connection, host logs ──journal──► analysis ──blocks──► output
 *                            ◄─agents──                      ▲ sync
 * ```
 */
import assert from "node:assert/strict";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import type { ShownAlert } from "#analysis/pipeline.ts";
import type { RulesetSources } from "#analysis/ruleset/sources.ts";
import type { ConnectionConfig } from "#connection/config.ts";
import type { AgentUpdate } from "#connection/needs.ts";
import type { EnrollmentRegistry } from "#enrollment/needs.ts";
import { formatProblem } from "#formats/source-position.ts";
import { SharedProgress } from "#journal/shared-progress.ts";
import { CodedError, messageOf } from "#kernel/errors.ts";
import type { BoundPort } from "#kernel/platform/bound-ports.ts";
import { SystemClock } from "#kernel/platform/clock.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import type { LogLevel } from "#kernel/ports/log.ts";
import { Registry, registryPaths } from "#registry/registry.ts";
import { arCommands, writeArConf } from "#response/ar-conf.ts";
import type { ResponseDispatcher } from "#response/dispatcher.ts";
import { AgentControl } from "./agent-control.ts";
import { type AgentFactsMessage, factsOfKeyChanges, factsOfUpdates, storedFacts } from "./agent-facts.ts";
import { applyAgentUpdate, type NodeNames, ofKnownAgents } from "./agent-updates.ts";
import { ClockWatch } from "./clock-watch.ts";
import type { ClusterServices } from "./cluster/api.ts";
import { ClusterDaemon, sayClusterErrors } from "./cluster/daemon.ts";
import { ComponentSockets } from "./component-sockets.ts";
import { Counters } from "./counters.ts";
import { EnrollmentDaemon } from "./enrollment-daemon.ts";
import { connectionsWithin, fileLimitWarning, openFilesMax } from "./file-limit.ts";
import { giveBackMemory } from "./give-back-memory.ts";
import { GroupDistribution } from "./group-distribution.ts";
import { type HomePaths, homePaths, prepareHome, releaseLock, takeLock } from "./home.ts";
import { HostResponder } from "./host-responses.ts";
import type { IntakeThreadData } from "./intake-thread.ts";
import { KeyLine } from "./key-line.ts";
import { type ListeningPort, listeningPorts, portWishes } from "./listening-ports.ts";
import type { LocalQueuePaths } from "./local-queues.ts";
import { LOGTEST_HEAP_MEGABYTES_MAX, LogtestKeeper } from "./logtest-keeper.ts";
import { ManagerLog } from "./manager-log.ts";
import { OldAgents } from "./old-agents.ts";
import { PeerStateFiles } from "./peer-state-files.ts";
import { makeResponseDispatcher } from "./responses.ts";
import type { RootRights } from "./rights/root-rights.ts";
import { RulesetReloads } from "./ruleset-reloads.ts";
import { RulesetWatch } from "./ruleset-watch.ts";
import {
  balancersOf,
  clusterRole,
  connectionConfig,
  enrollmentConfig,
  errorLines,
  hostLogsOptions,
  logtestConfig,
  oldAgentsConfig,
  readSettings,
  responseSettings,
  rulesetSources,
  type Settings,
  syslogConfigs,
  withExcludedFiles,
} from "./settings.ts";
import type { SyncThreadData } from "./sync-thread.ts";
import { Thread, type ThreadHost } from "./thread.ts";
import {
  analysisThreadData,
  logtestThreadData,
  outputThreadData,
  type ThreadDataParts,
} from "./thread-data.ts";
import type {
  FromAnalysis,
  FromIntake,
  FromOutput,
  MainToOutput,
  RulesOutcome,
  ToAnalysis,
  ToIntake,
} from "./thread-messages.ts";
import { unusedSettings } from "./unused-settings.ts";

/** Everything must have stopped by then; what has not is ended. */
const STOP_MS_MAX = 10_000;
const STATE_PERIOD_MS = 5000;
/** It makes some kilobytes of each event. */
const ANALYSIS_YOUNG_MEGABYTES_MAX = 48;
const DAEMON = "cyb3rhq-managerd";

export type ManagerOptions = {
  readonly home: string;
  /** A rule set in the peer's layout instead of the configured one. */
  readonly ruleset: string | null;
  readonly version: string;
  readonly hostname: string;
  /** Root's, to be given up; null when the manager keeps those that it was started with. */
  readonly rights: RootRights | null;
  /** Behind `cyb3rhq`: how this manager is started again. */
  readonly startArguments: readonly string[];
  /** For the log, as soon as there is one. */
  readonly warnings: readonly string[];
  /** Given each alert; null when nobody looks. */
  readonly show: ((alerts: readonly ShownAlert[], left: number) => void) | null;
  /** Given each line of the manager's log. */
  readonly echo: (level: LogLevel, line: string) => void;
  /** A part failed while running; the manager is stopping itself. */
  readonly failed: (error: CodedError) => void;
};

export class Manager {
  readonly paths: HomePaths;
  readonly #options: ManagerOptions;
  readonly #clock = new SystemClock();
  readonly #counters = new Counters();
  readonly #progress = new SharedProgress();
  readonly #log: ManagerLog;
  readonly #host: ThreadHost;
  readonly #startedMs: number;
  #settings: Settings | null = null;
  /** Those that root had to bind. */
  #boundPorts: readonly BoundPort[] = [];
  /** Of the rule set that is loaded at the start. */
  #sources: RulesetSources = { decoders: [], rules: [], lists: [] };
  #registry: Registry | null = null;
  #keyLine: KeyLine | null = null;
  #enrollment: EnrollmentDaemon | null = null;
  #intake: Thread<FromIntake, ToIntake> | null = null;
  #sync: Thread<never> | null = null;
  #analysis: Thread<FromAnalysis, ToAnalysis> | null = null;
  #output: Thread<FromOutput, MainToOutput> | null = null;
  #responses: ResponseDispatcher | null = null;
  #hostResponder: HostResponder | null = null;
  #groups: GroupDistribution | null = null;
  #agentControl: AgentControl | null = null;
  #stateTimer: { cancel(): void } | null = null;
  #peerState: PeerStateFiles | null = null;
  #cluster: ClusterDaemon | null = null;
  #clockWatch: ClockWatch | null = null;
  #oldAgents: OldAgents | null = null;
  #rulesetWatch: RulesetWatch | null = null;
  #components: ComponentSockets | null = null;
  readonly #reloads = new RulesetReloads(this.#clock, () => this.reloadRules());
  #logtest: LogtestKeeper | null = null;
  #rules: RulesOutcome | null = null;
  #stopping: Promise<void> | null = null;
  #locked = false;

  constructor(options: ManagerOptions) {
    this.#options = options;
    this.paths = homePaths(options.home);
    this.#startedMs = this.#clock.wallMs();
    this.#log = new ManagerLog({
      files: systemFiles,
      clock: this.#clock,
      path: this.paths.log,
      archive: `${options.home}/logs/cyb3rhq`,
      echo: options.echo,
    });
    this.#host = {
      log: (daemon, level, text) => this.#log.of(daemon).write(level, text),
      lost: (name, error) => this.#lost(name, error),
    };
  }

  /** Rejects with a `CodedError` whose message says what to do; nothing stays running then. */
  async start(): Promise<void> {
    try {
      this.#prepare();
      // Before the first alert can be answered.
      this.#hostResponder?.start();
      await Promise.all([this.#startThreads(), this.#startLogtest()]);
      await this.#startEnrollment();
      await this.#agentControl?.start();
      this.#components = this.#makeComponentSockets();
      await this.#components.start();
      this.#cluster = await this.#startCluster();
      this.#clockWatch = new ClockWatch(this.#clock, this.#log.of(DAEMON));
      this.#oldAgents = this.#watchOldAgents();
      this.#stateTimer = this.#clock.every(STATE_PERIOD_MS, () => this.#writeState());
      this.#writeState();
      this.#peerState = new PeerStateFiles({
        files: systemFiles,
        clock: this.#clock,
        log: this.#log.of(DAEMON),
        settings: this.#settingsOrThrow(),
        home: this.paths.home,
        counters: () => this.#allCounters(),
      });
      giveBackMemory();
      this.#log.of(DAEMON).write("info", `Started (pid: ${process.pid}).`);
    } catch (error) {
      await this.stop();
      throw error instanceof CodedError ? error : new CodedError("start_failed", messageOf(error), {}, error);
    }
  }

  /** Ends within `STOP_MS_MAX`; a second call waits for the first. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** The rule set is read again; the one in use stays when the new one has an error. */
  reloadRules(): void {
    this.#intake?.send({ kind: "reload_rules" });
  }

  get ports(): readonly ListeningPort[] {
    return this.#settings === null ? [] : listeningPorts(this.#settings, this.paths, this.#options.hostname);
  }

  #prepare(): void {
    prepareHome(systemFiles, this.paths);
    takeLock(systemFiles, this.paths, process.pid);
    this.#locked = true;
    const settings = readSettings(systemFiles, this.paths);
    const errors = errorLines(settings.problems);
    sayClusterErrors(settings, this.paths.home, this.#clock);
    if (errors.length > 0) throw new CodedError("config_invalid", errors.join("\n"));
    for (const problem of settings.problems) this.#log.of(DAEMON).write("warning", formatProblem(problem));
    for (const text of unusedSettings(settings.config)) this.#log.of(DAEMON).write("warning", text);
    this.#settings = settings;
    this.#giveUpRights(settings);
    // Before the rule set is read: a change after that is seen.
    const sources = this.#sourcesOf(settings);
    this.#rulesetWatch = this.#watchRuleset(settings.options.analysisd.reloadOnChangeSeconds, sources);
    this.#sources = sources;
    this.#registry = new Registry({
      files: systemFiles,
      clock: this.#clock,
      log: this.#log.of("cyb3rhq-authd"),
      metrics: this.#counters,
      paths: registryPaths(this.paths.home),
    });
    this.#registry.onMended(() => this.#intake?.send({ kind: "forget_keepalives" }));
    this.#registry.start();
    writeArConf(systemFiles, this.paths.home, responseSettings(settings.config).responses);
    const host = this.#makeHostResponder(settings);
    this.#hostResponder = host;
    this.#responses = makeResponseDispatcher({
      clock: this.#clock,
      log: this.#log.of("cyb3rhq-execd"),
      metrics: this.#counters,
      agents: this.#registry.agents,
      nodeName: settings.config.cluster?.nodeName ?? "",
      sendToAgent: (agentId, message) => this.#intake?.send({ kind: "respond", agentId, message }),
      runOnServer: (text) => host.responses.run(text),
    });
    this.#groups = this.#startGroups(settings, this.#registry);
    this.#agentControl = this.#makeAgentControl(settings, this.#registry, this.#groups);
  }

  /** Before any thread starts, and before anything is listened to. */
  #giveUpRights(settings: Settings): void {
    const { rights, warnings } = this.#options;
    const log = this.#log.of(DAEMON);
    for (const text of [...warnings, ...(rights?.warnings ?? [])]) log.write("warning", text);
    if (rights === null) return;
    this.#boundPorts = rights.giveUp(portWishes(settings, this.paths, this.#options.hostname));
    log.write("info", `Gave up root: going on as the user ${rights.account.name}.`);
  }

  #makeHostResponder({ config }: Settings): HostResponder {
    const { responses } = responseSettings(config);
    const answersHere = ({ target }: (typeof responses)[number]) =>
      /^(?:local|server)$/.test(target.location);
    return new HostResponder({
      clock: this.#clock,
      log: this.#log.of("cyb3rhq-execd"),
      metrics: this.#counters,
      paths: this.paths,
      held: this.#options.rights?.helper ?? null,
      startArguments: this.#options.startArguments,
      commands: arCommands(responses),
      repeatedOffenderMinutes: config.activeResponse.repeatedOffenderMinutes,
      isConfigured: responses.some(answersHere),
      configErrors: () => errorLines(readSettings(systemFiles, this.paths).problems),
    });
  }

  /** After ar.conf was written, which is in every group's files. */
  #startGroups(
    { config, options: { remoted, wazuh_download: download } }: Settings,
    { agents }: Registry,
  ): GroupDistribution {
    return new GroupDistribution({
      host: this.#host,
      agents,
      clock: this.#clock,
      log: this.#log.of("cyb3rhq-remoted"),
      metrics: this.#counters,
      home: this.paths.home,
      lookSeconds: remoted.sharedReloadSeconds,
      guessesGroup: remoted.guessAgentGroup === 1,
      // Those of a worker come from its master, for the agents of all nodes.
      merges: remoted.mergeShared === 1 && clusterRole(config) !== "worker",
      servesAllNodes: clusterRole(config) === "master",
      assigned: (agent, md5) => {
        const parameters = { agent, md5 };
        void this.#cluster?.askMaster("remoted", { command: "assigngroup", parameters });
      },
      downloads: download.enabled === 1,
      places: clusterRole(config) !== "worker",
      sendToIntake: (message) => this.#intake?.send(message),
    });
  }

  #makeAgentControl(settings: Settings, { agents }: Registry, groups: GroupDistribution): AgentControl {
    assert(this.#hostResponder !== null, "made before");
    return new AgentControl({
      responses: this.#hostResponder.responses,
      paths: this.paths,
      settings,
      clock: this.#clock,
      log: this.#log.of("cyb3rhq-modulesd"),
      metrics: this.#counters,
      agents,
      assignGroup: (id, sum) => groups.configuration.groupsOf(id, sum).join(","),
      counters: () => ({ ...this.#counters.all, ...this.#intake?.counters }),
      startedMs: this.#startedMs,
      sendToIntake: (message) => this.#intake?.send(message),
    });
  }

  #makeComponentSockets(): ComponentSockets {
    assert(this.#hostResponder !== null, "prepared");
    return new ComponentSockets({
      clock: this.#clock,
      log: this.#log.of("cyb3rhq-execd"),
      metrics: this.#counters,
      paths: this.paths,
      settings: this.#settingsOrThrow(),
      rulesetDirectory: this.#options.ruleset,
      daemon: DAEMON,
      responses: this.#hostResponder.responses,
      reloads: this.#reloads,
      rulesetSources: () => this.#sourcesOf(readSettings(systemFiles, this.paths)),
    });
  }

  #startCluster(): Promise<ClusterDaemon | null> {
    const { agents } = this.#registryOrThrow();
    return ClusterDaemon.start({
      settings: this.#settingsOrThrow(),
      home: this.paths.home,
      clock: this.#clock,
      metrics: this.#counters,
      agents: agents.sync,
      activeAgents: () => agents.activeByNode(),
      reloadRules: () => this.reloadRules(),
      services: this.#clusterServices(),
      echo: this.#options.echo,
    });
  }

  #clusterServices(): ClusterServices {
    assert(this.#agentControl !== null && this.#components !== null, "prepared");
    const [control, components] = [this.#agentControl, this.#components];
    return {
      home: this.paths.home,
      hostname: this.#options.hostname,
      registry: this.#registryOrThrow(),
      askEnrollment: async (request) => (await this.#enrollment?.answer(request)) ?? null,
      askConnection: (request) => control.askConnection(request),
      askTasks: (request) => control.askTasks(request),
      agentWork: control.work,
      restart: () => components.restart(),
      validate: () => components.checkConfiguration(),
      rulesetFiles: () => {
        const settings = readSettings(systemFiles, this.paths);
        const config = withExcludedFiles(settings.config);
        return { inUse: this.#sourcesOf(settings), all: this.#sourcesOf({ ...settings, config }) };
      },
    };
  }

  #watchOldAgents(): OldAgents | null {
    const config = oldAgentsConfig(this.#settingsOrThrow());
    if (config === null) return null;
    const registry = this.#registryOrThrow();
    return new OldAgents(config, {
      clock: this.#clock,
      log: this.#log.of("cyb3rhq-monitord"),
      metrics: this.#counters,
      agents: registry.agents,
      remove: (ids, options) => registry.remove(ids, options),
      tell: (location, message) => this.#tellOfItself(location, message),
    });
  }

  #sourcesOf({ config }: Settings): RulesetSources {
    return rulesetSources(systemFiles, this.paths, { config, directory: this.#options.ruleset });
  }

  #watchRuleset(periodSeconds: number, inUse: RulesetSources): RulesetWatch | null {
    if (periodSeconds === 0) return null;
    const needs = {
      files: systemFiles,
      clock: this.#clock,
      sources: () => {
        const settings = readSettings(systemFiles, this.paths);
        return errorLines(settings.problems).length > 0 ? null : this.#sourcesOf(settings);
      },
      changed: () => {
        this.#log.of(DAEMON).write("info", "Files of the rule set changed: it is read again");
        this.reloadRules();
      },
    };
    return new RulesetWatch(needs, periodSeconds, inUse);
  }

  async #startThreads(): Promise<void> {
    const settings = this.#settingsOrThrow();
    const channel = new MessageChannel();
    this.#analysis = this.#startAnalysis(settings, channel.port1);
    this.#output = this.#startOutput(settings, channel.port2);
    const syncData: SyncThreadData = { directory: this.paths.journal, progress: this.#progress.shared };
    this.#sync = new Thread("sync", { data: syncData }, this.#host, () => {});
    const intakeData: IntakeThreadData = {
      progress: this.#progress.shared,
      journal: this.paths.journal,
      connection: this.#connectionConfig(settings),
      balancers: balancersOf(settings).agents,
      hostLogs: hostLogsOptions(settings.config, this.paths),
      localQueues: this.#localQueues(settings),
      syslog: syslogConfigs(settings, this.paths, process.pid),
      boundPorts: this.#boundPorts,
    };
    const intake = new Thread<FromIntake, ToIntake>("intake", { data: intakeData }, this.#host, (message) =>
      this.#fromIntake(message),
    );
    this.#intake = intake;
    this.#keyLine = this.#makeKeyLine();
    this.#keyLine.start();
    // A rule set with errors must open no port: agents would be accepted and nothing be done for them.
    const prepared = Promise.all([
      this.#analysis.ready,
      this.#output.ready,
      this.#sync.ready,
      this.#groupsOrThrow().ready,
    ]);
    await Promise.all([prepared.then(() => intake.send({ kind: "serve" })), intake.ready]);
  }

  /** Who disabled active responses is not asked for any of this host's. */
  #localQueues({ config }: Settings): LocalQueuePaths {
    const { eventQueue, agentResponseQueue, hostResponseQueue } = this.paths;
    const host = config.activeResponse.disabled ? null : hostResponseQueue;
    return { events: eventQueue, agentResponses: agentResponseQueue, hostResponses: host };
  }

  /** With as many connections as there are files for. */
  #connectionConfig(settings: Settings): ConnectionConfig | null {
    const config = connectionConfig(settings, this.paths, process.pid);
    if (config === null) return null;
    const filesMax = openFilesMax(systemFiles);
    const connectionsMax = connectionsWithin(filesMax, config.connectionsMax);
    const warning = fileLimitWarning(filesMax, connectionsMax, this.#registryOrThrow().keys.size);
    if (warning !== null) this.#log.of(DAEMON).write("warning", warning);
    return { ...config, connectionsMax };
  }

  #startAnalysis(settings: Settings, output: MessagePort): Thread<FromAnalysis, ToAnalysis> {
    const data = analysisThreadData({
      ...this.#threadParts(settings),
      sources: this.#sources,
      agents: this.#storedFacts(),
      showsAlerts: this.#options.show !== null,
      output,
    });
    const start = { data, transfer: [output], youngMegabytesMax: ANALYSIS_YOUNG_MEGABYTES_MAX };
    return new Thread("analysis", start, this.#host, (message) => {
      if (message.kind === "shown") this.#options.show?.(message.alerts, message.left);
      else if (message.kind === "results_wanted") this.#agentControl?.askForResults(message.requests);
      else {
        this.#rules = message.outcome;
        this.#reloads.loaded(message.outcome);
        if (this.#stateTimer !== null) this.#writeState();
      }
    });
  }

  #threadParts(settings: Settings): ThreadDataParts {
    const { hostname, ruleset: rulesetDirectory } = this.#options;
    return { settings, paths: this.paths, hostname, rulesetDirectory, progress: this.#progress.shared };
  }

  #startOutput(settings: Settings, analysis: MessagePort): Thread<FromOutput, MainToOutput> {
    const data = outputThreadData(this.#threadParts(settings), analysis);
    return new Thread("output", { data, transfer: [analysis] }, this.#host, (message) =>
      this.#fromOutput(message),
    );
  }

  #fromOutput(message: FromOutput): void {
    if (message.kind === "snapshot_durable") {
      this.#intake?.send({ kind: "discard", position: message.position });
      return;
    }
    this.#responses?.dispatch(message.lines);
    this.#output?.send({ kind: "responses_taken", chars: message.lines.length });
  }

  #fromIntake(message: FromIntake): void {
    if (message.kind === "agents") {
      const { keys } = this.#registryOrThrow();
      const updates = ofKnownAgents(message.updates, (id) => keys.byId(id) !== null);
      for (const update of updates) this.#applyAgentUpdate(update);
      this.#tellAnalysis(factsOfUpdates(updates));
      this.#agentControl?.agentsChanged(updates);
      return;
    }
    if (message.kind === "called") {
      this.#agentControl?.take(message);
      return;
    }
    if (message.kind === "sent_locally") {
      if (message.to === "agents") this.#responses?.request(message.text);
      else this.#hostResponder?.responses.run(message.text);
      return;
    }
    if (message.kind === "push_ended") {
      this.#groups?.configuration.pushEnded(message.agentId, message.sum, message.outcome);
      return;
    }
    if (message.kind === "key_wanted") {
      this.#enrollment?.want(message.wish);
      return;
    }
    this.#keyLine?.acknowledge(message.sequence);
  }

  /** What the registry knows of the agents. Without it alerts carry it from the next keepalives on. */
  #storedFacts(): readonly AgentFactsMessage[] {
    try {
      return storedFacts(this.#registryOrThrow().agents);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      const text = `Unable to read the labels of agents from the registry: ${error.message}`;
      this.#log.of(DAEMON).write("error", text);
      return [];
    }
  }

  #tellAnalysis(facts: readonly AgentFactsMessage[]): void {
    if (facts.length > 0) this.#analysis?.send({ kind: "agents", facts });
  }

  #applyAgentUpdate(update: AgentUpdate): void {
    try {
      const targets = { agents: this.#registryOrThrow().agents, shared: this.#groupsOrThrow().configuration };
      applyAgentUpdate(targets, update, this.#names());
    } catch (error) {
      // The next keepalive says the same again; the store has counted and said it.
      if (!(error instanceof CodedError)) throw error;
    }
  }

  /** Does not reject: no other part needs it. */
  async #startLogtest(): Promise<void> {
    const { config } = this.#settingsOrThrow();
    const log = this.#log.of("cyb3rhq-analysisd");
    const served = logtestConfig(config, this.paths);
    if (served === null) return log.write("info", "(7201): Logtest disabled");
    const data = logtestThreadData(this.#threadParts(this.#settingsOrThrow()), served);
    const start = { data, heapMegabytesMax: LOGTEST_HEAP_MEGABYTES_MAX };
    this.#logtest = new LogtestKeeper({
      clock: this.#clock,
      log,
      startThread: (lost) => new Thread("logtest", start, { ...this.#host, lost }, () => {}),
    });
    await this.#logtest.start();
  }

  async #startEnrollment(): Promise<void> {
    const settings = this.#settingsOrThrow();
    const config = enrollmentConfig(settings, this.paths, this.#options.hostname);
    if (config === null) return;
    this.#enrollment = new EnrollmentDaemon({
      config,
      settings,
      boundPorts: this.#boundPorts,
      paths: this.paths,
      clock: this.#clock,
      log: this.#log.of("cyb3rhq-authd"),
      metrics: this.#counters,
      registry: this.#enrollmentRegistry(),
      master: { ask: async (request) => (await this.#cluster?.askMaster("authd", request)) ?? null },
      tell: (location, message) => this.#tellOfItself(location, message),
    });
    await this.#enrollment.start();
  }

  /** An event of the manager's own. */
  #tellOfItself(location: string, message: string): void {
    this.#intake?.send({ kind: "notice", location, message });
  }

  #enrollmentRegistry(): EnrollmentRegistry {
    const registry = this.#registryOrThrow();
    return {
      keys: registry.keys,
      agents: registry.agents,
      groups: registry.groups,
      register: async (agent) => {
        const entry = await registry.register(agent);
        // The agent may connect the moment it is answered.
        await this.#keyLine?.applied();
        return entry;
      },
      remove: (ids, options) => registry.remove(ids, options),
    };
  }

  #makeKeyLine(): KeyLine {
    return new KeyLine({
      keys: this.#registryOrThrow().keys,
      send: (message) => this.#intake?.send(message),
      changed: (changes) => {
        this.#tellAnalysis(factsOfKeyChanges(changes));
        for (const { kind, entry } of changes)
          if (kind === "removed") this.#groups?.configuration.forget(entry.id);
      },
    });
  }

  #lost(name: string, error: CodedError): void {
    this.#log.of(DAEMON).write("critical", `The ${name} part failed, stopping: ${error.message}`);
    this.#options.failed(error);
  }

  /** In the order in which events flow, so that what was accepted is analysed and written before the end. */
  async #stop(): Promise<void> {
    const deadline = this.#clock.after(STOP_MS_MAX, () => {
      this.#log.of(DAEMON).write("error", `Not stopped after ${STOP_MS_MAX / 1000} s; what is left is ended`);
      void this.#endThreads();
    });
    this.#stateTimer?.cancel();
    this.#peerState?.stop();
    this.#clockWatch?.stop();
    this.#oldAgents?.stop();
    this.#rulesetWatch?.stop();
    await Promise.all([
      this.#enrollment?.stop(),
      this.#logtest?.stop(),
      this.#agentControl?.stop(),
      this.#components?.stop(),
      this.#cluster?.stop(),
    ]);
    await this.#groups?.stop();
    if (this.#intake !== null) {
      this.#intake.send({ kind: "stop" });
      await this.#intake.stopped;
    }
    this.#responses?.close();
    this.#progress.stop();
    await Promise.all([this.#sync?.stopped, this.#analysis?.stopped, this.#hostResponder?.stop()]);
    if (this.#analysis !== null) await this.#output?.stopped;
    this.#registry?.stop();
    this.#options.rights?.helper.end();
    deadline.cancel();
    await this.#endThreads();
    if (this.#locked) {
      this.#log.of(DAEMON).write("info", "Stopped.");
      if (systemFiles.info(this.paths.state) !== null) systemFiles.remove(this.paths.state);
      releaseLock(systemFiles, this.paths);
    }
    this.#log.close();
  }

  /** Their work is done or given up; a line that is still open would keep them alive. */
  async #endThreads(): Promise<void> {
    const threads = [this.#intake, this.#sync, this.#analysis, this.#output];
    await Promise.all([...threads.map((thread) => thread?.terminate()), this.#groups?.terminate()]);
  }

  #allCounters(): Readonly<Record<string, number>> {
    return {
      ...this.#counters.all,
      ...this.#intake?.counters,
      ...this.#analysis?.counters,
      ...this.#output?.counters,
      ...this.#logtest?.counters,
      ...this.#groups?.counters,
    };
  }

  /** What `cyb3rhq status` prints. */
  #writeState(): void {
    const state = {
      pid: process.pid,
      version: this.#options.version,
      startedMs: this.#startedMs,
      writtenMs: this.#clock.wallMs(),
      ports: this.ports,
      rules: this.#rules,
      certificates: this.#enrollment?.certificates ?? [],
      counters: this.#allCounters(),
    };
    try {
      systemFiles.replace(this.paths.state, Buffer.from(`${JSON.stringify(state)}\n`, "utf8"));
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
    }
  }

  #names(): NodeNames {
    return {
      hostname: this.#options.hostname,
      nodeName: this.#settingsOrThrow().config.cluster?.nodeName ?? "node01",
    };
  }

  #settingsOrThrow(): Settings {
    assert(this.#settings !== null, "prepared");
    return this.#settings;
  }

  #groupsOrThrow(): GroupDistribution {
    assert(this.#groups !== null, "prepared");
    return this.#groups;
  }

  #registryOrThrow(): Registry {
    assert(this.#registry !== null, "prepared");
    return this.#registry;
  }
}
