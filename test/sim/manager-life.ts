/**
 * One process of a simulated manager: its services on simulated ports, put together as `daemons/` does with threads.
 *
 * Each thread is a line of messages that take their time. Real are all services and SQLite. Not here: syslog, host logs, active
 * responses, the log test, local sockets.
 */
import { CONNECTION_DEFAULTS, type ConnectionConfig } from "#connection/config.ts";
import type { AgentUpdate } from "#connection/needs.ts";
import { AgentConnectionService } from "#connection/service.ts";
import { AgentReportBuffer } from "#daemons/agent-report-buffer.ts";
import { applyAgentUpdate, ofKnownAgents } from "#daemons/agent-updates.ts";
import { HourMarks } from "#daemons/hour-marks.ts";
import { HOUR_BEGAN } from "#daemons/thread-messages.ts";
import type { Certificate } from "#enrollment/certificate.ts";
import type { EnrollmentConfig } from "#enrollment/config.ts";
import { EnrollmentService } from "#enrollment/service.ts";
import { MERGED_FILE_NAME } from "#formats/merged-mg/merged-mg.ts";
import { GroupEvents } from "#groups/events.ts";
import { groupListOf } from "#groups/group-list.ts";
import { MergedFiles } from "#groups/merged-files.ts";
import { SharedConfiguration } from "#groups/shared-configuration.ts";
import { EventJournal } from "#journal/event-journal.ts";
import { JournalEvents } from "#journal/events.ts";
import { DEFAULT_LIMITS, type JournalWriter } from "#journal/journal-writer.ts";
import type { SharedProgress } from "#journal/shared-progress.ts";
import { SegmentSync } from "#journal/sync-loop.ts";
import { CodedError } from "#kernel/errors.ts";
import type { Files } from "#kernel/ports/files.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { KeyChange } from "#registry/key-store.ts";
import { Registry, registryPaths } from "#registry/registry.ts";
import { RecordingMetrics } from "#testing/log.ts";
import { AGENT_PORT, ENROLLMENT_PORT } from "./agent.ts";
import { SimulatedAnalysis } from "./analysis.ts";
import { DatabaseFile } from "./database-file.ts";
import type { SimulatedDisk } from "./disk.ts";
import type { History } from "./history.ts";
import { SimulatedProgress, WatchedWriter } from "./journal-parts.ts";
import type { SimulatedNetwork } from "./network.ts";
import { type SimulatedProcess, threadLine, type World } from "./world.ts";

export const HOME = "/home";
export const JOURNAL = `${HOME}/queue/journal`;
const GROUPS_LOOK_MS = 10_000;
const WANTED_LOOK_MS = 100;
const SYNC_MS_MAX = 50;
/** After this time, twice at most, the system has written out what SQLite gave it. */
const DATABASE_SYNC_MS = 5000;
const FOLDERS = [
  "etc/shared/default",
  "queue/db",
  "queue/diff",
  "queue/rids",
  "queue/analysis",
  "queue/output",
  "logs",
];

export type ManagerSettings = {
  readonly connection: Pick<
    ConnectionConfig,
    "overtakeSeconds" | "disconnectionSeconds" | "verifyMessageIds" | "receivedCounterFlush"
  >;
  readonly journal: { readonly segmentBytes: number; readonly journalBytesMax: number };
  readonly purge: boolean;
};

export type ManagerWorld = {
  readonly world: World;
  readonly network: SimulatedNetwork;
  readonly disk: SimulatedDisk;
  readonly history: History;
  readonly address: string;
  /** Real, for SQLite alone. */
  readonly folder: string;
  readonly settings: ManagerSettings;
  readonly certificate: Certificate;
};

/** One process of the manager, from its start to its end. */
export class ManagerLife {
  readonly process: SimulatedProcess;
  readonly metrics = new RecordingMetrics();
  readonly registry: Registry;
  readonly connection: AgentConnectionService;
  readonly shared: SharedConfiguration;
  readonly analysis: SimulatedAnalysis;
  readonly progress: SharedProgress;
  readonly #at: ManagerWorld;
  readonly #files: Files;
  readonly #enrollment: EnrollmentService;
  readonly #merged: MergedFiles;
  readonly #journal: EventJournal;
  readonly #hourMarks: HourMarks;
  readonly #reports: AgentReportBuffer;
  readonly #toIntake: (act: () => void) => void;
  readonly #toMain: (act: () => void) => void;
  readonly #toGroups: (act: () => void) => void;
  readonly #failed: (error: unknown) => void;
  #synced: Promise<void> = Promise.resolve();
  serving = false;

  /** Throws as the start of a manager does. `failed` is called when a part of it cannot go on. */
  constructor(at: ManagerWorld, life: number, process: SimulatedProcess, failed: (error: unknown) => void) {
    this.#at = at;
    this.process = process;
    this.#failed = failed;
    const { history, world } = at;
    this.progress = new SimulatedProgress((position) => {
      if (process.alive) history.synced(position);
    });
    const files = at.disk.filesOf(process);
    this.#files = files;
    this.#toIntake = threadLine(world, process, (act: () => void) => this.#guarded(act));
    this.#toMain = threadLine(world, process, (act: () => void) => this.#guarded(act));
    this.#toGroups = threadLine(world, process, (act: () => void) => this.#guarded(act));
    const log = this.#log();
    for (const folder of FOLDERS) files.makeDirectory(`${HOME}/${folder}`);

    const database = new DatabaseFile(world, at.folder, life);
    const paths = { ...registryPaths(HOME), database: database.path };
    process.every(DATABASE_SYNC_MS, () => database.synced());
    process.atEnd((ending) => database.keep(ending));
    process.atEnd((ending) => {
      if (ending === "power_loss") history.powerLost();
    });
    this.registry = new Registry({
      files,
      clock: process,
      log,
      metrics: this.metrics,
      paths,
    });
    // What runs on in a process that has ended may still write to the file that nobody uses any more.
    process.atEnd(() => world.after(0, () => this.#closeDatabase()));
    this.registry.start();
    this.shared = this.#makeShared(log);
    this.#merged = new MergedFiles({
      files,
      events: new GroupEvents(log, this.metrics),
      home: HOME,
      makes: () => true,
    });

    const events = new JournalEvents({ log, metrics: this.metrics, clock: process });
    const writer = this.#openJournal(events, life);
    this.#journal = new EventJournal({ writer, progress: this.progress, clock: process, events });
    this.#hourMarks = new HourMarks(process, (nowMs) => this.#journal.appendControl(nowMs, HOUR_BEGAN));
    this.#reports = new AgentReportBuffer(process, (updates) =>
      this.#toMain(() => this.#agentUpdates(updates)),
    );
    this.connection = this.#makeConnection(log);
    this.#enrollment = this.#makeEnrollment(log);
    this.analysis = new SimulatedAnalysis({
      ...{ world, process, files, log, metrics: this.metrics, home: HOME, journal: JOURNAL, events },
      progress: this.progress,
      discard: (position) => this.#toMain(() => this.#toIntake(() => this.#journal.discardBefore(position))),
      failed,
    });
  }

  async start(): Promise<void> {
    this.#startGroups();
    this.#synced = this.#syncLoop();
    this.analysis.start();
    const { keys } = this.registry;
    this.#sendKeys([...keys.entries()].map((entry) => ({ kind: "added", entry, origin: "own" })));
    keys.onChange((changes) => this.#sendKeys(changes));
    await new Promise<void>((resolve) => this.#toIntake(resolve));
    await this.connection.start();
    await this.#enrollment.start();
    this.serving = true;
  }

  /** In the order in which events flow. */
  async stop(): Promise<void> {
    this.serving = false;
    await this.#enrollment.stop();
    this.#hourMarks.stop();
    await this.connection.stop();
    this.#reports.flush();
    await this.#journal.close();
    this.progress.stop();
    await Promise.all([this.#synced, this.analysis.stopped]);
    // What the other threads still had to say to this one.
    await new Promise<void>((resolve) => this.#toMain(resolve));
    this.registry.stop();
  }

  /** For an administrator's tools beside it. */
  remove(id: string, purge: boolean): void {
    const entry = [...this.registry.keys.entries()].find((known) => known.id === id);
    if (entry !== undefined) this.registry.remove([entry.id], { purge }).catch(expected);
  }

  #openJournal(events: JournalEvents, life: number): JournalWriter {
    const { history, settings, world } = this.#at;
    const writer = new WatchedWriter(
      {
        files: this.#files,
        clock: this.process,
        random: world.random,
        events,
        progress: this.progress,
        directory: JOURNAL,
      },
      { ...DEFAULT_LIMITS, ...settings.journal, freeBytesMin: 4096 },
    );
    writer.offered = (block) => {
      if (this.process.alive) history.offered(block);
    };
    // Unless the process has ended in the middle of it.
    writer.written = (block) => {
      if (this.process.alive) history.written(block, life);
    };
    return writer;
  }

  #makeConnection(log: Log): AgentConnectionService {
    const { address, network, settings, world } = this.#at;
    const config: ConnectionConfig = {
      ...CONNECTION_DEFAULTS,
      ...settings.connection,
      host: "0.0.0.0",
      port: AGENT_PORT,
      protocols: { tcp: true, udp: true },
      processId: 1,
      managerVersion: "v4.14.7",
      countersDirectory: `${HOME}/queue/rids`,
    };
    return new AgentConnectionService(config, {
      network: network.host(address) ?? network.hostOf(address, this.process),
      clock: this.process,
      log,
      metrics: this.metrics,
      random: world.random,
      files: this.#files,
      sink: this.#journal,
      reports: {
        report: (update) => this.#reports.report(update),
        pushEnded: (agentId, sum, outcome) =>
          this.#toMain(() => this.shared.pushEnded(agentId, sum, outcome)),
        keyWanted: () => {},
      },
    });
  }

  #makeEnrollment(log: Log): EnrollmentService {
    const { address, certificate, network, settings, world } = this.#at;
    const { registry } = this;
    return new EnrollmentService(enrollmentConfig(settings), {
      files: this.#files,
      clock: this.process,
      network: network.host(address) ?? network.hostOf(address, this.process),
      random: world.random,
      log,
      metrics: this.metrics,
      registry: {
        keys: registry.keys,
        agents: registry.agents,
        groups: registry.groups,
        register: async (agent) => {
          const entry = await registry.register(agent);
          await this.#keysApplied();
          return entry;
        },
        remove: (ids, options) => registry.remove(ids, options),
      },
      master: null,
      makeCertificate: () => Promise.resolve(certificate),
    });
  }

  #makeShared(log: Log): SharedConfiguration {
    return new SharedConfiguration({
      agents: this.registry.agents,
      clock: this.process,
      events: new GroupEvents(log, this.metrics),
      guessesGroup: false,
      assigned: () => {},
      want: (list) =>
        this.#toGroups(() => {
          this.#merged.want(list);
          this.process.after(WANTED_LOOK_MS, () => this.#look());
        }),
      load: (list, sum) =>
        this.#toGroups(() => {
          const bytes = this.#merged.load(list, sum);
          this.#toMain(() => this.shared.loaded(sum, bytes));
        }),
      push: ({ agentId, bytes, name, sum }) =>
        this.#toIntake(() =>
          this.connection.push({
            ...{ agentId, sum, fileName: MERGED_FILE_NAME, shownName: name },
            bytes: new Uint8Array(bytes),
          }),
        ),
    });
  }

  #startGroups(): void {
    for (const { groups } of this.registry.agents.groupLists()) this.#merged.want(groupListOf(groups));
    this.#merged.removeOthers();
    this.#look();
    this.process.every(GROUPS_LOOK_MS, () => this.#look());
  }

  #look(): void {
    const changes = this.#merged.look();
    if (changes.length > 0) this.#toMain(() => this.shared.sumsChanged(changes));
  }

  #agentUpdates(updates: readonly AgentUpdate[]): void {
    const targets = { agents: this.registry.agents, shared: this.shared };
    const { keys } = this.registry;
    for (const update of ofKnownAgents(updates, (id) => keys.byId(id) !== null)) {
      try {
        applyAgentUpdate(targets, update, { hostname: "manager01", nodeName: "node01" });
      } catch (error) {
        expected(error);
      }
    }
  }

  #sendKeys(changes: readonly KeyChange[]): void {
    this.#toIntake(() => {
      for (const { kind, entry } of changes)
        this.connection.applyKeyChange(
          kind === "removed" ? { kind, id: entry.id } : { kind: "put", agent: entry },
        );
    });
    for (const { kind, entry } of changes) if (kind === "removed") this.shared.forget(entry.id);
  }

  #keysApplied(): Promise<void> {
    return new Promise((resolve) => this.#toIntake(() => this.#toMain(resolve)));
  }

  /** As `runSyncLoop` without its thread. */
  async #syncLoop(): Promise<void> {
    const { progress } = this;
    const sync = new SegmentSync(this.#files, JOURNAL, progress);
    try {
      while (!progress.stopped) {
        await progress.writtenChanged(progress.durable);
        await new Promise<void>((resolve) =>
          this.process.after(this.#at.world.between(0, SYNC_MS_MAX), resolve),
        );
        sync.syncOnce();
      }
      sync.syncOnce();
      sync.close();
    } catch (error) {
      this.#failed(error);
    }
  }

  /** What a thread throws ends the manager. */
  #guarded(act: () => void): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#failed(error);
    }
  }

  #closeDatabase(): void {
    try {
      this.registry.agents.close();
    } catch {
      // It was closed by its own stop.
    }
  }

  #log(): Log {
    const { history, world } = this.#at;
    return {
      write: (level, text) => {
        if (text.startsWith("Message counters not written") && text.includes("sender_counter"))
          history.countersUnreserved();
        if (level !== "debug" && this.process.alive) world.note(`${this.process.name} ${level}: ${text}`);
      },
    };
  }
}

/** What the disk does to a manager is its business; anything else is a mistake. */
export function expected(error: unknown): void {
  if (!(error instanceof CodedError)) throw error;
}

function enrollmentConfig({ purge }: ManagerSettings): EnrollmentConfig {
  return {
    host: "0.0.0.0",
    port: ENROLLMENT_PORT,
    remoteEnrollment: true,
    useSourceIp: false,
    purge,
    usePassword: false,
    passwordPath: `${HOME}/etc/authd.pass`,
    ciphers: "HIGH",
    certificatePath: `${HOME}/etc/sslmanager.cert`,
    keyPath: `${HOME}/etc/sslmanager.key`,
    clientAuthorityPath: null,
    verifiesHost: false,
    oldTlsVersions: false,
    // An agent that has lost its key must get another one at once.
    force: {
      enabled: true,
      keyMismatch: true,
      disconnectedTime: { enabled: false, seconds: 0 },
      afterRegistrationSeconds: 0,
    },
    allowHigherVersions: false,
    managerVersion: "v4.14.7",
    managerHostName: "manager01",
    managerAddresses: ["127.0.0.1"],
  };
}
