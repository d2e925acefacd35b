/** What HAProxy's stats socket prints, read. Pure; tables keep only the columns that the helper uses. */
import { SERVERS_MAX } from "../limits.ts";
import { isServerName } from "../node-changes.ts";

export type ServerState = {
  readonly name: string;
  readonly address: string;
  readonly drained: boolean;
};

/** HAProxy 2.6 has 96 columns of statistics. */
const COLUMNS_MAX = 500;

/** `SRV_ADMF_FDRAIN` of HAProxy (include/haproxy/server-t.h): an operator, or the helper, asked for it. */
const FORCED_DRAIN = 0x08;

/**
 * `show servers state`: the format's version, a line with the names of the columns behind a `#`, a server a line. Names come back in
 * commands, where a `;` begins the next: null when one is none.
 */
export function readServerStates(text: string): readonly ServerState[] | null {
  const [version, header, ...lines] = text.split("\n");
  if (version !== "1" || header === undefined || !header.startsWith("# ")) return null;
  const rows = readRows(header.slice(2).split(" "), lines, " ");
  const states = rows?.map((row) => ({
    name: row.get("srv_name") ?? "",
    address: row.get("srv_addr") ?? "",
    drained: (Number(row.get("srv_admin_state")) & FORCED_DRAIN) !== 0,
  }));
  return states?.every(({ name }) => isServerName(name)) ? states : null;
}

export type StatLine = {
  readonly proxy: string;
  readonly server: string;
  readonly status: string;
  readonly lastChangeSeconds: number;
  readonly connections: number;
  /** Of a backend; empty when HAProxy does not say. */
  readonly algorithm: string;
};

/** `show stat`, as comma separated values. */
export function readStats(text: string): readonly StatLine[] | null {
  const [header, ...lines] = text.split("\n");
  if (header === undefined || !header.startsWith("# pxname,")) return null;
  const rows = readRows(header.slice(2).split(","), lines, ",");
  if (rows === null) return null;
  return rows.map((row) => ({
    proxy: row.get("pxname") ?? "",
    server: row.get("svname") ?? "",
    status: row.get("status") ?? "",
    lastChangeSeconds: Number(row.get("lastchg")) || 0,
    connections: Number(row.get("scur")) || 0,
    algorithm: row.get("algo") ?? "",
  }));
}

/** `show info`: null when nobody says to be HAProxy. */
export function readVersion(text: string): string | null {
  return /^Version: ([ -~]+)$/m.exec(text)?.[1] ?? null;
}

type Row = ReadonlyMap<string, string>;

/** Null for more than there can be. */
function readRows(
  columns: readonly string[],
  lines: readonly string[],
  separator: string,
): readonly Row[] | null {
  const filled = lines.filter((line) => line !== "");
  if (filled.length > SERVERS_MAX || columns.length > COLUMNS_MAX) return null;
  return filled.map((line) => {
    const values = line.split(separator);
    return new Map(columns.map((column, index) => [column, values[index] ?? ""]));
  });
}
