/**
 * The worker's side of agent-info: the master hears of every agent here whose state has changed since it was told.
 * wazuh v4.14.7: framework/wazuh/core/cluster/worker.py.
 */
import { byteLiteral } from "#formats/wire/cluster/byte-literal.ts";
import { clusterError, ERROR_BYTES_MAX } from "#formats/wire/cluster/exceptions.ts";
import { type WireForm, wireFormOf } from "#formats/wire/cluster/wire-form.ts";
import { CodedError, messageOf } from "#kernel/errors.ts";
import type { Timer } from "#kernel/ports/clock.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { AgentId } from "#model/agent.ts";
import type { OwedReport } from "#registry/agent-sync.ts";
import { AGENT_INFO_PERIOD_MS, AGENTS_PER_STRING_MAX, ROWS_AT_ONCE } from "../agents/times.ts";
import { logUpdateReport, readUpdateReport } from "../agents/update-report.ts";
import { REPORT_LISTS, type ReportPart, reportPart, writeReportString } from "../agents/write-reports.ts";
import { secondsText } from "../integrity/times.ts";
import type { ClusterAgents, ClusterNeeds } from "../needs.ts";
import { type Handler, type HandlerTable, ok, type Reply, refused } from "../replies.ts";
import type { Session } from "../session.ts";
import { Slices } from "../slices.ts";
import { taggedLog } from "../tagged-log.ts";

export type WorkerAgentInfoOptions = {
  readonly nodeName: string;
  /** What this node says it is (`ClusterNode.version`). */
  readonly version: string;
  readonly agents: Pick<ClusterAgents, "takeOwed" | "oweOldKeepalives" | "owe" | "oweActive">;
};

/** With one connection to the master, as long as it lasts. */
export class WorkerAgentInfo {
  readonly #options: WorkerAgentInfoOptions;
  readonly #form: WireForm;
  readonly #session: Session;
  readonly #needs: ClusterNeeds;
  readonly #log: Log;
  #timer: Timer | null = null;
  #startMs = 0;
  /** Agents of whom the master was told and has not said that it wrote them down. */
  #unconfirmed: AgentId[] = [];
  /** More was owed than one string takes. */
  #hasMore = false;

  constructor(options: WorkerAgentInfoOptions, session: Session, needs: ClusterNeeds) {
    this.#options = options;
    this.#form = wireFormOf(options.version);
    this.#session = session;
    this.#needs = needs;
    this.#log = taggedLog(needs.log, `Worker ${options.nodeName}`, "Agent-info sync");
  }

  get handlers(): HandlerTable {
    return new Map<string, Handler>([
      ["syn_m_a_e", (payload) => this.#reported(payload)],
      ["syn_m_a_err", (payload) => this.#refused(payload)],
    ]);
  }

  /** The master has let this node in: the first turn is ten seconds later, and each after the last one has ended. */
  start(): void {
    // Whether this master still has what one was told before is not known here.
    this.#inRegistry((agents) => agents.oweActive(this.#nowSeconds));
    this.#wait(AGENT_INFO_PERIOD_MS);
  }

  /** What was not confirmed is owed to the next connection. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#inRegistry(() => this.#oweAgain());
  }

  #inRegistry(write: (agents: WorkerAgentInfoOptions["agents"]) => void): void {
    try {
      write(this.#options.agents);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#log.write("error", `Error writing the registry: ${error.message}`);
    }
  }

  #wait(delayMs: number): void {
    this.#timer = this.#needs.clock.after(delayMs, () => void this.#turn());
  }

  async #turn(): Promise<void> {
    this.#timer = null;
    try {
      if (await this.#isPermitted()) await this.#tell();
    } catch (error) {
      this.#log.write("error", `Error obtaining data from the registry: ${messageOf(error)}`);
    }
    if (this.#session.isClosed) return;
    this.#wait(this.#mayGoOn ? 0 : AGENT_INFO_PERIOD_MS);
  }

  get #mayGoOn(): boolean {
    return this.#hasMore && this.#unconfirmed.length === 0;
  }

  async #isPermitted(): Promise<boolean> {
    const outcome = await this.#session.request("syn_a_w_m_p");
    if (outcome.kind === "failed") {
      this.#log.write("error", `Error asking for permission: ${outcome.error.text}`);
      return false;
    }
    const answer = outcome.payload.toString("latin1", 0, 64);
    const isGranted = answer === "True";
    const denied = `Master didn't grant permission to start a new synchronization: ${byteLiteral(answer)}`;
    this.#log.write("debug", isGranted ? "Permission to synchronize granted." : denied);
    return isGranted;
  }

  async #tell(): Promise<void> {
    // A master that permits a string has done with the last one, whatever became of it.
    this.#oweAgain();
    this.#startMs = this.#needs.clock.monotonicMs();
    this.#log.write("info", "Starting.");
    const parts = await this.#collect();
    if (this.#session.isClosed) return;
    if (this.#unconfirmed.length === 0) {
      if (this.#form === "lists") this.#log.write("info", "No synchronization required, skipping.");
      else logUpdateReport(this.#log, { updatedChunks: 0, errors: [] }, this.#spentMs);
      return;
    }
    const { bytes, chunks } = writeReportString(parts, this.#form);
    this.#log.write("debug", `Obtained ${chunks} chunks of data in ${secondsText(this.#spentMs)}.`);
    this.#log.write("debug", "Sending chunks.");
    const sent = await this.#session.sendString(bytes);
    const named = sent.kind === "sent" ? await this.#session.request("syn_a_w_m", sent.id) : sent;
    if (named.kind === "failed") this.#log.write("error", `Error sending the chunks: ${named.error.text}`);
  }

  async #collect(): Promise<ReadonlyMap<OwedReport, readonly ReportPart[]>> {
    const slices = new Slices(this.#needs.clock, () => this.#session.isClosed);
    const parts = new Map<OwedReport, ReportPart[]>();
    this.#options.agents.oweOldKeepalives(this.#nowSeconds);
    for (const kind of REPORT_LISTS) {
      const ofKind: ReportPart[] = [];
      parts.set(kind, ofKind);
      for (;;) {
        const limit = Math.min(ROWS_AT_ONCE, AGENTS_PER_STRING_MAX - this.#unconfirmed.length);
        const page = limit === 0 ? [] : this.#options.agents.takeOwed(kind, limit);
        if (page.length === 0) break;
        for (const { id } of page) this.#unconfirmed.push(id);
        ofKind.push(reportPart(kind, page, this.#form));
        if (slices.isTired && !(await slices.rest())) return parts;
      }
    }
    this.#hasMore = this.#unconfirmed.length === AGENTS_PER_STRING_MAX;
    return parts;
  }

  get #nowSeconds(): number {
    return Math.floor(this.#needs.clock.wallMs() / 1000);
  }

  get #spentMs(): number {
    return this.#needs.clock.monotonicMs() - this.#startMs;
  }

  #oweAgain(): void {
    const ids = this.#unconfirmed;
    if (ids.length === 0) return;
    this.#options.agents.owe(ids);
    this.#unconfirmed = [];
  }

  #reported(payload: Buffer): Reply {
    const report = readUpdateReport(payload);
    if (report === null) return refused(clusterError(3036));
    this.#unconfirmed = [];
    logUpdateReport(this.#log, report, this.#spentMs);
    if (this.#mayGoOn && this.#timer !== null) {
      this.#timer.cancel();
      this.#wait(0);
    }
    return ok("Thanks");
  }

  /** The next turn tells it once more. */
  #refused(payload: Buffer): Reply {
    const error = payload.toString("utf8", 0, ERROR_BYTES_MAX);
    this.#log.write("error", `There was an error while processing agent-info on the master: ${error}`);
    return ok("Thanks");
  }
}
