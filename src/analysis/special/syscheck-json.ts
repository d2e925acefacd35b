/**
 * File integrity events of agents since 3.11: `{"type":"event","data":{"path":…,"type":"modified","attributes":{…},…}}`
 * (wazuh v4.14.7: src/analysisd/decoders/syscheck.c).
 *
 * They name what changed themselves, so nothing is kept between them. Names of members compare exactly and the last of equal ones
 * counts, but for `type`.
 */

import { CJsonObject, type CJsonValue, parseCJson } from "#analysis/plugins/cjson.ts";
import { printCJson } from "#analysis/plugins/cjson-print.ts";
import { printable } from "#kernel/printable.ts";
import type { Event } from "../event.ts";
import { membersOf } from "./json-members.ts";
import type { SpecialResult } from "./special.ts";
import { type FimKind, fimText } from "./syscheck-change-text.ts";
import {
  type ChangingFimField,
  type FimChange,
  type FimField,
  type FimValues,
  setFimValues,
} from "./syscheck-fields.ts";
import { permissionsOfJson } from "./syscheck-permissions.ts";

/** From this version on an event of the registry carries the key of its row. */
const REGISTRY_INDEX_VERSION = 3;
/** The line for the log shows so much of a message that is no event. */
const SHOWN_MESSAGE_BYTES_MAX = 1024;

const DATA_TEXTS: ReadonlyMap<string, FimField> = new Map([
  ["path", "file"],
  ["mode", "mode"],
  ["type", "event_type"],
  ["tags", "tag"],
  ["content_changes", "changed_content"],
  ["arch", "arch"],
  ["value_name", "value_name"],
  ["index", "hash_full_path"],
]);

const ATTRIBUTE_TEXTS: ReadonlyMap<string, ChangingFimField> = new Map([
  ["perm", "perm"],
  ["user_name", "uname"],
  ["group_name", "gname"],
  ["uid", "uid"],
  ["gid", "gid"],
  ["inode", "inode"],
  ["hash_md5", "md5"],
  ["hash_sha1", "sha1"],
  ["hash_sha256", "sha256"],
  ["attributes", "win_attributes"],
]);

const ATTRIBUTE_NUMBERS: ReadonlyMap<string, ChangingFimField> = new Map([
  ["size", "size"],
  ["inode", "inode"],
  ["mtime", "mtime"],
]);

const AUDIT_TEXTS: ReadonlyMap<string, FimField> = new Map([
  ["user_id", "user_id"],
  ["user_name", "user_name"],
  ["group_id", "group_id"],
  ["group_name", "group_name"],
  ["process_name", "process_name"],
  ["parent_name", "parent_name"],
  ["cwd", "cwd"],
  ["parent_cwd", "parent_cwd"],
  ["audit_uid", "audit_uid"],
  ["audit_name", "audit_name"],
  ["effective_uid", "effective_uid"],
  ["effective_name", "effective_name"],
]);

const AUDIT_NUMBERS: ReadonlyMap<string, FimField> = new Map([
  ["ppid", "ppid"],
  ["process_id", "process_id"],
]);

const FILE_DECODERS: DecoderNames = {
  added: "syscheck_new_entry",
  modified: "syscheck_integrity_changed",
  deleted: "syscheck_deleted",
};

type DecoderNames = Readonly<Record<FimChange, string>>;

/** By `type` of the attributes. */
const KINDS: ReadonlyMap<string, { readonly kind: FimKind; readonly decoders: DecoderNames }> = new Map([
  ["file", { kind: "file", decoders: FILE_DECODERS }],
  ["registry", { kind: "file", decoders: FILE_DECODERS }],
  ["registry_key", { kind: "registry_key", decoders: registryDecoders("key") }],
  ["registry_value", { kind: "registry_value", decoders: registryDecoders("value") }],
]);

function registryDecoders(what: "key" | "value"): DecoderNames {
  const name = (change: FimChange) => `syscheck_registry_${what}_${change}`;
  return { added: name("added"), modified: name("modified"), deleted: name("deleted") };
}

type Reading = {
  readonly kind: FimKind;
  readonly change: FimChange;
  readonly decoderName: string;
  readonly values: FimValues;
};

export function decodeFimJson(event: Event): SpecialResult {
  const parsed = parseCJson(event.log);
  if (parsed === null) return { kind: "nothing", reason: "malformed", error: "Malformed FIM JSON event" };
  const message = membersOf(parsed.value);
  const type = message.get("type");
  const data = message.get("data");
  if (typeof type !== "string" || data === undefined) {
    return { kind: "nothing", reason: "invalid", error: "Invalid FIM event" };
  }
  if (type === "scan_start" || type === "scan_end") return { kind: "nothing", reason: "scan", error: null };
  if (type !== "event") return { kind: "nothing", reason: "unknown_type", error: null };
  const reading = data instanceof CJsonObject ? readChange(data) : null;
  if (reading === null) {
    const error = `Can't generate fim alert for event: '${printable(event.log, SHOWN_MESSAGE_BYTES_MAX)}'`;
    return { kind: "nothing", reason: "invalid", error };
  }
  setFimValues(event, reading.values);
  event.fullLog = fimText(reading.kind, reading.change, reading.values);
  return { kind: "event", decoderName: reading.decoderName };
}

/** Null when it is no event. */
function readChange(data: CJsonObject): Reading | null {
  const values = new Map<FimField, string>();
  const parts = new Map<string, CJsonObject>();
  let version = 0;
  for (const [index, name] of data.names.entries()) {
    const value = data.values[index];
    if (typeof value === "string") setText(values, DATA_TEXTS.get(name), value);
    else if (value instanceof CJsonObject) parts.set(name, value);
    else if (Array.isArray(value)) readList(values, name, value);
    else if (typeof value === "number" && name === "version") version = value;
  }
  const attributes = parts.get("attributes");
  const entryType = membersOf(attributes).get("type");
  const entry = typeof entryType === "string" ? KINDS.get(entryType) : undefined;
  const change = changeOf(values.get("event_type"));
  if (typeof entryType !== "string" || entry === undefined || change === null || !values.has("file"))
    return null;
  const needsIndex = entry.kind !== "file" && version >= REGISTRY_INDEX_VERSION;
  if (needsIndex && !values.has("hash_full_path")) return null;

  values.set("entry_type", entryType);
  if (attributes !== undefined) readAttributes(values, attributes, true);
  const oldAttributes = parts.get("old_attributes");
  if (oldAttributes !== undefined) readAttributes(values, oldAttributes, false);
  const audit = parts.get("audit");
  if (audit !== undefined) readAudit(values, audit);
  return { kind: entry.kind, change, decoderName: entry.decoders[change], values };
}

function changeOf(type: string | undefined): FimChange | null {
  return type === "added" || type === "modified" || type === "deleted" ? type : null;
}

function setText(values: Map<FimField, string>, field: FimField | undefined, value: string): void {
  if (field !== undefined) values.set(field, value);
}

function readList(values: Map<FimField, string>, name: string, elements: CJsonValue[]): void {
  if (name === "hard_links") values.set("hard_links", printCJson(elements));
  if (name !== "changed_attributes") return;
  const earlier = values.get("changed_fields");
  const texts = elements.filter((element) => typeof element === "string");
  const all = earlier === undefined ? texts : [earlier, ...texts];
  if (all.length > 0) values.set("changed_fields", all.join(","));
}

function readAttributes(values: Map<FimField, string>, attributes: CJsonObject, isNew: boolean): void {
  const fieldOf = (field: ChangingFimField | undefined): FimField | undefined =>
    field === undefined || isNew ? field : `${field}_before`;
  for (const [index, name] of attributes.names.entries()) {
    const value = attributes.values[index];
    if (typeof value === "number") {
      setText(values, fieldOf(ATTRIBUTE_NUMBERS.get(name)), longText(value));
    } else if (typeof value === "string") {
      setText(values, fieldOf(ATTRIBUTE_TEXTS.get(name)), value);
      if (name === "value_type") values.set("value_type", value);
      if (name === "symlink_path" && isNew) values.set("symbolic_path", value);
    } else if (value instanceof CJsonObject && name === "perm") {
      const permissions = permissionsOfJson(value);
      if (permissions !== null) setText(values, fieldOf("perm"), permissions);
    }
  }
}

function readAudit(values: Map<FimField, string>, audit: CJsonObject): void {
  for (const [index, name] of audit.names.entries()) {
    const value = audit.values[index];
    if (typeof value === "string") setText(values, AUDIT_TEXTS.get(name), value);
    else if (typeof value === "number") setText(values, AUDIT_NUMBERS.get(name), longText(value));
  }
}

const LONG_LIMIT = 2 ** 63;
/** What the peer's processors make of a number that is too large. */
const LONG_OUT_OF_RANGE = "-9223372036854775808";

/** `%ld` of the number as a C `long`. */
export function longText(value: number): string {
  if (!(Math.abs(value) < LONG_LIMIT)) return LONG_OUT_OF_RANGE;
  const whole = Math.trunc(value);
  return Number.isSafeInteger(whole) ? String(whole === 0 ? 0 : whole) : BigInt(whole).toString();
}
