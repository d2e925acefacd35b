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
  type SyncStatus,
} from "./agent-record.ts";
import {
  type AgentIdentity,
  type AgentRow,
  groupsOf,
  INFO_COLUMNS,
  identityOf,
  infoValues,
  recordOf,
} from "./agent-row.ts";
import { openDatabase } from "./database.ts";

/** How long a change may wait for its commit: 20 commits a second whatever the number of agents. */
const COMMIT_DELAY_MS = 50;
/** After a failed commit (a full disk), so that the log gets a line a second and not twenty. */
const COMMIT_RETRY_MS = 1000;
/** Rows of one page of `list`. */
export const LIST_ROWS_MAX = 1000;

const INFO_ASSIGNMENTS = INFO_COLUMNS.map((column) => `${column} = ?`).join(", ");

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
  readonly syncStatus: SyncStatus;
  readonly groupConfigStatus: GroupConfigStatus;
};

export type GroupListCount = { readonly groups: readonly GroupName[]; readonly agents: number };

/** What a connection does to its agent's state. A refused start leaves the state and says why. */
export type StatusChange =
  | { readonly status: "pending" | "active"; readonly atSeconds: number; readonly syncStatus: SyncStatus }
  | {
      readonly status: "disconnected";
      readonly statusCode: 3 | 4 | 5;
      readonly atSeconds: number;
      readonly syncStatus: SyncStatus;
    }
  | { readonly status: "refused"; readonly statusCode: 1 | 2; readonly syncStatus: SyncStatus };

export type AgentStoreOptions = {
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
};

/** What writes throws `CodedError` `registry_write_failed`; what reads, `registry_read_failed` or `registry_damaged`. */
export class AgentStore {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #metrics: Metrics;
  #commitTimer: Timer | null = null;
  #lostWrites = false;

  constructor({ path, clock, log, metrics }: AgentStoreOptions) {
    this.#database = openDatabase(path);
    this.#clock = clock;
    this.#log = log;
    this.#metrics = metrics;
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

  setGroups(id: AgentId, groups: readonly GroupName[], syncStatus: SyncStatus): void {
    this.#write("UPDATE agent SET groups = ?, sync_status = ? WHERE id = ?", [
      groups.join(","),
      syncStatus,
      id,
    ]);
  }

  /** Whether the agent has the files of its groups. */
  setGroupConfigStatus(id: AgentId, status: GroupConfigStatus): void {
    this.#write("UPDATE agent SET group_config_status = ? WHERE id = ?", [status, id]);
  }

  applyKeepalive({ id, atSeconds, info, syncStatus, groupConfigStatus }: KeepaliveUpdate): void {
    this.#write(
      `UPDATE agent SET status = 'active', status_code = 0, disconnection_time = 0, last_keepalive = ?,
       sync_status = ?, group_config_status = ?, ${INFO_ASSIGNMENTS} WHERE id = ?`,
      [atSeconds, syncStatus, groupConfigStatus, ...infoValues(info), id],
    );
  }

  setStatus(id: AgentId, change: StatusChange): void {
    switch (change.status) {
      case "refused":
        this.#write("UPDATE agent SET status_code = ?, sync_status = ? WHERE id = ?", [
          change.statusCode,
          change.syncStatus,
          id,
        ]);
        break;
      case "disconnected":
        this.#write(
          "UPDATE agent SET status = ?, status_code = ?, disconnection_time = ?, sync_status = ? WHERE id = ?",
          [change.status, change.statusCode, change.atSeconds, change.syncStatus, id],
        );
        break;
      case "pending":
      case "active":
        this.#write(
          `UPDATE agent SET status = ?, status_code = 0, disconnection_time = 0, last_keepalive = ?, sync_status = ?
           WHERE id = ?`,
          [change.status, change.atSeconds, change.syncStatus, id],
        );
        break;
    }
  }

  /** Nobody is connected when the service starts. Agents that were disconnected before keep their time and reason. */
  resetConnections(atSeconds: number, syncStatus: SyncStatus): void {
    this.#write(
      `UPDATE agent SET status = 'disconnected', status_code = ?, disconnection_time = ?, sync_status = ?
       WHERE status IN ('pending', 'active')`,
      [STATUS_CODE_RESET, atSeconds, syncStatus],
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
      (row) => ({ groups: groupsOf(row), agents: Number(row["agents"]) }),
    );
  }

  /** The agents that follow `after` in the order of their numbers, at most `LIST_ROWS_MAX`. */
  list(after: AgentId | null): readonly AgentRecord[] {
    return this.#read(
      "SELECT * FROM agent WHERE (length(id), id) > (length(?1), ?1) ORDER BY length(id), id LIMIT ?2",
      [after ?? "", LIST_ROWS_MAX],
    ).map(recordOf);
  }

  /** True once after a batch was lost: rows may be missing that client.keys knows. */
  takeLostWrites(): boolean {
    const lost = this.#lostWrites;
    this.#lostWrites = false;
    return lost;
  }

  /** Commits what waits. A failure is logged and tried again later; the writers have long gone on. */
  flush(): void {
    this.#commitTimer?.cancel();
    this.#commitTimer = null;
    if (!this.#database.isTransaction) return;
    try {
      this.#database.exec("COMMIT");
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
      return this.#statement(sql).all(...values);
    } catch (error) {
      throw new CodedError("registry_read_failed", messageOf(error), {}, error);
    }
  }

  #write(sql: string, values: readonly SQLInputValue[]): void {
    try {
      if (!this.#database.isTransaction) this.#database.exec("BEGIN IMMEDIATE");
      this.#commitTimer ??= this.#clock.after(COMMIT_DELAY_MS, () => this.flush());
      this.#statement(sql).run(...values);
    } catch (error) {
      this.#failed(error);
      throw new CodedError("registry_write_failed", messageOf(error), {}, error);
    }
  }

  /** Some failures make SQLite drop the whole transaction, and with it what earlier calls wrote. */
  #failed(error: unknown): void {
    this.#log.write("error", `Unable to write the agent registry: ${messageOf(error)}`);
    this.#metrics.add("registry_write_failures");
    if (this.#database.isTransaction)
      this.#commitTimer ??= this.#clock.after(COMMIT_RETRY_MS, () => this.flush());
    else this.#lostWrites = true;
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}
