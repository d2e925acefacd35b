/** The intake thread: every source of events, and the journal that gives them their order. */
import { workerData } from "node:worker_threads";
import type { AgentTableChange } from "#connection/agent-table.ts";
import type { ConnectionConfig } from "#connection/config.ts";
import { AgentConnectionService } from "#connection/service.ts";
import { HostLogEvents } from "#host-logs/events.ts";
import { HostLogs, type HostLogsOptions } from "#host-logs/host-logs.ts";
import { EventJournal } from "#journal/event-journal.ts";
import { JournalEvents } from "#journal/events.ts";
import { JournalWriter } from "#journal/journal-writer.ts";
import { SharedProgress } from "#journal/shared-progress.ts";
import { SystemClock } from "#kernel/platform/clock.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { systemNetwork } from "#kernel/platform/network.ts";
import { systemProcesses } from "#kernel/platform/processes.ts";
import { systemRandom } from "#kernel/platform/random.ts";
import { parseAgentAddress, parseAgentId, parseAgentKey, parseAgentName } from "#model/agent.ts";
import { AgentReportBuffer } from "./agent-report-buffer.ts";
import { giveBackMemory } from "./give-back-memory.ts";
import { ThreadLink } from "./thread-link.ts";
import { type FromIntake, type KeyChangeMessage, RELOAD_RULES, type ToIntake } from "./thread-messages.ts";

export type IntakeThreadData = {
  readonly progress: SharedArrayBuffer;
  readonly journal: string;
  /** Null when no agent may connect. */
  readonly connection: ConnectionConfig | null;
  readonly hostLogs: HostLogsOptions | null;
};

const data: IntakeThreadData = workerData;
const link = new ThreadLink<FromIntake>();
const clock = new SystemClock();

/** Null for what is no valid key: the registry parsed it before, so that would be our own mistake on its way. */
function toTableChange(change: KeyChangeMessage): AgentTableChange | null {
  const id = parseAgentId(change.id);
  if (id === null) return null;
  if (change.kind === "removed") return { kind: "removed", id };
  const name = parseAgentName(change.name);
  const address = parseAgentAddress(change.address);
  const key = parseAgentKey(change.key);
  return name === null || address === null || key === null
    ? null
    : { kind: "put", agent: { id, name, address, key } };
}

class Intake {
  readonly #journal: EventJournal;
  readonly #reports = new AgentReportBuffer(clock, (updates) => link.send({ kind: "agents", updates }));
  readonly #connection: AgentConnectionService | null;
  readonly #hostLogs: HostLogs | null;

  constructor() {
    const progress = new SharedProgress(data.progress);
    const events = new JournalEvents({ log: link.log("cyb3rhq-journal"), metrics: link.counters, clock });
    const writer = new JournalWriter({
      files: systemFiles,
      clock,
      random: systemRandom,
      events,
      progress,
      directory: data.journal,
    });
    this.#journal = new EventJournal({ writer, progress, clock, events });
    this.#connection = data.connection === null ? null : this.#makeConnection(data.connection);
    this.#hostLogs = data.hostLogs === null ? null : this.#makeHostLogs(data.hostLogs);
  }

  async start(): Promise<void> {
    await this.#connection?.start();
    this.#hostLogs?.start();
  }

  applyKeys(changes: readonly KeyChangeMessage[]): void {
    for (const change of changes) {
      const tableChange = toTableChange(change);
      if (tableChange !== null) this.#connection?.applyKeyChange(tableChange);
    }
  }

  discardBefore(position: number): void {
    this.#journal.discardBefore(position);
  }

  reloadRules(): void {
    if (this.#journal.appendControl(clock.wallMs(), RELOAD_RULES)) return;
    const text = "The journal is full: the rule set was not read again; free disk space and ask once more";
    link.log("cyb3rhq-analysisd").write("warning", text);
  }

  async stop(): Promise<void> {
    this.#hostLogs?.stop();
    await this.#connection?.stop();
    this.#reports.flush();
    await this.#journal.close();
  }

  #makeConnection(config: ConnectionConfig): AgentConnectionService {
    return new AgentConnectionService(config, {
      network: systemNetwork,
      clock,
      log: link.log("cyb3rhq-remoted"),
      metrics: link.counters,
      random: systemRandom,
      files: systemFiles,
      sink: this.#journal,
      reports: this.#reports,
    });
  }

  #makeHostLogs(config: HostLogsOptions): HostLogs {
    const events = new HostLogEvents({ log: link.log("cyb3rhq-logcollector"), metrics: link.counters });
    return new HostLogs(
      { files: systemFiles, processes: systemProcesses, clock, sink: this.#journal, events },
      config,
    );
  }
}

async function stop(intake: Intake): Promise<void> {
  await intake.stop();
  link.stopped();
}

function serve(intake: Intake): void {
  link.onMessage((message: ToIntake) => {
    switch (message.kind) {
      case "serve":
        intake.start().then(
          () => {
            giveBackMemory();
            link.ready("");
          },
          (error: unknown) => link.failed(error),
        );
        return;
      case "keys":
        intake.applyKeys(message.changes);
        link.send({ kind: "keys_applied", sequence: message.sequence });
        return;
      case "discard":
        intake.discardBefore(message.position);
        return;
      case "reload_rules":
        intake.reloadRules();
        return;
      default:
        stop(intake).catch((error: unknown) => link.failed(error));
    }
  });
}

try {
  // The journal opens at once: the other threads wait for it. Nobody is served until the main thread says so.
  serve(new Intake());
} catch (error) {
  link.failed(error);
}
