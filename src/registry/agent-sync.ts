/**
 * What the nodes of a cluster tell each other of the agents' rows: a worker owes its master the state of its agents (`sync_status`), a master owes
 * its workers their groups (`group_sync_status`). Rows are marked whether or not there is a cluster, so a node that joins one owes what it should.
 */
import type { SQLInputValue } from "node:sqlite";
import { CodedError } from "#kernel/errors.ts";
import type { AgentId, AgentName, ConnectionStatus, GroupName } from "#model/agent.ts";
import type { AgentInfo, AgentRecord, GroupConfigStatus, StatusCode, SyncStatus } from "./agent-record.ts";
import {
  type AgentRow,
  cell,
  groupsOf,
  INFO_COLUMNS,
  identityOf,
  infoValues,
  recordOf,
} from "./agent-row.ts";

/** How `AgentStore` lets this file at its rows; what throws there throws here. */
export type RowAccess = {
  readonly read: (sql: string, values: readonly SQLInputValue[]) => AgentRow[];
  readonly write: (sql: string, values: readonly SQLInputValue[]) => number;
  readonly writeReturning: (sql: string, values: readonly SQLInputValue[]) => AgentRow[];
};

export type OwedReport = Exclude<SyncStatus, "synced">;

/** What another node says of one of its agents. */
export type AgentReport =
  | {
      readonly kind: "full";
      readonly id: AgentId;
      readonly info: AgentInfo;
      readonly status: ConnectionStatus;
      readonly statusCode: StatusCode;
      readonly lastKeepaliveSeconds: number;
      readonly disconnectionSeconds: number;
      readonly groupConfigStatus: GroupConfigStatus;
    }
  | {
      readonly kind: "status";
      readonly id: AgentId;
      readonly status: ConnectionStatus;
      readonly statusCode: StatusCode;
      readonly disconnectionSeconds: number;
    }
  /** The agent has just said that it is there. */
  | { readonly kind: "keepalive"; readonly id: AgentId };

export type ReportingNode = { readonly nodeName: string; readonly nowSeconds: number };

export type AgentGroups = {
  readonly id: AgentId;
  readonly name: AgentName;
  readonly groups: readonly GroupName[];
};

export type SilentAgents = {
  readonly ownName: string;
  readonly silentSinceSeconds: number;
  readonly nowSeconds: number;
  readonly limit: number;
};

const STATUS_CODE_NO_KEEPALIVE = 4;
const INFO_ASSIGNMENTS = INFO_COLUMNS.map((column) => `${column} = ?`).join(", ");
/**
 * Only the node where an agent was last seen can say that it is gone: to another one it came later. Rows of agents that nobody has seen
 * take what is said first.
 */
const IS_THEIRS = "(coalesce(node_name, '') IN ('', ?) OR status = 'never_connected')";

/**
 * What a node heard before what stands in the row is no news: it was cut off meanwhile, and the agent went elsewhere. Whoever has heard of it since may also
 * say that it is gone.
 */
const IS_NEWS = "info_time <= ?";
const IS_NEWER = "info_time < ?";
const APPLY_FULL = `UPDATE agent SET status = ?, status_code = ?, last_keepalive = ?, disconnection_time = ?, group_config_status = ?,
  info_time = ?, sync_status = 'synced', ${INFO_ASSIGNMENTS} WHERE id = ? AND ${IS_NEWS}`;
const APPLY_FULL_GONE = `${APPLY_FULL} AND (${IS_NEWER} OR ${IS_THEIRS})`;
const APPLY_STATUS =
  "UPDATE agent SET status = ?, status_code = ?, disconnection_time = ?, node_name = ? WHERE id = ?";
const APPLY_STATUS_GONE = `${APPLY_STATUS} AND ${IS_THEIRS}`;
/** What the master takes as of now: an agent's period, that of its node, and as much again. */
const KEEPALIVE_SECONDS_MAX = 30;
/** Two of the longest usual periods of keepalives. */
const HEARD_SECONDS = 120;

export class AgentSync {
  readonly #rows: RowAccess;

  constructor(rows: RowAccess) {
    this.#rows = rows;
  }

  /** Agents of whose state the master must hear, at most `limit`; from here on it counts as told. */
  takeOwed(kind: OwedReport, limit: number): readonly AgentRecord[] {
    const rows = this.#rows.read(
      "SELECT * FROM agent WHERE sync_status <> 'synced' AND sync_status = ? LIMIT ?",
      [kind, limit],
    );
    // An update that returns whole rows itself writes and reads each once more.
    const ids = rows.map((row) => String(cell(row, "id")));
    if (ids.length > 0) this.#setSyncStatus(ids, "synced");
    return rows.flatMap((row) => wellFormed(row, recordOf));
  }

  /** Keepalives that have waited for long are owed with their time, and all else of the row: they are told without it. */
  oweOldKeepalives(nowSeconds: number): void {
    this.#rows.write(
      `UPDATE agent SET sync_status = 'syncreq'
       WHERE sync_status <> 'synced' AND sync_status = 'syncreq_keepalive' AND last_keepalive < ?`,
      [nowSeconds - KEEPALIVE_SECONDS_MAX],
    );
  }

  /** A master may have lost what it was told. Of agents that were not heard of lately another node may know more. */
  oweActive(nowSeconds: number): void {
    this.#rows.write(
      "UPDATE agent SET sync_status = 'syncreq' WHERE status = 'active' AND last_keepalive >= ?",
      [nowSeconds - HEARD_SECONDS],
    );
  }

  /** The master did not hear of them after all. */
  owe(ids: readonly AgentId[]): void {
    this.#setSyncStatus(ids, "syncreq");
  }

  #setSyncStatus(ids: readonly string[], status: SyncStatus): void {
    const sql = "UPDATE agent SET sync_status = ? WHERE id IN (SELECT value FROM json_each(?))";
    this.#rows.write(sql, [status, JSON.stringify(ids)]);
  }

  /** False when there is no such agent, or it was seen at another node since. */
  apply(report: AgentReport, node: ReportingNode): boolean {
    switch (report.kind) {
      case "full":
        return this.#applyFull(report, node);
      case "status":
        return this.#applyStatus(report, node);
      case "keepalive":
        return (
          this.#rows.write(
            `UPDATE agent SET status = 'active', status_code = 0, disconnection_time = 0, last_keepalive = ?, node_name = ?
             WHERE id = ?`,
            [node.nowSeconds, node.nodeName, report.id],
          ) > 0
        );
    }
  }

  #applyFull(
    report: Extract<AgentReport, { kind: "full" }>,
    { nodeName, nowSeconds }: ReportingNode,
  ): boolean {
    const { id, info, status, statusCode, disconnectionSeconds, groupConfigStatus } = report;
    // A clock that is ahead there must not keep an agent connected here for ever.
    const lastKeepaliveSeconds = Math.min(report.lastKeepaliveSeconds, nowSeconds);
    const isThere = status === "active" || status === "pending";
    const changed = this.#rows.write(isThere ? APPLY_FULL : APPLY_FULL_GONE, [
      status,
      statusCode,
      lastKeepaliveSeconds,
      disconnectionSeconds,
      groupConfigStatus,
      lastKeepaliveSeconds,
      ...infoValues({ ...info, nodeName }),
      id,
      lastKeepaliveSeconds,
      ...(isThere ? [] : [lastKeepaliveSeconds, nodeName]),
    ]);
    return changed > 0;
  }

  #applyStatus(report: Extract<AgentReport, { kind: "status" }>, { nodeName }: ReportingNode): boolean {
    const { id, status, statusCode, disconnectionSeconds } = report;
    const isThere = status === "active" || status === "pending";
    const changed = this.#rows.write(isThere ? APPLY_STATUS : APPLY_STATUS_GONE, [
      status,
      statusCode,
      disconnectionSeconds,
      nodeName,
      id,
      ...(isThere ? [] : [nodeName]),
    ]);
    return changed > 0;
  }

  /**
   * Agents of other nodes that were connected and have been silent since before `silentSinceSeconds`, among the `limit` that follow `after` in the order of
   * their numbers; they are disconnected now. `next` is where to go on, null at the end.
   */
  disconnectSilent(
    after: AgentId | null,
    { ownName, silentSinceSeconds, nowSeconds, limit }: SilentAgents,
  ): { readonly disconnected: number; readonly next: AgentId | null } {
    const page = this.#page("id, name, ip, status, last_keepalive, node_name", after, limit);
    let disconnected = 0;
    for (const row of page) {
      const [status, node] = [cell(row, "status"), cell(row, "node_name")];
      if ((status !== "active" && status !== "pending") || node === ownName || node === null) continue;
      if (Number(cell(row, "last_keepalive")) >= silentSinceSeconds) continue;
      disconnected += this.#rows.write(
        "UPDATE agent SET status = 'disconnected', status_code = ?, disconnection_time = ? WHERE id = ?",
        [STATUS_CODE_NO_KEEPALIVE, nowSeconds, identityOf(row).id],
      );
    }
    const last = page.at(-1);
    return { disconnected, next: page.length < limit || last === undefined ? null : identityOf(last).id };
  }

  /** Agents of whose groups the workers must hear, at most `limit`; from here on they count as told. */
  takeOwedGroups(limit: number): readonly AgentGroups[] {
    const rows = this.#rows.writeReturning(
      `UPDATE agent SET group_sync_status = 'synced' WHERE id IN
         (SELECT id FROM agent WHERE group_sync_status <> 'synced' LIMIT ?) RETURNING id, name, ip, groups`,
      [limit],
    );
    return rows.flatMap((row) => wellFormed(row, agentGroupsOf));
  }

  /** The groups of the `limit` agents that follow `after` in the order of their numbers. */
  groupsAfter(after: AgentId | null, limit: number): readonly AgentGroups[] {
    return this.#page("id, name, ip, groups", after, limit).map(agentGroupsOf);
  }

  /**
   * The groups of these agents as they stand in the rows, divided by commas: of all agents every few seconds, so not looked at further. `next` is where to go
   * on, null at the end.
   */
  groupListsAfter(
    after: AgentId | null,
    limit: number,
  ): { readonly lists: readonly string[]; readonly next: AgentId | null } {
    const page = this.#page("id, name, ip, groups", after, limit);
    const last = page.at(-1);
    return {
      lists: page.map((row) => String(cell(row, "groups"))),
      next: page.length < limit || last === undefined ? null : identityOf(last).id,
    };
  }

  /** What the master says. False when there is no such agent. */
  applyGroups(id: AgentId, groups: readonly GroupName[]): boolean {
    const sql = "UPDATE agent SET groups = ?, group_sync_status = 'synced' WHERE id = ?";
    return this.#rows.write(sql, [groups.join(","), id]) > 0;
  }

  /** Two ranges, because SQLite finds the beginning of a range over two expressions by going through all rows. */
  #page(columns: string, after: AgentId | null, limit: number): AgentRow[] {
    const id = after ?? "";
    const same = this.#rows.read(
      `SELECT ${columns} FROM agent WHERE length(id) = length(?1) AND id > ?1 ORDER BY id LIMIT ?2`,
      [id, limit],
    );
    const longer = this.#rows.read(
      `SELECT ${columns} FROM agent WHERE length(id) > length(?1) ORDER BY length(id), id LIMIT ?2`,
      [id, limit - same.length],
    );
    return [...same, ...longer];
  }
}

function agentGroupsOf(row: AgentRow): AgentGroups {
  const { id, name } = identityOf(row);
  return { id, name, groups: groupsOf(row) };
}

/** One damaged row must not keep the others from being told. */
function wellFormed<T>(row: AgentRow, read: (row: AgentRow) => T): T[] {
  try {
    return [read(row)];
  } catch (error) {
    if (error instanceof CodedError) return [];
    throw error;
  }
}
