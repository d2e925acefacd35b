/** Which files a cluster keeps alike on all nodes, and the limits that go with it. wazuh v4.14.7: framework/wazuh/core/cluster/cluster.json. */

export type SyncedItem = {
  /** Directory relative to the home, with its slash; the word for it on the wire. */
  readonly key: string;
  readonly permissions: number;
  /** Base names; null for every file. */
  readonly names: readonly string[] | null;
  readonly isRecursive: boolean;
  readonly removesEmptyDirectories: boolean;
  /** A loss of power must not leave it cut: agents are refused until the next check. */
  readonly mustSurvive: boolean;
};

export const SYNCED_ITEMS: readonly SyncedItem[] = [
  item("etc/", 0o640, { names: ["client.keys"], isRecursive: false, mustSurvive: true }),
  item("etc/shared/", 0o660, { removesEmptyDirectories: true }),
  item("var/multigroups/", 0o660, { names: ["merged.mg"], removesEmptyDirectories: true }),
  item("etc/rules/", 0o660),
  item("etc/decoders/", 0o660),
  item("etc/lists/", 0o660),
];

function item(
  key: string,
  permissions: number,
  {
    names = null,
    isRecursive = true,
    removesEmptyDirectories = false,
    mustSurvive = false,
  }: Partial<SyncedItem> = {},
): SyncedItem {
  return { key, permissions, names, isRecursive, removesEmptyDirectories, mustSurvive };
}

const EXCLUDED_NAMES: readonly string[] = ["ar.conf", "ossec.conf"];
const EXCLUDED_ENDINGS: readonly string[] = ["~", ".tmp", ".lock", ".swp"];

/** Such a file is never sent, taken or removed; a directory that holds nothing else counts as empty. */
export function isExcludedName(name: string): boolean {
  return EXCLUDED_NAMES.includes(name) || EXCLUDED_ENDINGS.some((ending) => name.endsWith(ending));
}

/** Whether the analysis reads the files of an item. */
export function isOfRuleSet(itemKey: string): boolean {
  return itemKey === "etc/rules/" || itemKey === "etc/decoders/" || itemKey === "etc/lists/";
}

export function itemOf(key: string): SyncedItem | null {
  return SYNCED_ITEMS.find((candidate) => candidate.key === key) ?? null;
}

/** The item that holds this file, if any: no two hold the same. */
export function itemHolding(path: string): SyncedItem | null {
  return SYNCED_ITEMS.find((candidate) => belongsTo(candidate, path)) ?? null;
}

/** Whether the item holds this file. `path` is relative to the home and safe. */
export function belongsTo(item: SyncedItem, path: string): boolean {
  if (!path.startsWith(item.key)) return false;
  const inside = path.slice(item.key.length);
  const name = inside.slice(inside.lastIndexOf("/") + 1);
  if (name === "" || (!item.isRecursive && inside.includes("/"))) return false;
  return !isExcludedName(name) && (item.names === null || item.names.includes(name));
}

const MIB = 1024 * 1024;

/** What one archive may hold, written and unpacked (`max_zip_size`). */
export const ARCHIVE_BYTES_MAX = 1024 * MIB;
/** A limit that slow transfers have lowered goes no lower (`min_zip_size`). */
export const ARCHIVE_LIMIT_BYTES_MIN = 30 * MIB;
/** By how much a transfer that was too slow lowers it (`zip_limit_tolerance`). */
export const ARCHIVE_LIMIT_TOLERANCE = 0.2;
/** `compress_level`. */
export const COMPRESSION_LEVEL = 1;
