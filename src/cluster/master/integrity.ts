/**
 * The master's side of the integrity synchronisation: it knows its own files, compares what a worker has with them and sends what it lacks.
 * wazuh v4.14.7: framework/wazuh/core/cluster/master.py.
 */

import { pythonString } from "#formats/python-text.ts";
import { splitName } from "#formats/wire/cluster/commands.ts";
import { clusterError, readErrorReply } from "#formats/wire/cluster/exceptions.ts";
import type { FileChanges } from "#formats/wire/cluster/file-table.ts";
import {
  ARCHIVE_BYTES_MAX,
  ARCHIVE_LIMIT_BYTES_MIN,
  ARCHIVE_LIMIT_TOLERANCE,
} from "#formats/wire/cluster/items.ts";
import { messageOf } from "#kernel/errors.ts";
import type { Timer } from "#kernel/ports/clock.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { LocalTable } from "../integrity/local-table.ts";
import {
  exceptionOf,
  NO_TASK,
  removeArchive,
  type SendingCommands,
  sendArchive,
  tellFailure,
} from "../integrity/sending.ts";
import { FAST_TRANSFER_MS, LOCK_MS_MAX, RECALCULATE_MS, secondsText } from "../integrity/times.ts";
import type { ClusterNeeds, ComparedTable } from "../needs.ts";
import type { PromisedFile } from "../promised-files.ts";
import type { ReceivedFile } from "../received-files.ts";
import { type Handler, type HandlerTable, ok, type Reply, refused } from "../replies.ts";
import type { FileSendOutcome, Session } from "../session.ts";
import { type Subtag, taggedLog } from "../tagged-log.ts";
import { PackedArchives } from "./packed-archives.ts";

const COMMANDS: SendingCommands = { announce: "syn_m_c", complete: "syn_m_c_e", failed: "syn_m_c_r" };
const BYTES_PER_MB = 1024 * 1024;

/** For the health report; wall clock, null while it has not happened. */
export type IntegrityFacts = {
  readonly isFree: boolean;
  readonly check: { readonly startMs: number | null; readonly endMs: number | null };
  readonly sync: {
    readonly startMs: number | null;
    readonly endMs: number | null;
    readonly missing: number;
    readonly shared: number;
    readonly extra: number;
  };
};

/** The master's own table, made anew again and again, and who was served since. */
export class MasterIntegrity {
  readonly archives: PackedArchives;
  readonly #home: string;
  readonly #needs: ClusterNeeds;
  readonly #log: Log;
  /** Workers that have asked since the table was made. */
  readonly #asked = new Set<string>();
  #table: LocalTable = new Map();
  #timer: Timer | null = null;
  #isStopped = false;

  constructor(home: string, needs: ClusterNeeds) {
    this.#home = home;
    this.#needs = needs;
    this.#log = taggedLog(needs.log, "Master", "Local integrity");
    this.archives = new PackedArchives(home, needs);
  }

  /** Another one whenever a file is not as it was. */
  get table(): LocalTable {
    return this.#table;
  }

  /** Makes the table, and again eight seconds after each time it was made. */
  async start(): Promise<void> {
    const { clock, heavy } = this.#needs;
    const startMs = clock.monotonicMs();
    this.#log.write("info", "Starting.");
    try {
      const given = { home: this.#home, previous: this.#table, nowMs: clock.wallMs() };
      const made = await heavy.run({ kind: "read_local_table", ...given });
      for (const problem of made.problems) this.#log.write("warning", problem);
      this.#table = made.table ?? this.#table;
      const took = secondsText(clock.monotonicMs() - startMs);
      this.#log.write("info", `Finished in ${took}. Calculated metadata of ${this.#table.size} files.`);
    } catch (error) {
      this.#log.write("error", `Error calculating local file integrity: ${messageOf(error)}`);
    }
    this.#asked.clear();
    this.archives.clear();
    if (!this.#isStopped) this.#timer = clock.after(RECALCULATE_MS, () => void this.start());
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.archives.clear();
  }

  /** False when it has asked before in this round; the question counts either way. */
  mayAsk(worker: string): boolean {
    const isFirst = !this.#asked.has(worker);
    this.#asked.add(worker);
    return isFirst;
  }

  /** What one worker's session serves. */
  workerTask(name: string, session: Session): WorkerIntegrityTask {
    return new WorkerIntegrityTask(this, name, session, this.#needs);
  }
}

/** With one worker, as long as its connection lasts. */
export class WorkerIntegrityTask {
  readonly #master: MasterIntegrity;
  readonly #name: string;
  readonly #session: Session;
  readonly #needs: ClusterNeeds;
  #lockedSinceMs: number | null = null;
  /** The last archive of the worker that was like the table. */
  #alike: { readonly digest: string; readonly table: LocalTable; readonly compared: ComparedTable } | null =
    null;
  /** Lowered when an archive was too slow for the worker. */
  #bytesMax = ARCHIVE_BYTES_MAX;
  #check: IntegrityFacts["check"] = { startMs: null, endMs: null };
  #sync: IntegrityFacts["sync"] = { startMs: null, endMs: null, missing: 0, shared: 0, extra: 0 };

  constructor(master: MasterIntegrity, name: string, session: Session, needs: ClusterNeeds) {
    this.#master = master;
    this.#name = name;
    this.#session = session;
    this.#needs = needs;
  }

  get facts(): IntegrityFacts {
    return { isFree: this.#lockedSinceMs === null, check: this.#check, sync: this.#sync };
  }

  get handlers(): HandlerTable {
    return new Map<string, Handler>([
      ["syn_i_w_m_p", () => this.#permission()],
      ["syn_i_w_m", () => this.#begin()],
      ["syn_i_w_m_e", this.#session.fileArrived],
      ["syn_i_w_m_r", (payload) => this.#workerFailed(payload)],
    ]);
  }

  #logOf(subtag: Subtag): Log {
    return taggedLog(this.#needs.log, `Worker ${this.#name}`, subtag);
  }

  #permission(): Reply {
    const nowMs = this.#needs.clock.monotonicMs();
    if (this.#lockedSinceMs !== null && nowMs - this.#lockedSinceMs > LOCK_MS_MAX) {
      this.#logOf("Integrity check").write(
        "warning",
        "Automatically releasing Integrity check permissions flag (b'syn_i_w_m_p') after being locked out for more than 1000s.",
      );
      this.#lockedSinceMs = null;
    }
    const isFirst = this.#master.mayAsk(this.#name);
    return ok(isFirst && this.#lockedSinceMs === null ? "True" : "False");
  }

  #begin(): Reply {
    const promised = this.#lockedSinceMs === null ? this.#session.promiseFile() : null;
    if (promised === null) return refused(clusterError(3040, "another check is going on"));
    this.#lockedSinceMs = this.#needs.clock.monotonicMs();
    void this.#checkWorker(promised, this.#lockedSinceMs);
    return ok(promised.taskId);
  }

  #workerFailed(payload: Buffer): Reply {
    const { name: taskId, bytes } = splitName(payload);
    const error = readErrorReply(bytes);
    if (taskId === NO_TASK)
      this.#logOf("Integrity sync").write("error", `Error in the worker: ${error.text}`);
    else this.#session.failPromise(taskId, error);
    return ok("Error received");
  }

  async #checkWorker(promised: PromisedFile, lockMs: number): Promise<void> {
    const log = this.#logOf("Integrity check");
    const { clock, files } = this.#needs;
    log.write("info", "Starting.");
    this.#check = { startMs: clock.wallMs(), endMs: null };
    let archive: string | null = null;
    try {
      const arrived = await promised.outcome;
      if (arrived.kind === "failed") {
        log.write("error", arrived.error.text);
        return;
      }
      archive = arrived.path;
      log.write("debug", `Received file from worker: '${archive}'`);
      const compared = await this.#compare(arrived);
      const took = secondsText(clock.monotonicMs() - lockMs);
      const { changes } = compared;
      const isSame = isAlike(changes);
      this.#check = { ...this.#check, endMs: clock.wallMs() };
      const verdict = isSame ? "Sync not required." : "Sync required.";
      log.write("info", `Finished in ${took}. Received metadata of ${compared.files} files. ${verdict}`);
      if (isSame) await this.#session.request("syn_m_c_ok");
      else await this.#sendChanges(compared);
    } catch (error) {
      const exception = exceptionOf(error, this.#needs.metrics);
      log.write("error", exception.text);
      tellFailure(this.#session, "syn_m_c_r", NO_TASK, exception);
    } finally {
      if (archive !== null) removeArchive(files, archive);
      // After an automatic release another check may hold it.
      if (this.#lockedSinceMs === lockMs) this.#lockedSinceMs = null;
    }
  }

  /** A worker that sends what it sent when it was like this table is like it: neither has to be read. */
  async #compare({ path: archive, digest }: ReceivedFile): Promise<ComparedTable> {
    const { heavy } = this.#needs;
    const { table } = this.#master;
    const last = this.#alike;
    if (last !== null && last.digest === digest && last.table === table) return last.compared;
    const compared = await heavy.run({ kind: "compare_table", archive, table });
    this.#alike = isAlike(compared.changes) ? { digest, table, compared } : null;
    return compared;
  }

  async #sendChanges(compared: ComparedTable): Promise<void> {
    const log = this.#logOf("Integrity sync");
    const { clock } = this.#needs;
    const startMs = clock.monotonicMs();
    const { missing, shared, extra } = compared.changes;
    this.#sync = {
      startMs: clock.wallMs(),
      endMs: null,
      missing: missing.size,
      shared: shared.size,
      extra: extra.size,
    };
    log.write("info", "Starting.");
    const counts = `Files to create in worker: ${missing.size} | Files to update in worker: ${shared.size}`;
    log.write("info", `${counts} | Files to delete in worker: ${extra.size}`);
    const sent = missing.size + shared.size;
    log.write("debug", `Compressing files and 'files_metadata.json' of ${sent + extra.size} files.`);
    const archive = await this.#master.archives.take(compared, this.#bytesMax);
    try {
      // The peer prints what its processes collected as a dictionary.
      for (const [path, text] of archive.written.warnings) {
        log.write("warning", `{${pythonString(path)}: [${pythonString(text)}]}`);
      }
      log.write("debug", "Sending zip file.");
      const outcome = await sendArchive(this.#session, COMMANDS, archive.path);
      this.#adjustLimit(outcome, log);
      if (outcome.kind !== "sent") {
        log.write("error", outcome.error.text);
        return;
      }
      log.write("debug", "Zip file sent.");
      this.#sync = { ...this.#sync, endMs: clock.wallMs() };
      log.write("info", `Finished in ${secondsText(clock.monotonicMs() - startMs)}.`);
    } finally {
      archive.release();
    }
  }

  #adjustLimit(outcome: FileSendOutcome, log: Log): void {
    const kept = 1 - ARCHIVE_LIMIT_TOLERANCE;
    if (outcome.kind === "cancelled") {
      this.#bytesMax = Math.max(ARCHIVE_LIMIT_BYTES_MIN, outcome.sentBytes * kept);
      log.write("debug", `Decreasing sync size limit to ${this.#megabytes()} MB.`);
    } else if (outcome.kind === "sent" && this.#bytesMax < ARCHIVE_BYTES_MAX) {
      if (outcome.milliseconds >= FAST_TRANSFER_MS) return;
      this.#bytesMax = Math.min(ARCHIVE_BYTES_MAX, this.#bytesMax / kept);
      log.write("debug", `Increasing sync size limit to ${this.#megabytes()} MB.`);
    }
  }

  #megabytes(): string {
    return (this.#bytesMax / BYTES_PER_MB).toFixed(2);
  }
}

function isAlike({ missing, shared, extra }: FileChanges): boolean {
  return missing.size + shared.size + extra.size === 0;
}
