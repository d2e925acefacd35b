/**
 * What agents before 3.11 say of a file, one text: `size:perm:uid:gid:md5:sha1[:uname:gname:mtime:inode[:sha256[:attributes]]]`, and
 * who changed it (wazuh v4.14.7: src/shared/syscheck_op.c). A backslash hides a separator.
 */
import type { FimField, FimValues } from "./syscheck-fields.ts";
import { attributesOfBits, permissionsOfMasks } from "./syscheck-permissions.ts";

/** In place of a sum: the file is gone. */
const DELETED = "-1";

export type FimSum = {
  readonly size: string;
  /** Mode of Unix; 0 when there is none. */
  readonly mode: number;
  /** Windows; null on Unix. */
  readonly permissions: string | null;
  readonly uid: string;
  readonly gid: string;
  readonly md5: string;
  readonly sha1: string;
  readonly uname: string | null;
  readonly gname: string | null;
  /** Decimal; "0" when there is none. */
  readonly mtime: string;
  readonly inode: string;
  readonly sha256: string | null;
  readonly attributes: string | null;
};

/** Null when the text is no sum. */
export function readSum(text: string): FimSum | "deleted" | null {
  if (text.startsWith(DELETED)) return "deleted";
  const sizeEnd = text.indexOf(":");
  if (sizeEnd < 0) return null;
  const permissionsEnd = unescapedIndex(text, ":", sizeEnd + 1);
  if (permissionsEnd < 0) return null;
  const permissionsText = text.slice(sizeEnd + 1, permissionsEnd);
  const [uid, gid, md5, sha1, uname, gname, mtime, inode, sha256, ...rest] = text
    .slice(permissionsEnd + 1)
    .split(":");
  if (uid === undefined || gid === undefined || md5 === undefined || sha1 === undefined) return null;
  const named = uname !== undefined;
  if (named && inode === undefined) return null;
  return {
    size: text.slice(0, sizeEnd),
    ...permissionsOf(permissionsText),
    uid,
    gid,
    md5,
    sha1,
    uname: uname?.replaceAll("\\", "") ?? null,
    gname: gname ?? null,
    mtime: decimalOf(mtime),
    inode: decimalOf(inode),
    sha256: sha256 ?? null,
    attributes: rest.length === 0 ? null : attributesOf(rest.join(":")),
  };
}

function permissionsOf(text: string): Pick<FimSum, "mode" | "permissions"> {
  if (text.startsWith("|")) return { mode: 0, permissions: permissionsOfMasks(withoutEscapes(text)) };
  if (/^\d/.test(text)) return { mode: Number.parseInt(text, 10) | 0, permissions: null };
  return { mode: 0, permissions: text };
}

function attributesOf(text: string): string {
  return /^\d/.test(text) ? attributesOfBits(Number.parseInt(text, 10)) : text;
}

/** More digits than any number of the peer's has. */
const DIGITS_MAX = 20;

/** The number at the start of the text, without what is written differently and means the same. */
function decimalOf(text: string | undefined): string {
  const digits = /^\s*([+-]?\d+)/.exec(text ?? "")?.[1] ?? "0";
  return String(BigInt(digits.replace("+", "").slice(0, DIGITS_MAX)));
}

export type FimWho = {
  readonly values: FimValues;
  /** The agent only brings the store up to date. */
  readonly silent: boolean;
};

/** In the order of the text. The first eleven are always there. */
const WHO_FIELDS = [
  "user_id",
  "user_name",
  "group_id",
  "group_name",
  "process_name",
  "audit_uid",
  "audit_name",
  "effective_uid",
  "effective_name",
  "ppid",
  "process_id",
  "tag",
  "symbolic_path",
] as const;
const WHO_FIELDS_MIN = 11;
const ESCAPED_FIELDS: ReadonlySet<FimField> = new Set(["user_name", "process_name", "symbolic_path"]);

/** Null when fields are missing. */
export function readWho(text: string): FimWho | null {
  const parts = splitUnescaped(text);
  if (parts.length < WHO_FIELDS_MIN) return null;
  const values = new Map<FimField, string>();
  for (const [index, field] of WHO_FIELDS.entries()) {
    const part = parts[index];
    if (part === undefined || (field === "ppid" && part.startsWith("-"))) continue;
    if (!ESCAPED_FIELDS.has(field)) values.set(field, part);
    else if (part !== "") values.set(field, withoutEscapes(part));
  }
  return { values, silent: parts[WHO_FIELDS.length]?.startsWith("+") ?? false };
}

function withoutEscapes(text: string): string {
  return text.replaceAll("\\ ", " ").replaceAll("\\!", "!").replaceAll("\\:", ":");
}

/** Where the first separator is that no backslash hides; -1 when there is none. */
export function unescapedIndex(text: string, separator: string, from = 0): number {
  for (let at = from; at < text.length; at++) {
    if (text[at] === separator) return at;
    if (text[at] === "\\") at++;
  }
  return -1;
}

function splitUnescaped(text: string): string[] {
  const parts: string[] = [];
  let from = 0;
  for (let end = unescapedIndex(text, ":"); end >= 0; end = unescapedIndex(text, ":", from)) {
    parts.push(text.slice(from, end));
    from = end + 1;
  }
  parts.push(text.slice(from));
  return parts;
}
