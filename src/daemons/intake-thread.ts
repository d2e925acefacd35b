/** The intake thread: every source of events, and the journal that gives them their order. */
import { workerData } from "node:worker_threads";
import type { AgentTableChange } from "#connection/agent-table.ts";
import type { ConnectionConfig } from "#connection/config.ts";
import { AgentConnectionService } from "#connection/service.ts";
import { MERGED_FILE_NAME } from "#formats/merged-mg/merged-mg.ts";
import type { FilePushRequest } from "#groups/shared-configuration.ts";
import { HostLogEvents } from "#host-logs/events.ts";
import { HostLogs, type HostLogsOptions } from "#host-logs/host-logs.ts";
import { EventJournal } from "#journal/event-journal.ts";
import { JournalEvents } from "#journal/events.ts";
import { JournalWriter } from "#journal/journal-writer.ts";
import { SharedProgress } from "#journal/shared-progress.ts";
import type { BoundPort } from "#kernel/platform/bound-ports.ts";
import { SystemClock } from "#kernel/platform/clock.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { networkWith } from "#kernel/platform/network.ts";
import { systemProcesses } from "#kernel/platform/processes.ts";
import { systemRandom } from "#kernel/platform/random.ts";
import { SystemUnixDatagrams } from "#kernel/platform/unix-datagrams.ts";
import type { IpNetwork } from "#model/address.ts";
import {
  type AgentId,
  parseAgentAddress,
  parseAgentId,
  parseAgentKey,
  parseAgentName,
} from "#model/agent.ts";
import { ResponseDelivery } from "#response/delivery.ts";
import { ResponseEvents } from "#response/events.ts";
import type { SyslogListenerConfig } from "#syslog-input/config.ts";
import { SyslogListener } from "#syslog-input/listener.ts";
import { AgentReportBuffer } from "./agent-report-buffer.ts";
import { giveBackMemory } from "./give-back-memory.ts";
import { HourMarks } from "./hour-marks.ts";
import { type LocalQueuePaths, LocalQueues } from "./local-queues.ts";
import { behindBalancers } from "./proxied-network.ts";
import { ThreadLink } from "./thread-link.ts";
import {
  type AgentCall,
  type AgentCallResults,
  type FromIntake,
  HOUR_BEGAN,
  type KeyChangeMessage,
  RELOAD_RULES,
  type ToIntake,
} from "./thread-messages.ts";

export type IntakeThreadData = {
  readonly progress: SharedArrayBuffer;
  readonly journal: string;
  /** Null when no agent may connect. */
  readonly connection: ConnectionConfig | null;
  /** Balancers of those connections that send headers of the PROXY protocol. */
  readonly balancers: readonly IpNetwork[];
  readonly hostLogs: HostLogsOptions | null;
  readonly syslog: readonly SyslogListenerConfig[];
  readonly boundPorts: readonly BoundPort[];
  readonly localQueues: LocalQueuePaths;
};

const data: IntakeThreadData = workerData;
const network = networkWith(data.boundPorts);
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
  readonly #syslog: readonly SyslogListener[];
  readonly #localQueues: LocalQueues;
  readonly #hourMarks: HourMarks;
  readonly #responses = new ResponseDelivery(
    (agentId, message) => this.#connection?.send(agentId, message) ?? "not_connected",
    new ResponseEvents({ clock, log: link.log("cyb3rhq-execd"), metrics: link.counters }),
  );

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
    this.#hourMarks = new HourMarks(clock, (nowMs) => this.#journal.appendControl(nowMs, HOUR_BEGAN));
    this.#connection = data.connection === null ? null : this.#makeConnection(data.connection);
    this.#hostLogs = data.hostLogs === null ? null : this.#makeHostLogs(data.hostLogs);
    this.#syslog = data.syslog.map((config) => this.#makeSyslog(config));
    this.#localQueues = this.#makeLocalQueues();
  }

  async start(): Promise<void> {
    await this.#connection?.start();
    for (const listener of this.#syslog) await listener.start();
    this.#hostLogs?.start();
    await this.#localQueues.start();
  }

  applyKeys(changes: readonly KeyChangeMessage[]): void {
    for (const change of changes) {
      const tableChange = toTableChange(change);
      if (tableChange !== null) this.#connection?.applyKeyChange(tableChange);
    }
  }

  respond(agentId: string, message: string): void {
    this.#responses.deliver(agentId, message);
  }

  push({ agentId, bytes, name, sum }: FilePushRequest): void {
    const file = { agentId, sum, fileName: MERGED_FILE_NAME, shownName: name, bytes: new Uint8Array(bytes) };
    this.#connection?.push(file);
  }

  call(number: number, call: AgentCall): void {
    const connection = this.#connection;
    switch (call.kind) {
      case "request":
        void this.#request(call.agentId, call.payload).then((result) =>
          link.send({ kind: "called", call: "request", number, result }),
        );
        return;
      case "send": {
        const result = connection?.send(call.agentId, Buffer.from(call.message, "latin1")) ?? "not_connected";
        link.send({ kind: "called", call: "send", number, result });
        return;
      }
      case "counts": {
        const result = call.agentIds.map((id) => connection?.countsOf(id) ?? null);
        link.send({ kind: "called", call: "counts", number, result });
      }
    }
  }

  #request(agentId: AgentId, payload: Uint8Array): Promise<AgentCallResults["request"]> {
    return this.#connection?.request(agentId, payload) ?? Promise.resolve({ ok: false, code: "not_sent" });
  }

  forgetKeepalives(): void {
    this.#connection?.forgetKeepalives();
  }

  notice(location: string, message: string): void {
    const receivedMs = clock.wallMs();
    // The log says the same: what a full journal does not take is not lost.
    this.#journal.append({ receivedMs, queue: "1", agentId: "000", locationPrefix: "", location, message });
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
    this.#hourMarks.stop();
    this.#hostLogs?.stop();
    await Promise.all([
      this.#connection?.stop(),
      ...this.#syslog.map((listener) => listener.stop()),
      this.#localQueues.stop(),
    ]);
    this.#reports.flush();
    await this.#journal.close();
  }

  #makeConnection(config: ConnectionConfig): AgentConnectionService {
    const log = link.log("cyb3rhq-remoted");
    const world = { network, clock, log, metrics: link.counters };
    return new AgentConnectionService(config, {
      ...world,
      network: behindBalancers(world, data.balancers),
      random: systemRandom,
      files: systemFiles,
      sink: this.#journal,
      reports: {
        report: (update) => this.#reports.report(update),
        keyWanted: (wish) => link.send({ kind: "key_wanted", wish }),
        pushEnded: (agentId, sum, outcome) => link.send({ kind: "push_ended", agentId, sum, outcome }),
      },
    });
  }

  #makeSyslog(config: SyslogListenerConfig): SyslogListener {
    return new SyslogListener(config, {
      network,
      clock,
      files: systemFiles,
      log: link.log("cyb3rhq-remoted"),
      metrics: link.counters,
      sink: this.#journal,
    });
  }

  #makeLocalQueues(): LocalQueues {
    return new LocalQueues(data.localQueues, {
      clock,
      metrics: link.counters,
      datagrams: new SystemUnixDatagrams(),
      sink: this.#journal,
      logOf: (daemon) => link.log(daemon),
      sent: (to, text) => link.send({ kind: "sent_locally", to, text }),
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
      case "respond":
        intake.respond(message.agentId, message.message);
        return;
      case "push":
        intake.push(message.push);
        return;
      case "forget_keepalives":
        intake.forgetKeepalives();
        return;
      case "notice":
        intake.notice(message.location, message.message);
        return;
      case "call":
        intake.call(message.number, message.call);
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
