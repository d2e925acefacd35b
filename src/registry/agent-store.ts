/**
 * The agents' rows in SQLite: everything but their keys.
 *
 * Writes go into an open transaction that is committed soon after, so thousands of keepalives share one commit; the store's own
 * reads see them at once. A committed row survives a kill; a power failure may take the last moments, and `Registry` mends what
 * client.keys can tell. One process writes; others open the file read-only.
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { CodedError, messageOf } from "#kernel/errors.ts";
import type { Clock, Timer } from "#kernel/ports/clock.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { Metrics } from "#kernel/ports/metrics.ts";
import type { AgentId, AgentName, GroupName } from "#model/agent.ts";
import {
  type AgentInfo,
  type AgentRecord,
  type GroupConfigStatus,
  STATUS_CODE_RESET,
} from "./agent-record.ts";
import {
  type AgentIdentity,
  type AgentRow,
  cell,
  groupsOf,
  INFO_COLUMNS,
  identityOf,
  infoValues,
  recordOf,
} from "./agent-row.ts";
import { AgentSync } from "./agent-sync.ts";
import { openDatabase } from "./database.ts";

/** How long a change may wait for its commit: 20 commits a second whatever the number of agents. */
const COMMIT_DELAY_MS = 50;
/** After a failed commit (a full disk). */
const COMMIT_RETRY_MS = 1000;
/**
 * After a write that could not even begin, or was lost: each try may wait for the lock, and all else of the thread with it
 * (database.ts), and what was lost is found by comparing all rows.
 */
const WRITE_RETRY_MS = 5000;
/** A failure that lasts is said once in this time. */
const FAILURE_SAID_MS = 60_000;
/** Rows of one page of `list`. */
export const LIST_ROWS_MAX = 1000;

const INFO_ASSIGNMENTS = INFO_COLUMNS.map((column) => `${column} = ?`).join(", ");
/** What no keepalive has told yet is empty, and stays what it is afterwards. */
const UNTOLD_INFO_ASSIGNMENTS = INFO_COLUMNS.filter((column) => column !== "version")
  .map((column) => `${column} = coalesce(${column}, '${column === "labels" ? "[]" : ""}')`)
  .join(", ");

/** What a worker has to tell its master of a row; all of it stays to be told when it was. */
function owed(what: "syncreq_status" | "syncreq_keepalive"): string {
  return `sync_status = CASE sync_status WHEN 'syncreq' THEN 'syncreq' ELSE '${what}' END`;
}
const OWED_STATUS = owed("syncreq_status");
const OWED_KEEPALIVE = owed("syncreq_keepalive");

export type NewAgent = {
  readonly id: AgentId;
  readonly name: AgentName;
  readonly address: string;
  readonly registeredSeconds: number | null;
};

export type KeepaliveUpdate = {
  readonly id: AgentId;
  readonly atSeconds: number;
  readonly info: AgentInfo;
  readonly groupConfigStatus: GroupConfigStatus;
};

export type DisconnectedBefore = { readonly silentSinceSeconds: number; readonly goneSinceSeconds: number };

export type GroupListCount = { readonly groups: readonly GroupName[]; readonly agents: number };

/** What a connection does to its agent's state. A refused start leaves the state and says why. */
export type StatusChange =
  /** `nodeName`: where it is connected; left out, that stays. */
  | { readonly status: "pending" | "active"; readonly atSeconds: number; readonly nodeName?: string }
  | { readonly status: "disconnected"; readonly statusCode: 3 | 4 | 5; readonly atSeconds: number }
  | { readonly status: "refused"; readonly statusCode: 1 | 2 };

type Statement = { readonly prepared: StatementSync; readonly places: AgentRow["places"] };

export type AgentStoreOptions = {
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
};

/** What writes throws `CodedError` `registry_write_failed`; what reads, `registry_read_failed` or `registry_damaged`. */
export class AgentStore {
  /** What the nodes of a cluster tell each other of the rows. */
  readonly sync: AgentSync;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, Statement>();
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #metrics: Metrics;
  #commitTimer: Timer | null = null;
  #lostWrites = false;
  /** No write is tried before: the last one could not begin. */
  #retryAtMs = Number.NEGATIVE_INFINITY;
  #failureSaidMs = Number.NEGATIVE_INFINITY;
  /** Since the last line about it; 0 while all is well. */
  #failures = 0;

  constructor({ path, clock, log, metrics }: AgentStoreOptions) {
    this.#database = openDatabase(path);
    this.#clock = clock;
    this.#log = log;
    this.#metrics = metrics;
    this.sync = new AgentSync({
      read: (sql, values) => this.#read(sql, values),
      write: (sql, values) => this.#write(sql, values),
      writeReturning: (sql, values) => this.#writeReturning(sql, values),
    });
  }

  /** A new row, or name, address and (when it is given) registration time of a known one. */
  upsert(agent: NewAgent): void {
    this.#write(
      `INSERT INTO agent (id, name, ip, register_time) VALUES (?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET name = excluded.name, ip = excluded.ip,
         register_time = coalesce(excluded.register_time, register_time)`,
      [agent.id, agent.name, agent.address, agent.registeredSeconds],
    );
  }

  remove(id: AgentId): void {
    this.#write("DELETE FROM agent WHERE id = ?", [id]);
  }

  /** The other nodes of a cluster are to be told (`sync`). */
  setGroups(id: AgentId, groups: readonly GroupName[]): void {
    this.#write("UPDATE agent SET groups = ?, group_sync_status = 'syncreq' WHERE id = ?", [
      groups.join(","),
      id,
    ]);
  }

  /** Whether the agent has the files of its groups. */
  setGroupConfigStatus(id: AgentId, status: GroupConfigStatus): void {
    this.#write("UPDATE agent SET group_config_status = ?, sync_status = 'syncreq' WHERE id = ?", [
      status,
      id,
    ]);
  }

  applyKeepalive({ id, atSeconds, info, groupConfigStatus }: KeepaliveUpdate): void {
    this.#write(
      `UPDATE agent SET status = 'active', status_code = 0, disconnection_time = 0, last_keepalive = ?, info_time = ?,
       sync_status = 'syncreq', group_config_status = ?, ${INFO_ASSIGNMENTS} WHERE id = ?`,
      [atSeconds, atSeconds, groupConfigStatus, ...infoValues(info), id],
    );
  }

  /** What an agent says of itself before its first keepalive. */
  setVersion(id: AgentId, version: string): void {
    this.#write(`UPDATE agent SET version = ?, ${UNTOLD_INFO_ASSIGNMENTS} WHERE id = ?`, [version, id]);
  }

  setStatus(id: AgentId, change: StatusChange): void {
    switch (change.status) {
      case "refused":
        this.#write(`UPDATE agent SET status_code = ?, ${OWED_STATUS} WHERE id = ?`, [change.statusCode, id]);
        break;
      case "disconnected":
        this.#write(
          `UPDATE agent SET status = ?, status_code = ?, disconnection_time = ?, ${OWED_STATUS} WHERE id = ?`,
          [change.status, change.statusCode, change.atSeconds, id],
        );
        break;
      case "pending":
      case "active":
        this.#write(
          `UPDATE agent SET status = ?, status_code = 0, disconnection_time = 0, last_keepalive = ?,
           node_name = coalesce(?, node_name), ${change.status === "active" ? OWED_KEEPALIVE : OWED_STATUS} WHERE id = ?`,
          [change.status, change.atSeconds, change.nodeName ?? null, id],
        );
        break;
    }
  }

  /** Nobody is connected when the service starts. Agents that were disconnected before keep their time and reason. */
  resetConnections(atSeconds: number): void {
    this.#write(
      `UPDATE agent SET status = 'disconnected', status_code = ?, disconnection_time = ?, ${OWED_STATUS}
       WHERE status IN ('pending', 'active')`,
      [STATUS_CODE_RESET, atSeconds],
    );
  }

  find(id: AgentId): AgentRecord | null {
    const [row] = this.#read("SELECT * FROM agent WHERE id = ?", [id]);
    return row === undefined ? null : recordOf(row);
  }

  /** Of every row, for the comparison with client.keys. */
  identities(): readonly AgentIdentity[] {
    return this.#read("SELECT id, name, ip FROM agent", []).map(identityOf);
  }

  /** The agent's groups in their order; empty for an agent that has none or is unknown. */
  groups(id: AgentId): readonly GroupName[] {
    const [row] = this.#read("SELECT id, groups FROM agent WHERE id = ?", [id]);
    return row === undefined ? [] : groupsOf(row);
  }

  /** Every list of groups that an agent has, with the number of its agents. */
  groupLists(): readonly GroupListCount[] {
    return this.#read("SELECT min(id) AS id, groups, count(*) AS agents FROM agent GROUP BY groups", []).map(
      (row) => ({ groups: groupsOf(row), agents: Number(cell(row, "agents")) }),
    );
  }

  /** The agents that follow `after` in the order of their numbers, at most `LIST_ROWS_MAX`. */
  list(after: AgentId | null): readonly AgentRecord[] {
    // Two ranges, because SQLite finds the beginning of a range over two expressions by going through all rows.
    const id = after ?? "";
    const same = this.#read(
      "SELECT * FROM agent WHERE length(id) = length(?1) AND id > ?1 ORDER BY id LIMIT ?2",
      [id, LIST_ROWS_MAX],
    );
    const longer = this.#read(
      "SELECT * FROM agent WHERE length(id) > length(?1) ORDER BY length(id), id LIMIT ?2",
      [id, LIST_ROWS_MAX - same.length],
    );
    return [...same, ...longer].map(recordOf);
  }

  /** How many agents are active on each node, by its name; nodes without any are left out. */
  activeByNode(): ReadonlyMap<string, number> {
    const rows = this.#read(
      "SELECT min(id) AS id, node_name, count(*) AS agents FROM agent WHERE status = 'active' GROUP BY node_name",
      [],
    );
    return new Map(rows.map((row) => [String(cell(row, "node_name") ?? ""), Number(cell(row, "agents"))]));
  }

  /**
   * Disconnected agents whose last keepalive is older than `silentSinceSeconds` and who were disconnected before `goneSinceSeconds`; at
   * most `limit` of them.
   */
  disconnectedBefore(
    { silentSinceSeconds, goneSinceSeconds }: DisconnectedBefore,
    limit: number,
  ): readonly AgentIdentity[] {
    return this.#read(
      `SELECT id, name, ip FROM agent WHERE status = 'disconnected' AND coalesce(last_keepalive, 0) < ?
       AND disconnection_time < ? ORDER BY length(id), id LIMIT ?`,
      [silentSinceSeconds, goneSinceSeconds, limit],
    ).map(identityOf);
  }

  /** True once when it can be written again after writes were lost: rows may be missing that client.keys knows. */
  takeLostWrites(): boolean {
    if (!this.#lostWrites) return false;
    try {
      this.#begin();
    } catch (error) {
      if (error instanceof CodedError) return false;
      throw error;
    }
    this.#lostWrites = false;
    return true;
  }

  /** Commits what waits. A failure is logged and tried again later; the writers have long gone on. */
  flush(): void {
    this.#commitTimer?.cancel();
    this.#commitTimer = null;
    if (!this.#database.isTransaction) return;
    try {
      this.#database.exec("COMMIT");
      this.#committed();
    } catch (error) {
      this.#failed(error);
    }
  }

  close(): void {
    this.flush();
    this.#commitTimer?.cancel();
    this.#database.close();
  }

  #read(sql: string, values: readonly SQLInputValue[]): AgentRow[] {
    try {
      return rowsOf(this.#statement(sql), values);
    } catch (error) {
      throw new CodedError("registry_read_failed", messageOf(error), {}, error);
    }
  }

  /** How many rows were changed. */
  #write(sql: string, values: readonly SQLInputValue[]): number {
    return this.#written(() => Number(this.#statement(sql).prepared.run(...values).changes));
  }

  /** The rows that were changed, as they are now. */
  #writeReturning(sql: string, values: readonly SQLInputValue[]): AgentRow[] {
    return this.#written(() => rowsOf(this.#statement(sql), values));
  }

  #written<T>(run: () => T): T {
    this.#begin();
    try {
      return run();
    } catch (error) {
      this.#failed(error);
      throw new CodedError("registry_write_failed", messageOf(error), {}, error);
    }
  }

  /** Throws at once for a while after it could not. */
  #begin(): void {
    if (!this.#database.isTransaction) {
      const nowMs = this.#clock.monotonicMs();
      if (nowMs < this.#retryAtMs) {
        this.#metrics.add("registry_write_failures");
        this.#failures++;
        throw new CodedError("registry_write_failed", "The agent registry cannot be written for now");
      }
      try {
        this.#database.exec("BEGIN IMMEDIATE");
      } catch (error) {
        this.#failed(error);
        throw new CodedError("registry_write_failed", messageOf(error), {}, error);
      }
    }
    this.#commitTimer ??= this.#clock.after(COMMIT_DELAY_MS, () => this.flush());
  }

  #committed(): void {
    if (this.#failureSaidMs === Number.NEGATIVE_INFINITY) return;
    this.#log.write("info", "The agent registry is written again.");
    this.#failureSaidMs = Number.NEGATIVE_INFINITY;
    this.#failures = 0;
  }

  /** Some failures make SQLite drop the whole transaction, and with it what earlier calls wrote. */
  #failed(error: unknown): void {
    this.#metrics.add("registry_write_failures");
    this.#failures++;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#failureSaidMs >= FAILURE_SAID_MS) {
      const count = this.#failures === 1 ? "" : ` (${this.#failures} such since the last line)`;
      this.#log.write("error", `Unable to write the agent registry: ${messageOf(error)}${count}`);
      this.#failureSaidMs = nowMs;
      this.#failures = 0;
    }
    if (this.#database.isTransaction)
      this.#commitTimer ??= this.#clock.after(COMMIT_RETRY_MS, () => this.flush());
    else {
      this.#lostWrites = true;
      this.#retryAtMs = nowMs + WRITE_RETRY_MS;
    }
  }

  #statement(sql: string): Statement {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const prepared = this.#database.prepare(sql);
    prepared.setReturnArrays(true);
    const places = new Map(prepared.columns().map(({ name }, place) => [name, place]));
    const statement = { prepared, places };
    this.#statements.set(sql, statement);
    return statement;
  }
}

function rowsOf({ prepared, places }: Statement, values: readonly SQLInputValue[]): AgentRow[] {
  return prepared.all(...values).map((row) => ({ places, values: row }));
}
