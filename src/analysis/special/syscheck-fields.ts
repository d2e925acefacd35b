/** The fields of a file integrity event by name, as rules see them (wazuh v4.14.7: src/analysisd/decoders/syscheck.c). */
import type { Event } from "../event.ts";

/** In the peer's order. A rule's condition on one that is not set never holds. */
export const FIM_FIELDS = [
  "file",
  "hard_links",
  "mode",
  "size",
  "size_before",
  "perm",
  "perm_before",
  "uid",
  "uid_before",
  "gid",
  "gid_before",
  "md5",
  "md5_before",
  "sha1",
  "sha1_before",
  "uname",
  "uname_before",
  "gname",
  "gname_before",
  "mtime",
  "mtime_before",
  "inode",
  "inode_before",
  "sha256",
  "sha256_before",
  "changed_content",
  "win_attributes",
  "win_attributes_before",
  "changed_fields",
  "user_id",
  "user_name",
  "group_id",
  "group_name",
  "process_name",
  "parent_name",
  "cwd",
  "parent_cwd",
  "audit_uid",
  "audit_name",
  "effective_uid",
  "effective_name",
  "ppid",
  "process_id",
  "tag",
  "symbolic_path",
  "arch",
  "value_name",
  "value_type",
  "hash_full_path",
  "entry_type",
  "event_type",
] as const;

export type FimField = (typeof FIM_FIELDS)[number];
/** Those that a change has twice: as it was and as it is. */
export type ChangingFimField =
  | "size"
  | "perm"
  | "uid"
  | "gid"
  | "md5"
  | "sha1"
  | "uname"
  | "gname"
  | "mtime"
  | "inode"
  | "sha256"
  | "win_attributes";

export type FimValues = ReadonlyMap<FimField, string>;

export type FimChange = "added" | "modified" | "deleted";

const FIELDS_BY_NAME: ReadonlyMap<string, FimField> = new Map(FIM_FIELDS.map((name) => [name, name]));

/** By which the peer's documents tell such an event. A decoder of a rule set with such a name has whatever fields it sets. */
const DECODER_PREFIX = "syscheck_";

export function isFimEvent(event: Event): boolean {
  return event.decoder.shownName.startsWith(DECODER_PREFIX);
}

export function setFimValues(event: Event, values: FimValues): void {
  for (const name of FIM_FIELDS) {
    const value = values.get(name);
    if (value !== undefined) event.addDynamic(name, value);
  }
}

export function fimValuesOf(event: Event): FimValues {
  const values = new Map<FimField, string>();
  for (const [index, name] of event.dynamicNames.entries()) {
    const field = FIELDS_BY_NAME.get(name);
    const value = event.dynamicValues[index];
    if (field !== undefined && value !== undefined && !values.has(field)) values.set(field, value);
  }
  return values;
}
