/** What nodes tell each other of the files they hold: the metadata of the integrity check and of an archive. */
import { hash as digest } from "node:crypto";
import { belongsTo, itemOf } from "./items.ts";
import { isObject, type JsonObject, type JsonValue, memberOf } from "./json-value.ts";
import { isSafeRelativePath } from "./paths.ts";

export type FileEntry = {
  /** Only its own node compares it, to spare hashing. */
  readonly modifiedSeconds: number;
  readonly itemKey: string;
  /** BLAKE2b-512 of the content, hex. */
  readonly hash: string;
};

/** By path relative to the home. */
export type FileTable = ReadonlyMap<string, FileEntry>;

/** What a worker has to do to be like the master. The entries are the master's, of `extra` the worker's. */
export type FileChanges = {
  readonly missing: FileTable;
  readonly shared: FileTable;
  readonly extra: FileTable;
};

/** A table of 200,000 files is about 60 MB of JSON; the check of each node sends it whole. */
export const FILES_MAX = 200_000;

export type TableFailure = {
  readonly code: "not_a_table" | "too_many_files" | "unknown_item" | "path_outside_item";
  /** The path or key that is wrong. */
  readonly what: string;
};

export function contentHash(content: Uint8Array): string {
  return digest("blake2b512", content, "hex");
}

const HASH = /^[0-9a-f]{128}$/;

/** Every path is safe and belongs to the item that its entry names. */
export function readFileTable(value: JsonValue | undefined): FileTable | TableFailure {
  if (!isObject(value)) return { code: "not_a_table", what: "" };
  const paths = Object.keys(value);
  if (paths.length > FILES_MAX) return { code: "too_many_files", what: String(paths.length) };
  const table = new Map<string, FileEntry>();
  for (const path of paths) {
    const entry = readEntry(path, value[path]);
    if ("code" in entry) return entry;
    table.set(path, entry);
  }
  return table;
}

function readEntry(path: string, value: JsonValue | undefined): FileEntry | TableFailure {
  if (!isObject(value)) return { code: "not_a_table", what: path };
  const modifiedSeconds = memberOf(value, "mod_time");
  const itemKey = memberOf(value, "cluster_item_key");
  const hash = memberOf(value, "hash");
  if (typeof modifiedSeconds !== "number" || typeof itemKey !== "string") {
    return { code: "not_a_table", what: path };
  }
  if (typeof hash !== "string" || !HASH.test(hash)) return { code: "not_a_table", what: path };
  const item = itemOf(itemKey);
  if (item === null) return { code: "unknown_item", what: itemKey };
  if (!isSafeRelativePath(path) || !belongsTo(item, path)) return { code: "path_outside_item", what: path };
  return { modifiedSeconds, itemKey, hash };
}

export function readFileChanges(value: JsonValue | undefined): FileChanges | TableFailure {
  if (!isObject(value)) return { code: "not_a_table", what: "" };
  const missing = readFileTable(memberOf(value, "missing"));
  if ("code" in missing) return missing;
  const shared = readFileTable(memberOf(value, "shared"));
  if ("code" in shared) return shared;
  const extra = readFileTable(memberOf(value, "extra"));
  return "code" in extra ? extra : { missing, shared, extra };
}

export function fileTableJson(table: FileTable): JsonObject {
  const entries = [...table].map(([path, entry]): [string, JsonValue] => [
    path,
    {
      mod_time: entry.modifiedSeconds,
      cluster_item_key: entry.itemKey,
      // The peer wants the field; it has not sent a merged file since 4.0.
      merged: false,
      hash: entry.hash,
    },
  ]);
  return Object.fromEntries(entries);
}

export function fileChangesJson({ missing, extra, shared }: FileChanges): JsonObject {
  return { missing: fileTableJson(missing), extra: fileTableJson(extra), shared: fileTableJson(shared) };
}

/** Files are the same when their contents are: the nodes' clocks and times of change do not count. */
export function compareTables(master: FileTable, worker: FileTable): FileChanges {
  const missing = new Map<string, FileEntry>();
  const shared = new Map<string, FileEntry>();
  const extra = new Map<string, FileEntry>();
  for (const [path, entry] of master) {
    const workers = worker.get(path);
    if (workers === undefined) missing.set(path, entry);
    else if (workers.hash !== entry.hash) shared.set(path, entry);
  }
  for (const [path, entry] of worker) if (!master.has(path)) extra.set(path, entry);
  return { missing, shared, extra };
}
