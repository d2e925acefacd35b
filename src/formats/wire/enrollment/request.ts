/**
 * The request line of an enrollment client:
 * `[OSSEC PASS: <password> ]OSSEC A:'<name>'[ V:'<version>'][ G:'<groups>'][ IP:'<address>|src'][ K:'<sha1>']`.
 *
 * Positional, as the peer reads it: each optional field is tried once where it may stand, and what follows the last one
 * recognised is ignored. The checks that need the registry come after this one (`groups.ts`, `duplicates.ts`).
 */

import { printable } from "#kernel/printable.ts";
import { formatIpAddress, type IpAddress } from "#model/address.ts";
import {
  type AgentAddress,
  type AgentName,
  ANY_ADDRESS,
  parseAgentAddress,
  parseAgentName,
  singleAddress,
} from "#model/agent.ts";
import type { Secret } from "#model/secret.ts";
import { isHigherVersion } from "../agent/version.ts";
import { parseGroupList } from "./groups.ts";
import { errorLine, type LogLine, type Refusal, refusal } from "./outcome.ts";

/** The peer takes a longer value for one that is not closed. */
const ADDRESS_CHARS_MAX = 46;
const KEY_HASH_CHARS_MAX = 40;
const PASSWORD_HEAD = "OSSEC PASS: ";
const NAME_HEAD = "OSSEC A:'";
const SOURCE_ADDRESS = "src";

export type RequestSettings = {
  /** Null: none is wanted, and a request with one is none. */
  readonly password: Secret | null;
  readonly managerVersion: string;
  readonly allowHigherVersions: boolean;
  /** Registers the peer's address when the request names none. */
  readonly useSourceIp: boolean;
};

export type EnrollmentRequest = {
  readonly ok: true;
  readonly name: AgentName;
  readonly version: string | null;
  /** Checked for syntax only; empty: none was asked for. */
  readonly groups: readonly string[];
  readonly address: AgentAddress;
  /** SHA-1 of id, name and key of the key that the agent has already. */
  readonly keyHash: string | null;
  readonly logs: readonly LogLine[];
};

/** Takes the line without its newline, one char a byte. */
export function parseRequest(
  line: string,
  settings: RequestSettings,
  peer: IpAddress,
): EnrollmentRequest | Refusal {
  const from = formatIpAddress(peer);
  const nameAt = settings.password === null ? 0 : afterPassword(line, settings.password);
  if (nameAt === null) {
    const log = errorLine(`Invalid password provided by ${from}. Closing connection.`);
    return refusal("password", "ERROR: Invalid password", log);
  }
  const named = readField(line, nameAt, NAME_HEAD);
  if (named.kind !== "value") {
    const log = errorLine(`Invalid request for new agent from: ${from}`);
    return refusal("request", "ERROR: Invalid request for new agent", log);
  }
  const received: LogLine = {
    level: "info",
    text: `Received request for a new agent (${printable(named.value)}) from: ${from}`,
  };
  const request = parseFields(line, named, settings, peer);
  return { ...request, logs: [received, ...request.logs] };
}

function parseFields(
  line: string,
  named: Value,
  settings: RequestSettings,
  peer: IpAddress,
): EnrollmentRequest | Refusal {
  const from = formatIpAddress(peer);
  const name = parseAgentName(named.value);
  if (name === null) {
    const log = errorLine(`Invalid agent name: ${printable(named.value)} from ${from}`);
    return refusal("name", `ERROR: Invalid agent name: ${named.value}`, log);
  }
  const version = readField(line, named.end, " V:'");
  if (version.kind === "open") return unterminated("version_field", "version");
  const tooHigh = version.kind === "value" && isHigherVersion(version.value, settings.managerVersion);
  if (tooHigh && !settings.allowHigherVersions) {
    const log = errorLine(`Incompatible version for new agent from: ${from}`);
    return refusal("version", "ERROR: Agent version must be lower or equal to manager version", log);
  }
  const groups = readField(line, version.end, " G:'");
  if (groups.kind === "open") return unterminated("group_field", "group");
  const groupList = groups.kind === "value" ? parseGroupList(groups.value) : NO_GROUPS;
  if (!groupList.ok) return groupList;

  const ip = readField(line, groups.end, " IP:'");
  if (ip.kind === "open" || (ip.kind === "value" && !fitsAddressField(ip.value))) {
    return unterminated("address_field", "IP");
  }
  const address = registeredAddress(ip.kind === "value" ? ip.value : null, settings, peer);
  if (address === null) {
    const text = ip.kind === "value" ? ip.value : "";
    return refusal("address", `ERROR: Invalid IP: ${text}`, errorLine(`Invalid IP: '${printable(text)}'`));
  }
  const keyHash = readField(line, ip.end, " K:'");
  if (keyHash.kind === "open" || (keyHash.kind === "value" && keyHash.value.length > KEY_HASH_CHARS_MAX)) {
    return unterminated("key_field", "key");
  }
  return {
    ok: true,
    name,
    version: version.kind === "value" ? version.value : null,
    groups: groupList.groups,
    address,
    keyHash: keyHash.kind === "value" ? keyHash.value : null,
    logs: [],
  };
}

const NO_GROUPS = { ok: true, groups: [] } as const;

/** `end` is where the next field may stand. */
type Value = { readonly kind: "value"; readonly value: string; readonly end: number };
type Field = Value | { readonly kind: "absent" | "open"; readonly end: number };

/** A field begins with its head, quote included, and ends at the next quote. */
function readField(line: string, at: number, head: string): Field {
  if (!line.startsWith(head, at)) return { kind: "absent", end: at };
  const start = at + head.length;
  const quoteAt = line.indexOf("'", start);
  if (quoteAt === -1) return { kind: "open", end: at };
  return { kind: "value", value: line.slice(start, quoteAt), end: quoteAt + 1 };
}

/** Where the request goes on after the right password and a space, or null. */
function afterPassword(line: string, password: Secret): number | null {
  if (!line.startsWith(PASSWORD_HEAD)) return null;
  // A password may hold spaces, so its place is known from the length of the right one.
  const end = PASSWORD_HEAD.length + password.reveal().length;
  const right = password.equals(line.slice(PASSWORD_HEAD.length, end));
  return right && line[end] === " " ? end + 1 : null;
}

function fitsAddressField(value: string): boolean {
  return value.length <= ADDRESS_CHARS_MAX && !value.includes(" ");
}

/** Null: the text is no address. */
function registeredAddress(
  text: string | null,
  settings: RequestSettings,
  peer: IpAddress,
): AgentAddress | null {
  if (text === null) return settings.useSourceIp ? singleAddress(peer) : ANY_ADDRESS;
  return text.startsWith(SOURCE_ADDRESS) ? singleAddress(peer) : parseAgentAddress(text);
}

function unterminated(
  code: "version_field" | "group_field" | "address_field" | "key_field",
  field: string,
): Refusal {
  const text = `Unterminated ${field} field`;
  return refusal(code, `ERROR: ${text}`, errorLine(text));
}
