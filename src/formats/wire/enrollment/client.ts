/**
 * The agent's side of an enrollment: the request that it sends and what the manager's answer says. Pure; connection, certificates and
 * files are the caller's. wazuh v4.14.7: src/shared/enrollment_op.c.
 */
import { createHash } from "node:crypto";
import type { KeyEntry } from "#formats/client-keys/client-keys.ts";
import {
  type AgentName,
  parseAgentAddress,
  parseAgentId,
  parseAgentKey,
  parseAgentName,
} from "#model/agent.ts";
import type { Secret } from "#model/secret.ts";

/** What an agent reads of an answer; a refusal repeats at most a line of its request. */
export const ANSWER_BYTES_MAX = 65_536;

export type ClientRequest = {
  readonly password: Secret | null;
  readonly name: AgentName;
  readonly version: string;
  /** As configured, with commas; null: none. */
  readonly groups: string | null;
  /** An address, `src` for the connection's own, or null. */
  readonly address: string | null;
  /** The key that the agent has already. */
  readonly known: KeyEntry | null;
};

/** With its newline. Holds the password in clear: for the TLS stream only. */
export function encodeRequest({ password, name, version, groups, address, known }: ClientRequest): Buffer {
  const parts = [
    ...(password === null ? [] : [`OSSEC PASS: ${password.reveal()}`]),
    `OSSEC A:'${name}'`,
    `V:'${version}'`,
    ...(groups === null ? [] : [`G:'${groups}'`]),
    ...(address === null ? [] : [`IP:'${address}'`]),
    ...(known === null ? [] : [`K:'${keyHash(known)}'`]),
  ];
  return Buffer.from(`${parts.join(" ")}\n`, "latin1");
}

function keyHash({ id, name, key }: KeyEntry): string {
  return createHash("sha1").update(`${id}${name}${key.reveal()}`, "latin1").digest("hex");
}

/** The host's name without what no agent's name may hold. */
export function nameOfHost(hostname: string): AgentName | null {
  return parseAgentName(hostname.replace(/[^A-Za-z0-9_.-]/g, ""));
}

export type Answer =
  | { readonly kind: "key"; readonly entry: KeyEntry }
  /** The manager's text without its mark. */
  | { readonly kind: "refused"; readonly text: string }
  /** Not four fields, or a field that no agent may have. */
  | { readonly kind: "malformed"; readonly log: string }
  | { readonly kind: "nothing" };

const KEY_HEAD = "OSSEC K:'";
const ERROR_HEAD = "ERROR: ";

/** Takes everything up to the end of the connection. */
export function parseAnswer(bytes: Buffer): Answer {
  const text = bytes.toString("latin1", 0, ANSWER_BYTES_MAX);
  if (text.startsWith(ERROR_HEAD)) return { kind: "refused", text: text.slice(ERROR_HEAD.length).trimEnd() };
  if (!text.startsWith(KEY_HEAD)) return { kind: "nothing" };
  const end = text.indexOf("'", KEY_HEAD.length);
  const fields = text.slice(KEY_HEAD.length, end).split(" ");
  if (end === -1 || fields.length !== 4) return { kind: "malformed", log: "Invalid keys format received." };
  const [idText = "", nameText = "", addressText = "", keyText = ""] = fields;
  const id = parseAgentId(idText);
  const name = parseAgentName(nameText);
  const address = parseAgentAddress(addressText);
  // The peer holds keys to the rule of names.
  const key = parseAgentName(keyText) === null ? null : parseAgentKey(keyText);
  if (id === null || name === null || address === null || key === null) {
    const log = "One of the received key parameters does not have a valid format";
    return { kind: "malformed", log };
  }
  return { kind: "key", entry: { id, name, address, key } };
}
