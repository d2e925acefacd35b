/**
 * The master's side of agent-groups: every ten seconds its workers hear which agents' groups have changed, and by which hash they can see that they have
 * the same table. A worker that has another one asks for all of it. wazuh v4.14.7: framework/wazuh/core/cluster/master.py.
 */
import type { CommandName } from "#formats/wire/cluster/commands.ts";
import { clusterError, ERROR_BYTES_MAX } from "#formats/wire/cluster/exceptions.ts";
import { type WireForm, wireFormOf } from "#formats/wire/cluster/wire-form.ts";
import { messageOf } from "#kernel/errors.ts";
import type { Timer } from "#kernel/ports/clock.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { AgentId } from "#model/agent.ts";
import type { AgentGroups } from "#registry/agent-sync.ts";
import { groupChunks, writeGroupString } from "../agents/group-chunks.ts";
import { hashOfAllGroups } from "../agents/group-hash.ts";
import { AGENT_GROUPS_DELAY_MS, AGENT_GROUPS_PERIOD_MS, ROWS_AT_ONCE } from "../agents/times.ts";
import { logUpdateReport, readUpdateReport } from "../agents/update-report.ts";
import { secondsText } from "../integrity/times.ts";
import { type ChunkFacts, type ClusterAgents, type ClusterNeeds, NO_CHUNKS } from "../needs.ts";
import { type Handler, type HandlerTable, ok, type Reply, refused } from "../replies.ts";
import type { Session } from "../session.ts";
import { Slices } from "../slices.ts";
import { type Subtag, taggedLog } from "../tagged-log.ts";

type Table = Pick<ClusterAgents, "takeOwedGroups" | "groupsAfter" | "groupListsAfter">;

/** For the health report. */
export type AgentGroupsFacts = { readonly changes: ChunkFacts; readonly whole: ChunkFacts };

/** Of the master as a whole: what has changed goes to all workers at once. */
export class MasterAgentGroups {
  readonly #form: WireForm;
  readonly #agents: Table;
  readonly #needs: ClusterNeeds;
  readonly #log: Log;
  readonly #workers = new Set<WorkerAgentGroupsTask>();
  #timer: Timer | null = null;
  #isStopped = false;

  /** `version` is what this node says it is (`ClusterNode.version`). */
  constructor(version: string, agents: Table, needs: ClusterNeeds) {
    this.#form = wireFormOf(version);
    this.#agents = agents;
    this.#needs = needs;
    this.#log = taggedLog(needs.log, "Master", "Local agent-groups");
  }

  start(): void {
    const seconds = AGENT_GROUPS_DELAY_MS / 1000;
    this.#log.write(
      "info",
      `Sleeping ${seconds}s before starting the agent-groups task, waiting for the workers connection.`,
    );
    this.#timer = this.#needs.clock.after(AGENT_GROUPS_DELAY_MS, () => void this.#turn());
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  /** What one worker's session serves. */
  workerTask(name: string, session: Session): WorkerAgentGroupsTask {
    const whole = () => this.#wholeTable();
    const task = new WorkerAgentGroupsTask(name, whole, session, this.#needs);
    this.#workers.add(task);
    return task;
  }

  async #turn(): Promise<void> {
    for (const worker of this.#workers) if (worker.isGone) this.#workers.delete(worker);
    try {
      if (this.#workers.size === 0) this.#log.write("info", "No clients connected. Skipping.");
      else await this.#tellAll();
    } catch (error) {
      this.#log.write("error", `Error reading the groups of agents: ${messageOf(error)}`);
    }
    if (!this.#isStopped) {
      this.#timer = this.#needs.clock.after(AGENT_GROUPS_PERIOD_MS, () => void this.#turn());
    }
  }

  async #tellAll(): Promise<void> {
    const slices = new Slices(this.#needs.clock, () => this.#isStopped);
    this.#log.write("info", "Starting.");
    const changed: AgentGroups[] = [];
    for (;;) {
      const page = this.#agents.takeOwedGroups(ROWS_AT_ONCE);
      changed.push(...page);
      if (page.length === 0) break;
      if (slices.isTired && !(await slices.rest())) return;
    }
    const hash = await hashOfAllGroups(this.#agents, slices);
    if (this.#isStopped) return;
    const bytes = writeGroupString(groupChunks(changed, this.#form, hash));
    for (const worker of this.#workers) void worker.sendChanges(bytes);
    this.#log.write("info", `Finished in ${secondsText(slices.elapsedMs)}.`);
  }

  /** Null when there are no agents, or nobody wants them any more. Rejects with what the registry throws. */
  async #wholeTable(): Promise<Buffer | null> {
    const slices = new Slices(this.#needs.clock, () => this.#isStopped);
    const all: AgentGroups[] = [];
    let after: AgentId | null = null;
    for (;;) {
      const page = this.#agents.groupsAfter(after, ROWS_AT_ONCE);
      all.push(...page);
      if (page.length < ROWS_AT_ONCE) break;
      after = page.at(-1)?.id ?? null;
      if (slices.isTired && !(await slices.rest())) return null;
    }
    return all.length === 0 ? null : writeGroupString(groupChunks(all, this.#form, undefined));
  }
}

type Kind = {
  readonly subtag: Subtag;
  readonly command: CommandName;
  readonly facts: keyof AgentGroupsFacts;
};
const CHANGES: Kind = { subtag: "Agent-groups send", command: "syn_g_m_w", facts: "changes" };
const WHOLE: Kind = { subtag: "Agent-groups send full", command: "syn_g_m_w_c", facts: "whole" };

/** With one worker, as long as its connection lasts. */
export class WorkerAgentGroupsTask {
  readonly #name: string;
  readonly #wholeTable: () => Promise<Buffer | null>;
  readonly #session: Session;
  readonly #needs: ClusterNeeds;
  readonly #sending = new Set<Kind>();
  readonly #facts = { changes: NO_CHUNKS, whole: NO_CHUNKS };

  constructor(name: string, wholeTable: () => Promise<Buffer | null>, session: Session, needs: ClusterNeeds) {
    this.#name = name;
    this.#wholeTable = wholeTable;
    this.#session = session;
    this.#needs = needs;
  }

  get isGone(): boolean {
    return this.#session.isClosed;
  }

  get facts(): AgentGroupsFacts {
    return this.#facts;
  }

  get handlers(): HandlerTable {
    return new Map<string, Handler>([
      ["syn_w_g_e", (payload) => this.#reported(payload, CHANGES)],
      ["syn_w_g_err", (payload) => this.#refused(payload, CHANGES)],
      ["syn_w_g_c", () => this.#wholeWanted()],
      ["syn_wgc_e", (payload) => this.#reported(payload, WHOLE)],
      ["syn_wgc_err", (payload) => this.#refused(payload, WHOLE)],
    ]);
  }

  /** Nothing while the last string is still on its way: the hash of a later one shows what the worker lacks. */
  sendChanges(bytes: Buffer): Promise<void> {
    return this.#send(CHANGES, () => Promise.resolve(bytes));
  }

  #wholeWanted(): Reply {
    void this.#send(WHOLE, this.#wholeTable);
    return ok("Sending all groups");
  }

  #logOf({ subtag }: Kind): Log {
    return taggedLog(this.#needs.log, `Worker ${this.#name}`, subtag);
  }

  async #send(kind: Kind, stringToSend: () => Promise<Buffer | null>): Promise<void> {
    if (this.#sending.has(kind)) return;
    this.#sending.add(kind);
    const log = this.#logOf(kind);
    log.write("info", "Starting.");
    this.#facts[kind.facts] = { startMs: this.#needs.clock.wallMs(), endMs: null, chunks: 0 };
    try {
      const bytes = await stringToSend();
      if (bytes === null) return;
      log.write("debug", "Sending chunks.");
      const sent = await this.#session.sendString(bytes);
      const named = sent.kind === "sent" ? await this.#session.request(kind.command, sent.id) : sent;
      if (named.kind === "failed") log.write("error", `Error sending the chunks: ${named.error.text}`);
    } catch (error) {
      log.write("error", `Error reading the groups of agents: ${messageOf(error)}`);
    } finally {
      this.#sending.delete(kind);
    }
  }

  #reported(payload: Buffer, kind: Kind): Reply {
    const report = readUpdateReport(payload);
    if (report === null) return refused(clusterError(3036));
    const { startMs } = this.#facts[kind.facts];
    const endMs = this.#needs.clock.wallMs();
    this.#facts[kind.facts] = { startMs, endMs, chunks: report.updatedChunks };
    logUpdateReport(this.#logOf(kind), report, startMs === null ? 0 : endMs - startMs);
    return ok("Thanks");
  }

  #refused(payload: Buffer, kind: Kind): Reply {
    const error = payload.toString("utf8", 0, ERROR_BYTES_MAX);
    this.#logOf(kind).write(
      "error",
      `There was an error while processing agent-groups on the worker: ${error}`,
    );
    return ok("Thanks");
  }
}
