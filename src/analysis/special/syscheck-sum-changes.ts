/** What differs between two sums of a file, as fields and as text (wazuh v4.14.7: src/analysisd/decoders/syscheck.c). */
import { LocalClock } from "#kernel/local-time.ts";
import { shownTime } from "./syscheck-document.ts";
import type { FimField } from "./syscheck-fields.ts";
import type { FimSum } from "./syscheck-sum.ts";

/** The peer's buffers. What is cut there lacks its line end, here too. */
const TEXT_BYTES_MAX = 255;
const ATTRIBUTES_TEXT_BYTES_MAX = 1023;

type Name = "size" | "perm" | "uid" | "gid" | "md5" | "sha1" | "sha256" | "mtime" | "inode" | "attributes";

/** The text has another order than the list of names. */
const TEXT_ORDER: readonly Name[] = [
  "size",
  "perm",
  "uid",
  "gid",
  "md5",
  "sha1",
  "sha256",
  "attributes",
  "mtime",
  "inode",
];

export type SumChange = {
  readonly name: Name;
  readonly text: string;
  readonly before: readonly (readonly [field: FimField, value: string])[];
};

const clock = new LocalClock();

/** In the order in which the event names them. */
export function changesBetween(old: FimSum, now: FimSum): readonly SumChange[] {
  const found = [
    sizeChange(old, now),
    permissionsChange(old, now),
    ownerChange("uid", "Ownership", old, now),
    ownerChange("gid", "Group ownership", old, now),
    digestChange("md5", old, now),
    digestChange("sha1", old, now),
    sha256Change(old, now),
    mtimeChange(old, now),
    inodeChange(old, now),
    attributesChange(old, now),
  ];
  return found.filter((change) => change !== null);
}

export function changesText(changes: readonly SumChange[]): string {
  return TEXT_ORDER.map((name) => changes.find((change) => change.name === name)?.text ?? "").join("");
}

function cut(text: string): string {
  return text.slice(0, TEXT_BYTES_MAX);
}

function sizeChange(old: FimSum, now: FimSum): SumChange | null {
  if (old.size === now.size) return null;
  const text = cut(`Size changed from '${old.size}' to '${now.size}'\n`);
  return { name: "size", text, before: [["size_before", old.size]] };
}

function permissionsChange(old: FimSum, now: FimSum): SumChange | null {
  if (old.mode !== 0 && now.mode !== 0) {
    if (old.mode === now.mode || old.mode < 0 || now.mode < 0) return null;
    const before = modeText(old.mode);
    const text = `Permissions changed from '${before}' to '${modeText(now.mode)}'\n`;
    return { name: "perm", text, before: [["perm_before", before]] };
  }
  if (!old.permissions || !now.permissions || old.permissions === now.permissions) return null;
  return { name: "perm", text: "Permissions changed.\n", before: [["perm_before", old.permissions]] };
}

const SET_USER_ID = 0o4000;
const SET_GROUP_ID = 0o2000;
const STICKY = 0o1000;

/** `rwxr-xr-x`; a special bit takes the place of `x`. */
function modeText(mode: number): string {
  const flag = (bit: number, letter: string) => ((mode & bit) === 0 ? "-" : letter);
  const last = (special: number, letter: string, bit: number) =>
    (mode & special) === 0 ? flag(bit, "x") : letter;
  return [
    flag(0o400, "r") + flag(0o200, "w") + last(SET_USER_ID, "s", 0o100),
    flag(0o040, "r") + flag(0o020, "w") + last(SET_GROUP_ID, "s", 0o010),
    flag(0o004, "r") + flag(0o002, "w") + last(STICKY, "t", 0o001),
  ].join("");
}

function ownerChange(id: "uid" | "gid", what: string, old: FimSum, now: FimSum): SumChange | null {
  if (old[id] === now[id]) return null;
  const name = id === "uid" ? "uname" : "gname";
  const oldName = old[name];
  const newName = now[name];
  if (oldName === null || newName === null) {
    const text = cut(`${what} was '${old[id]}', now it is '${now[id]}'\n`);
    return { name: id, text, before: [[`${id}_before`, old[id]]] };
  }
  const text = cut(`${what} was '${oldName} (${old[id]})', now it is '${newName} (${now[id]})'\n`);
  return {
    name: id,
    text,
    before: [
      [`${name}_before`, oldName],
      [`${id}_before`, old[id]],
    ],
  };
}

function digestChange(name: "md5" | "sha1", old: FimSum, now: FimSum): SumChange | null {
  if (old[name] === "" || now[name] === "" || old[name] === now[name]) return null;
  return { name, ...digestTexts(name, old[name], now[name]) };
}

/** Agents before 3.4 sent none. */
function sha256Change(old: FimSum, now: FimSum): SumChange | null {
  if (now.sha256 === null || now.sha256 === "" || now.sha256 === old.sha256) return null;
  if (old.sha256 !== null) return { name: "sha256", ...digestTexts("sha256", old.sha256, now.sha256) };
  return { name: "sha256", text: cut(`New sha256sum is : '${now.sha256}'\n`), before: [] };
}

function digestTexts(name: "md5" | "sha1" | "sha256", old: string, now: string): Omit<SumChange, "name"> {
  const text = cut(`Old ${name}sum was: '${old}'\nNew ${name}sum is : '${now}'\n`);
  return { text, before: [[`${name}_before`, old]] };
}

function mtimeChange(old: FimSum, now: FimSum): SumChange | null {
  if (old.mtime === "0" || now.mtime === "0" || old.mtime === now.mtime) return null;
  const before = shownTime(old.mtime, clock);
  const text = cut(`Old modification time was: '${before}', now it is '${shownTime(now.mtime, clock)}'\n`);
  return { name: "mtime", text, before: [["mtime_before", old.mtime]] };
}

function inodeChange(old: FimSum, now: FimSum): SumChange | null {
  if (old.inode === "0" || now.inode === "0" || old.inode === now.inode) return null;
  const text = cut(`Old inode was: '${old.inode}', now it is '${now.inode}'\n`);
  return { name: "inode", text, before: [["inode_before", old.inode]] };
}

function attributesChange(old: FimSum, now: FimSum): SumChange | null {
  if (old.attributes === null || now.attributes === null || old.attributes === now.attributes) return null;
  const text = `Old attributes were: '${old.attributes}'\nNow they are '${now.attributes}'\n`;
  const before = [["win_attributes_before", old.attributes]] as const;
  return { name: "attributes", text: text.slice(0, ATTRIBUTES_TEXT_BYTES_MAX), before };
}
