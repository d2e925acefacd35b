/** The text of a file integrity event, for people and for rules that match it (wazuh v4.14.7: src/analysisd/decoders/syscheck.c). */
import { CJsonObject, parseCJson } from "#analysis/plugins/cjson.ts";
import type { ChangingFimField, FimChange, FimField, FimValues } from "./syscheck-fields.ts";

export type FimKind = "file" | "registry_key" | "registry_value";

/** The peer's buffers. What is cut there lacks its line end, here too. */
const CHANGE_BYTES_MAX = 256;
const LIST_BYTES_MAX = 255;
const PATH_BYTES_MAX = 756;
const TEXT_BYTES_MAX = 65_535;

/** Of a path that is too long: the start (less for the architecture in front of it) and the end are shown. */
const PATH_START_BYTES = 719;
const KEY_START_BYTES = 713;
const KEY_AND_VALUE_START_BYTES = 751;
const PATH_END_BYTES = 30;
/** `[x64] `, which the peer counts for the path of a key. */
const ARCH_BYTES = 6;

/** What C's printf shows for a text that is missing. */
const MISSING = "(null)";

const CHANGES: readonly (readonly [field: ChangingFimField, before: string, between: string])[] = [
  ["size", "Size changed from '", "' to '"],
  ["perm", "Permissions changed from '", "' to '"],
  ["uid", "Ownership was '", "', now it is '"],
  ["uname", "User name was '", "', now it is '"],
  ["gid", "Group ownership was '", "', now it is '"],
  ["gname", "Group name was '", "', now it is '"],
  ["mtime", "Old modification time was: '", "', now it is '"],
  ["inode", "Old inode was: '", "', now it is '"],
  ["md5", "Old md5sum was: '", "'\nNew md5sum is : '"],
  ["sha1", "Old sha1sum was: '", "'\nNew sha1sum is : '"],
  ["sha256", "Old sha256sum was: '", "'\nNew sha256sum is : '"],
  ["win_attributes", "Old attributes were: '", "'\nNow they are '"],
];

export function fimText(kind: FimKind, change: FimChange, values: FimValues): string {
  let text = `${shownEntry(kind, values)} ${change}\n`;
  const hardLinks = values.get("hard_links");
  if (hardLinks !== undefined) text += `Hard links: ${linksText(hardLinks)}\n`.slice(0, LIST_BYTES_MAX);
  text += `Mode: ${values.get("mode") ?? MISSING}\n`;
  const changed = values.get("changed_fields");
  if (changed !== undefined) text += `Changed attributes: ${changed}\n`.slice(0, LIST_BYTES_MAX);
  if (change === "modified") text += changesText(values);
  return text.slice(0, TEXT_BYTES_MAX);
}

function changesText(values: FimValues): string {
  let text = "";
  for (const [field, before, between] of CHANGES) {
    const beforeField: FimField = `${field}_before`;
    const old = values.get(beforeField) ?? "";
    const now = values.get(field) ?? "";
    if (old === now) continue;
    const line = `${before}${old}${between}${now}'\n`;
    if (field === "perm" && line.length > CHANGE_BYTES_MAX) text += "Permissions changed.\n";
    else text += line.slice(0, CHANGE_BYTES_MAX);
  }
  return text;
}

/** `list` is JSON. */
function linksText(list: string): string {
  const parsed = parseCJson(list);
  const value = parsed === null ? null : parsed.value;
  const elements = value instanceof CJsonObject ? value.values : Array.isArray(value) ? value : [];
  const links = elements.filter((element) => typeof element === "string");
  return links.length === 0 ? MISSING : links.join(",");
}

function shownEntry(kind: FimKind, values: FimValues): string {
  const path = values.get("file") ?? MISSING;
  const arch = values.get("arch") ?? MISSING;
  switch (kind) {
    case "file":
      return `File '${filePath(path)}'`;
    case "registry_key":
      return `Registry Key '${keyPath(arch, path)}'`;
    case "registry_value":
      return `Registry Value '${valuePath(arch, path, values.get("value_name") ?? MISSING)}'`;
    default:
      return kind satisfies never;
  }
}

function filePath(path: string): string {
  if (path.length <= PATH_BYTES_MAX) return path;
  return `${path.slice(0, PATH_START_BYTES)} [...] ${path.slice(-PATH_END_BYTES)}`;
}

function keyPath(arch: string, path: string): string {
  const isLong = ARCH_BYTES + path.length > PATH_BYTES_MAX;
  // The peer counts the architecture into the length, and so shows less of the end.
  const shown = isLong
    ? `${path.slice(0, KEY_START_BYTES)} [...] ${path.slice(ARCH_BYTES - PATH_END_BYTES)}`
    : path;
  return `${arch} ${shown}`.slice(0, PATH_BYTES_MAX);
}

function valuePath(arch: string, path: string, valueName: string): string {
  const isLong = ARCH_BYTES + path.length + valueName.length > PATH_BYTES_MAX;
  const start = Math.max(0, KEY_AND_VALUE_START_BYTES - valueName.length);
  const shown = isLong ? `${path.slice(0, start)} [...] ` : path;
  return `${arch} ${shown}\\${valueName}`.slice(0, PATH_BYTES_MAX);
}
