/**
 * Permissions and attributes of Windows in their three forms: what agents send (numbers before 3.11, JSON after), the text of the
 * fields, `NAME (allowed): READ|WRITE, NAME (denied): …`, and the lists of alert documents
 * (wazuh v4.14.7: src/shared/syscheck_op.c, src/analysisd/decoders/syscheck.c).
 */
import { CJsonObject, type CJsonValue } from "#analysis/plugins/cjson.ts";
import { membersOf } from "./json-members.ts";

/** Names of rights make the text longer than the numbers were: room for a hundred accounts, then the rest is left out. */
const PERMISSIONS_BYTES_MAX = 20_480;

/** Bits of an access mask (Windows: winnt.h). */
const RIGHTS: readonly (readonly [bit: number, name: string])[] = [
  [0x8000_0000, "generic_read"],
  [0x4000_0000, "generic_write"],
  [0x2000_0000, "generic_execute"],
  [0x1000_0000, "generic_all"],
  [0x0001_0000, "delete"],
  [0x0002_0000, "read_control"],
  [0x0004_0000, "write_dac"],
  [0x0008_0000, "write_owner"],
  [0x0010_0000, "synchronize"],
  [0x0001, "read_data"],
  [0x0002, "write_data"],
  [0x0004, "append_data"],
  [0x0008, "read_ea"],
  [0x0010, "write_ea"],
  [0x0020, "execute"],
  [0x0080, "read_attributes"],
  [0x0100, "write_attributes"],
];

/** Bits of a file's attributes (Windows: winnt.h). */
const ATTRIBUTES: readonly (readonly [bit: number, name: string])[] = [
  [0x0000_0020, "ARCHIVE"],
  [0x0000_0800, "COMPRESSED"],
  [0x0000_0040, "DEVICE"],
  [0x0000_0010, "DIRECTORY"],
  [0x0000_4000, "ENCRYPTED"],
  [0x0000_0002, "HIDDEN"],
  [0x0000_8000, "INTEGRITY_STREAM"],
  [0x0000_0080, "NORMAL"],
  [0x0000_2000, "NOT_CONTENT_INDEXED"],
  [0x0002_0000, "NO_SCRUB_DATA"],
  [0x0000_1000, "OFFLINE"],
  [0x0000_0001, "READONLY"],
  [0x0040_0000, "RECALL_ON_DATA_ACCESS"],
  [0x0004_0000, "RECALL_ON_OPEN"],
  [0x0000_0400, "REPARSE_POINT"],
  [0x0000_0200, "SPARSE_FILE"],
  [0x0000_0004, "SYSTEM"],
  [0x0000_0100, "TEMPORARY"],
  [0x0001_0000, "VIRTUAL"],
];

function namesOf(bits: number, table: typeof RIGHTS): string[] {
  return table.filter(([bit]) => (bits & bit) !== 0).map(([, name]) => name);
}

/** `|Administrators,0,2032127|…` as text; null when it is cut short. */
export function permissionsOfMasks(text: string): string | null {
  let shown = "";
  for (const entry of text.split("|").slice(1)) {
    const [account, type, mask] = entry.split(",", 3);
    if (account === undefined || type === undefined || mask === undefined) return null;
    const rights = namesOf(Number.parseInt(mask, 10) | 0, RIGHTS).join("|");
    const part = `${account} (${type.startsWith("0") ? "allowed" : "denied"}):${rights === "" ? "" : ` ${rights}`}`;
    if (shown.length + part.length > PERMISSIONS_BYTES_MAX) return shown;
    shown += shown === "" ? part : `, ${part}`;
  }
  return shown;
}

export function attributesOfBits(bits: number): string {
  return namesOf(bits | 0, ATTRIBUTES).join(", ");
}

/** `{"S-1-5-18":{"name":"SYSTEM","allowed":["delete"]}}` as text; null when it names no access. */
export function permissionsOfJson(accounts: CJsonObject): string | null {
  const parts: string[] = [];
  for (const [index, sid] of accounts.names.entries()) {
    const account = membersOf(accounts.values[index]);
    const name = account.get("name");
    const shownName = typeof name === "string" ? name : sid;
    for (const type of ["allowed", "denied"]) {
      const rights = account.get(type);
      if (rights !== undefined) parts.push(`${shownName} (${type}): ${upperCase(textsOf(rights).join("|"))}`);
    }
  }
  return parts.length === 0 ? null : parts.join(", ");
}

function textsOf(value: CJsonValue): string[] {
  const elements = value instanceof CJsonObject ? value.values : Array.isArray(value) ? value : [];
  return elements.filter((element) => typeof element === "string");
}

/** The JSON list of a document, an object for each account; null when the text is no such permissions. */
export function permissionsJson(text: string): string | null {
  const accounts = new Map<string, Map<string, readonly string[]>>();
  for (const node of nodesOf(text)) {
    const access = readAccess(node);
    if (access === null) return null;
    const known = accounts.get(access.account);
    const types = known ?? new Map<string, readonly string[]>();
    // Accesses of one kind that come in parts: the peer shows what it has so far.
    if (access.type.toLowerCase() === "name" || types.has(access.type)) break;
    types.set(access.type, access.rights);
    accounts.set(access.account, types);
  }
  const objects = [...accounts].map(([account, types]) => {
    const lists = [...types].map(([type, rights]) => `,${JSON.stringify(type)}:${JSON.stringify(rights)}`);
    return `{"name":${JSON.stringify(account)}${lists.join("")}}`;
  });
  return `[${objects.join(",")}]`;
}

function nodesOf(text: string): string[] {
  const nodes = text.split(",");
  if (nodes.at(-1) === "") nodes.pop();
  return nodes;
}

type Access = { readonly account: string; readonly type: string; readonly rights: readonly string[] };

/** One `NAME (type): A|B`. */
function readAccess(node: string): Access | null {
  const found = /^ *([^(]*)\(([^)]*)\)[^ ]* +(.*)$/s.exec(node);
  if (found === null) return null;
  const [, name = "", type = "", rightsText = ""] = found;
  const rights = rightsText.split("|").filter((right) => right !== "");
  if (rights.length === 0) return null;
  const account = name.endsWith(" ") ? name.slice(0, -1) : name;
  return { account, type, rights: rights.map(upperCase) };
}

/** Bytes that are no ASCII stay as they are. */
function upperCase(text: string): string {
  return text.replace(/[a-z]+/g, (letters) => letters.toUpperCase());
}

/** The JSON list of a document. */
export function attributesJson(text: string): string {
  return JSON.stringify(text.split(",").map((attribute) => attribute.replace(/^ +/, "")));
}
