/**
 * Queue `d`: what changed in an agent's inventory, `{"type":"dbsync_packages","operation":"INSERTED","data":{…}}`, and the whole
 * scans that agents before 4.2 send.
 *
 * It sets the fields that rules and alerts see. It keeps no inventory.
 */
import { fixedText } from "#analysis/plugins/c-number.ts";
import { CJsonObject, type CJsonValue, isInt32, parseCJson } from "#analysis/plugins/cjson.ts";
import { prettyCJsonWithin } from "#analysis/plugins/cjson-print.ts";
import type { Event } from "../event.ts";
import { type JsonMembers, membersOf } from "./json-members.ts";
import { isFromModule, type SpecialDecoder, type SpecialResult } from "./special.ts";
import {
  DECIMAL_FIELDS,
  DELTA_TABLES,
  type InventoryTable,
  SCAN_ENDS,
  SCAN_MESSAGES,
  type ScanMessage,
} from "./syscollector-tables.ts";

const DECODER_NAME = "syscollector";
const DELTA_PREFIX = "dbsync_";

/** Arguments of a process or addresses of an interface as text: the size of the peer's messages (OS_MAXSTR). */
const LIST_CHARS_MAX = 65_536;

const INT_MAX = 2_147_483_647;
const INT_MIN = -2_147_483_648;

const SEEN: SpecialResult = { kind: "event", decoderName: DECODER_NAME };

function nothing(reason: string): SpecialResult {
  return { kind: "nothing", reason, error: null };
}

export class SyscollectorDecoder implements SpecialDecoder {
  decode(event: Event): SpecialResult {
    if (!isFromModule(event.location, "syscollector")) return nothing("other_location");
    const parsed = parseCJson(event.log);
    if (parsed === null) return nothing("malformed");
    const message = membersOf(parsed.value);
    const type = message.get("type");
    if (typeof type !== "string") return nothing("no_type");
    if (type.startsWith(DELTA_PREFIX)) return decodeDelta(event, type, message);
    return decodeScan(event, type, message);
  }
}

function decodeDelta(event: Event, type: string, message: JsonMembers): SpecialResult {
  const name = type.slice(DELTA_PREFIX.length);
  const table = DELTA_TABLES.get(name);
  if (table === undefined) return nothing("unknown_type");
  const operation = message.get("operation");
  const row = rowOf(message, "data");
  if (typeof operation !== "string" || row === null) return nothing("incomplete");

  event.addDynamic("type", type);
  for (const { column, field } of table) {
    const value = row.get(column);
    const isProtocol = field === "netinfo.addr.proto" && typeof value === "number";
    // Empty ones too: they take a place in the table of fields.
    event.addDynamic(field, isProtocol ? protocolName(value) : (deltaText(value) ?? ""));
  }
  event.addDynamic("operation_type", operation);
  return SEEN;
}

function protocolName(protocol: number): string {
  return Math.trunc(protocol) === 0 ? "ipv4" : "ipv6";
}

function decodeScan(event: Event, type: string, message: JsonMembers): SpecialResult {
  const scan = SCAN_MESSAGES.get(type);
  if (scan === undefined && !SCAN_ENDS.has(type)) return nothing("unknown_type");
  const needsScanId = scan === undefined || scan.needsScanId;
  if (needsScanId && typeof message.get("id") !== "number") return nothing("incomplete");
  if (scan === undefined) {
    event.addDynamic("type", type);
    return SEEN;
  }
  const row = scan.member === null ? message : rowOf(message, scan.member);
  if (row === null && type === "network") return nothing("incomplete");
  event.addDynamic("type", type);
  if (row !== null) addRow(event, scan, row);
  return SEEN;
}

function addRow(event: Event, { table, member }: ScanMessage, row: JsonMembers): void {
  addColumns(event, table, row);
  if (member !== "iface") return;
  addAddresses(event, "netinfo.iface.ipv4.", membersOf(row.get("ipv4")));
  addAddresses(event, "netinfo.iface.ipv6.", membersOf(row.get("ipv6")));
}

function addColumns(event: Event, table: InventoryTable, row: JsonMembers): void {
  for (const { column, field } of table) {
    const text = scanText(field, row.get(column));
    if (text !== null) event.addDynamic(field, text);
  }
}

const ADDRESS_COLUMNS = ["gateway", "dhcp", "metric"] as const;
const ADDRESS_LISTS = ["address", "netmask", "broadcast"] as const;

function addAddresses(event: Event, prefix: string, addresses: JsonMembers): void {
  for (const name of ADDRESS_COLUMNS) {
    const text = scanText(prefix + name, addresses.get(name));
    if (text !== null) event.addDynamic(prefix + name, text);
  }
  for (const name of ADDRESS_LISTS) {
    const text = listText(addresses.get(name));
    if (text !== null) event.addDynamic(prefix + name, text);
  }
}

/** The object of that name; null when there is none. */
function rowOf(message: JsonMembers, name: string): JsonMembers | null {
  const value = message.get(name);
  return value instanceof CJsonObject ? membersOf(value) : null;
}

/** Null for what is neither text nor number. */
function deltaText(value: CJsonValue | undefined): string | null {
  if (typeof value === "string") return value;
  if (typeof value !== "number") return null;
  return isInt32(value) ? wholeText(value) : fixedText(value);
}

/** Null when the field is left out. */
function scanText(field: string, value: CJsonValue | undefined): string | null {
  if (typeof value === "string") return value;
  if (typeof value === "number") return DECIMAL_FIELDS.has(field) ? fixedText(value) : wholeText(value);
  return listText(value);
}

/** A list goes into the document as one. Null when it is none, or too long. */
function listText(value: CJsonValue | undefined): string | null {
  return Array.isArray(value) ? prettyCJsonWithin(value, LIST_CHARS_MAX) : null;
}

/** `%d` of the 32-bit number that cJSON keeps beside the real one. */
function wholeText(value: number): string {
  const whole = Math.trunc(Math.min(Math.max(value, INT_MIN), INT_MAX));
  return String(whole === 0 ? 0 : whole);
}
