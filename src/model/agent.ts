/** The nouns of an agent: id, name, key, address, group, connection status. Each brand is made by its parser only. */
import assert from "node:assert/strict";
import type { Brand } from "#kernel/brand.ts";
import {
  formatIpAddress,
  type IpAddress,
  networkContains,
  parseIpAddress,
  parseIpNetwork,
  sameAddress,
} from "./address.ts";
import { Secret } from "./secret.ts";

/** Digits as they are written: ids compare as text, `001` is not `1`. */
export type AgentId = Brand<string, "AgentId">;
export type AgentName = Brand<string, "AgentName">;
/** Prints as `****`; `reveal()` gives the text, `equals()` compares in constant time. */
export type AgentKey = Brand<Secret, "AgentKey">;
export type GroupName = Brand<string, "GroupName">;

/** The agent takes no longer id from the answer to its enrollment. */
const AGENT_ID = /^[0-9]{1,8}$/;
export const AGENT_ID_NUMBER_MAX = 99_999_999;
/** The peer pads to three digits and goes on with more: 001, 999, 1000. */
const AGENT_ID_DIGITS_MIN = 3;
/** No leading dot: names become folders, and `..` once deleted the manager's own. */
const AGENT_NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]{1,127}$/;
/** The peer reads key file fields of up to 127 characters. Visible ASCII: a key stands between spaces and quotes. */
const AGENT_KEY = /^[!-~]{1,127}$/;
const GROUP_NAME = /^[A-Za-z0-9_.-]{1,255}$/;

export function parseAgentId(text: string): AgentId | null {
  return AGENT_ID.test(text) ? (text as AgentId) : null;
}

export function agentIdOf(idNumber: number): AgentId {
  assert(Number.isInteger(idNumber), `agent id ${idNumber}`);
  assert(idNumber >= 0 && idNumber <= AGENT_ID_NUMBER_MAX, `agent id ${idNumber}`);
  return String(idNumber).padStart(AGENT_ID_DIGITS_MIN, "0") as AgentId;
}

export function parseAgentName(text: string): AgentName | null {
  return AGENT_NAME.test(text) ? (text as AgentName) : null;
}

export function parseAgentKey(text: string): AgentKey | null {
  return AGENT_KEY.test(text) ? (new Secret(text) as AgentKey) : null;
}

/** A group is a folder of the manager, so a name that means another folder is none. */
export function parseGroupName(text: string): GroupName | null {
  if (text === "." || text === "..") return null;
  return GROUP_NAME.test(text) ? (text as GroupName) : null;
}

/** Where an agent may connect from. `text` is the form that client.keys and the protocol hold. */
export type AgentAddress =
  | { readonly kind: "any"; readonly text: "any" }
  | { readonly kind: "single"; readonly text: string; readonly address: IpAddress }
  | {
      readonly kind: "network";
      readonly text: string;
      readonly address: IpAddress;
      readonly prefixBits: number;
    };

/** One shared value: most agents have it. */
export const ANY_ADDRESS: AgentAddress = { kind: "any", text: "any" };

/** `any`, an address, `address/prefix` or `address/mask`; a mask becomes its prefix. */
export function parseAgentAddress(text: string): AgentAddress | null {
  if (text === "any") return ANY_ADDRESS;
  const address = parseIpAddress(text);
  if (address !== null) return singleAddress(address);
  const network = parseIpNetwork(text);
  if (network === null) return null;
  return { kind: "network", text: `${formatIpAddress(network.address)}/${network.prefixBits}`, ...network };
}

export function singleAddress(address: IpAddress): AgentAddress {
  return { kind: "single", text: formatIpAddress(address), address };
}

export function addressMatches(allowed: AgentAddress, peer: IpAddress): boolean {
  switch (allowed.kind) {
    case "any":
      return true;
    case "single":
      return sameAddress(allowed.address, peer);
    case "network":
      return networkContains(allowed, peer);
  }
}

/** Whom a key is wanted for: an id that nobody has, or an address that no agent is registered with. */
export type KeyWish =
  | { readonly kind: "id"; readonly id: AgentId }
  | { readonly kind: "ip"; readonly address: IpAddress };

/** As programs that know keys are asked, `id` or `ip` before it. */
export function keyWishText(wish: KeyWish): string {
  return wish.kind === "id" ? wish.id : formatIpAddress(wish.address);
}

export const CONNECTION_STATUSES = ["never_connected", "pending", "active", "disconnected"] as const;
export type ConnectionStatus = (typeof CONNECTION_STATUSES)[number];

export function parseConnectionStatus(text: string): ConnectionStatus | null {
  return CONNECTION_STATUSES.find((status) => status === text) ?? null;
}
