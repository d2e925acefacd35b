/**
 * The answer of a program that knows keys: `{"error":0,"data":{"id":…,"name":…,"ip":…,"key":…}}`, else `{"error":n,"message":…}`.
 *
 * wazuh v4.14.7: src/os_auth/key_request.c.
 */

import { printable } from "#kernel/printable.ts";
import { parseAgentAddress, parseAgentId, parseAgentKey, parseAgentName } from "#model/agent.ts";
import type { EnrolledAgent } from "./reply.ts";

/** As much as one message of the peer holds. */
export const KEY_ANSWER_BYTES_MAX = 65_536;
/** That of the manager itself, however it is written. */
const MANAGER_ID = /^0+$/;

export type KeyAnswer =
  | { readonly kind: "agent"; readonly agent: EnrolledAgent }
  | { readonly kind: "unknown"; readonly message: string }
  | { readonly kind: "invalid"; readonly problem: string };

type JsonObject = Readonly<Record<string, unknown>>;

/** Null for a text that is no JSON (yet): a socket may bring it in pieces. */
export function parseKeyAnswer(text: string): KeyAnswer | null {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isObject(json)) return { kind: "invalid", problem: "it is no object" };
  const { error, message, data } = json;
  if (typeof error !== "number") return { kind: "invalid", problem: "'error' is no number" };
  if (error !== 0) return { kind: "unknown", message: typeof message === "string" ? printable(message) : "" };
  if (!isObject(data)) return { kind: "invalid", problem: "'data' is no object" };
  return agentOf(data);
}

function agentOf(data: JsonObject): KeyAnswer {
  const id = parsed(data["id"], parseAgentId);
  const name = parsed(data["name"], parseAgentName);
  const address = parsed(data["ip"], parseAgentAddress);
  const key = parsed(data["key"], parseAgentKey);
  if (id === null || MANAGER_ID.test(id)) return { kind: "invalid", problem: "'id' is no agent id" };
  if (name === null) return { kind: "invalid", problem: "'name' is no agent name" };
  if (address === null) return { kind: "invalid", problem: "'ip' is no address" };
  if (key === null) return { kind: "invalid", problem: "'key' is no key" };
  return { kind: "agent", agent: { id, name, address, key } };
}

function parsed<T>(value: unknown, parse: (text: string) => T | null): T | null {
  return typeof value === "string" ? parse(value) : null;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
