/**
 * The worker's side of the integrity synchronisation: it tells the master what it holds, and takes what the master has otherwise.
 * wazuh v4.14.7: framework/wazuh/core/cluster/worker.py.
 */

import { byteLiteral } from "#formats/wire/cluster/byte-literal.ts";
import type { ClusterException } from "#formats/wire/cluster/exceptions.ts";
import { clusterError } from "#formats/wire/cluster/exceptions.ts";
import type { Timer } from "#kernel/ports/clock.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { LocalTable } from "../integrity/local-table.ts";
import {
  exceptionOf,
  NO_TASK,
  newArchive,
  removeArchive,
  type SendingCommands,
  sendArchive,
  tellFailure,
} from "../integrity/sending.ts";
import { CHECK_PERIOD_MS, secondsText } from "../integrity/times.ts";
import type { AppliedArchive, ClusterNeeds } from "../needs.ts";
import type { PromisedFile } from "../promised-files.ts";
import { type Handler, type HandlerTable, ok, type Reply, refused } from "../replies.ts";
import type { Session } from "../session.ts";
import { type Subtag, taggedLog } from "../tagged-log.ts";

const COMMANDS: SendingCommands = { announce: "syn_i_w_m", complete: "syn_i_w_m_e", failed: "syn_i_w_m_r" };

export type WorkerIntegrityOptions = {
  readonly home: string;
  readonly nodeName: string;
  /** A check or a synchronisation has ended; `applied` is null when nothing was to do. */
  readonly checked: (applied: AppliedArchive | null) => void;
};

/** With one connection to the master, as long as it lasts. */
export class WorkerIntegrity {
  readonly #options: WorkerIntegrityOptions;
  readonly #session: Session;
  readonly #needs: ClusterNeeds;
  /** Of the last check, so that unchanged files are not read again. */
  #table: LocalTable;
  /** The archive of a table that the master was sent: while the table is the same, it is sent again. */
  #packed: { readonly table: LocalTable; readonly archive: string } | null = null;
  #timer: Timer | null = null;
  #checkStartMs = 0;
  #isApplying = false;

  /** `previous` is the table of an earlier connection, or empty. */
  constructor(
    options: WorkerIntegrityOptions,
    session: Session,
    needs: ClusterNeeds,
    previous: LocalTable = new Map(),
  ) {
    this.#options = options;
    this.#session = session;
    this.#needs = needs;
    this.#table = previous;
  }

  get table(): LocalTable {
    return this.#table;
  }

  get handlers(): HandlerTable {
    return new Map<string, Handler>([
      ["syn_m_c_ok", () => this.#alike()],
      ["syn_m_c", () => this.#begin()],
      ["syn_m_c_e", this.#session.fileArrived],
      ["syn_m_c_r", this.#session.fileFailed],
    ]);
  }

  /** The master has let this node in: the first check is nine seconds later, and each after the last one has ended. */
  start(): void {
    this.#timer = this.#needs.clock.after(CHECK_PERIOD_MS, () => void this.#turn());
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #logOf(subtag: Subtag): Log {
    return taggedLog(this.#needs.log, `Worker ${this.#options.nodeName}`, subtag);
  }

  async #turn(): Promise<void> {
    try {
      if (!this.#isApplying && (await this.#isPermitted())) await this.#check();
    } catch (error) {
      this.#logOf("Integrity check").write("error", exceptionOf(error, this.#needs.metrics).text);
    }
    if (!this.#session.isClosed) this.start();
  }

  async #isPermitted(): Promise<boolean> {
    const log = this.#logOf("Integrity check");
    const outcome = await this.#session.request("syn_i_w_m_p");
    if (outcome.kind === "failed") {
      log.write("error", `Error asking for permission: ${outcome.error.text}`);
      return false;
    }
    const answer = outcome.payload.toString("latin1", 0, 64);
    if (answer === "True") {
      log.write("debug", "Permission to synchronize granted.");
      return true;
    }
    const literal = byteLiteral(answer);
    log.write("debug", `Master didn't grant permission to start a new synchronization: ${literal}`);
    return false;
  }

  async #check(): Promise<void> {
    const log = this.#logOf("Integrity check");
    const { clock, heavy } = this.#needs;
    this.#checkStartMs = clock.monotonicMs();
    log.write("info", "Starting.");
    const { home } = this.#options;
    const given = { home, previous: this.#table, nowMs: clock.wallMs() };
    const made = await heavy.run({ kind: "read_local_table", ...given });
    if (this.#session.isClosed) return;
    this.#table = made.table ?? this.#table;
    for (const problem of made.problems) log.write("warning", problem);
    // As the peer logs each check; here what was packed before may be sent again.
    log.write("debug", `Compressing 'files_metadata.json' of ${this.#table.size} files.`);
    const archive = await this.#archiveOf(this.#table);
    log.write("debug", "Sending zip file.");
    const outcome = await sendArchive(this.#session, COMMANDS, archive);
    if (outcome.kind === "sent") log.write("debug", "Zip file sent.");
    else {
      log.write("error", outcome.error.text);
      this.#forgetArchive();
    }
  }

  async #archiveOf(table: LocalTable): Promise<string> {
    if (this.#packed?.table === table) return this.#packed.archive;
    this.#forgetArchive();
    const archive = newArchive(this.#session, this.#needs);
    this.#packed = { table, archive };
    try {
      await this.#needs.heavy.run({ kind: "write_table", archive, table });
    } catch (error) {
      this.#forgetArchive();
      throw error;
    }
    return archive;
  }

  #forgetArchive(): void {
    if (this.#packed !== null) removeArchive(this.#needs.files, this.#packed.archive);
    this.#packed = null;
  }

  #alike(): Reply {
    this.#finishedCheck("Sync not required.");
    this.#options.checked(null);
    return ok("Thanks");
  }

  #finishedCheck(verdict: string): void {
    const took = secondsText(this.#needs.clock.monotonicMs() - this.#checkStartMs);
    this.#logOf("Integrity check").write("info", `Finished in ${took}. ${verdict}`);
  }

  #begin(): Reply {
    const promised = this.#isApplying ? null : this.#session.promiseFile();
    if (promised === null) return refused(clusterError(3040, "another synchronisation is going on"));
    this.#finishedCheck("Sync required.");
    this.#isApplying = true;
    void this.#apply(promised);
    return ok(promised.taskId);
  }

  async #apply(promised: PromisedFile): Promise<void> {
    const log = this.#logOf("Integrity sync");
    const { clock, files, heavy } = this.#needs;
    log.write("info", "Starting.");
    const startMs = clock.monotonicMs();
    let archive: string | null = null;
    try {
      const arrived = await promised.outcome;
      if (arrived.kind === "failed") {
        this.#failed(arrived.error, log);
        return;
      }
      archive = arrived.path;
      const applied = await heavy.run({ kind: "apply_changes", home: this.#options.home, archive });
      this.#say(applied, log);
      log.write("info", `Finished in ${secondsText(clock.monotonicMs() - startMs)}.`);
      this.#options.checked(applied);
    } catch (error) {
      this.#failed(exceptionOf(error, this.#needs.metrics), log);
    } finally {
      if (archive !== null) removeArchive(files, archive);
      this.#isApplying = false;
    }
  }

  #say(applied: AppliedArchive, log: Log): void {
    const { created, updated, removed, problems } = applied;
    const counts = `Files to create: ${created} | Files to update: ${updated} | Files to delete: ${removed}`;
    log.write("info", counts);
    if (problems.length === 0) return;
    for (const problem of problems) log.write("error", problem);
    const { failedUpdates, failedCreations, failedRemovals } = applied;
    const found = `${failedUpdates} overwriting, ${failedCreations} creating and ${failedRemovals} removing`;
    log.write("error", `Found errors: ${found}`);
  }

  #failed(error: ClusterException, log: Log): void {
    log.write("error", error.text);
    if (!this.#session.isClosed) tellFailure(this.#session, "syn_i_w_m_r", NO_TASK, error);
  }
}
