/** Registers an agent that the command line names: what it is must be valid and free, or be given up by who has it. */
import { randomBytes } from "node:crypto";
import type { KeyEntry } from "#formats/client-keys/client-keys.ts";
import {
  admitWithId,
  type ForceSettings,
  type RegisteredAgent,
} from "#formats/wire/enrollment/duplicates.ts";
import type { Refusal } from "#formats/wire/enrollment/outcome.ts";
import { CodedError } from "#kernel/errors.ts";
import {
  type AgentAddress,
  type AgentId,
  type AgentKey,
  type AgentName,
  agentIdOf,
  type GroupName,
  parseAgentAddress,
  parseAgentId,
  parseAgentKey,
  parseAgentName,
} from "#model/agent.ts";
import type { Registry } from "#registry/registry.ts";
import type { Environment } from "../environment.ts";
import { filledId } from "./agent-id.ts";

/** As enrollment makes them: 64 hexadecimal digits. */
const KEY_BYTES = 32;
const MANAGER_ID = agentIdOf(0);

export type WantedAgent = {
  /** Null: the next free one. */
  readonly id: AgentId | null;
  readonly name: AgentName;
  readonly address: AgentAddress;
  readonly key: AgentKey;
  readonly groups: readonly GroupName[];
};

/** Whom a new agent may replace; null: nobody. Times are those that must have passed, in seconds; null: whatever the time. */
export type Replacement = {
  readonly disconnectedSeconds: number | null;
  readonly registeredSeconds: number | null;
} | null;

export function usable<T>(value: T | null, problem: string, code = "argument_invalid"): T {
  if (value === null) throw new CodedError(code, problem);
  return value;
}

export function nameOf(text: string): AgentName {
  const problem = `'${text}' is no agent name: 2 to 128 of A-Z a-z 0-9 . _ -`;
  return usable(parseAgentName(text), problem, "agent_name_invalid");
}

export function addressOf(text: string): AgentAddress {
  return usable(parseAgentAddress(text), `'${text}' is no address or network`, "agent_address_invalid");
}

export function idOf(text: string): AgentId {
  return writtenId(filledId(text));
}

function writtenId(text: string): AgentId {
  const id = usable(parseAgentId(text), `'${text}' is no agent id, such as 001`, "agent_id_invalid");
  return usable(
    Number(id) === Number(MANAGER_ID) ? null : id,
    `'${text}' is the manager itself`,
    "agent_id_invalid",
  );
}

export function newKey(): AgentKey {
  return usable(parseAgentKey(randomBytes(KEY_BYTES).toString("hex")), "no key");
}

function forceOf(replacement: Replacement): ForceSettings {
  const seconds = replacement?.disconnectedSeconds ?? null;
  return {
    enabled: replacement !== null,
    keyMismatch: false,
    disconnectedTime: { enabled: seconds !== null, seconds: seconds ?? 0 },
    afterRegistrationSeconds: replacement?.registeredSeconds ?? 0,
  };
}

function registered(registry: Registry, entry: KeyEntry | null): RegisteredAgent | null {
  if (entry === null) return null;
  const row = registry.agents.find(entry.id);
  const state = row && {
    status: row.status,
    registeredAtSeconds: row.registeredSeconds ?? 0,
    disconnectedAtSeconds: row.disconnectionSeconds,
  };
  return { ...entry, state };
}

function refused(
  { code, logs }: Refusal,
  { id, name, address }: WantedAgent,
  replacement: Replacement,
): CodedError {
  const texts = new Map([
    ["duplicate_id", `An agent with the id '${id}' exists already`],
    ["duplicate_name", `An agent '${name}' exists already`],
    ["duplicate_address", `An agent with the address '${address.text}' exists already`],
  ]);
  const reason = replacement === null ? "" : `: ${logs.map(({ text }) => text).join(" ")}`;
  return new CodedError(
    `agent_${code}`,
    `${texts.get(code) ?? `'${name}' is the manager's own name`}${reason}`,
  );
}

/** Throws a `CodedError` that says who has what the agent needs. */
export async function registerAgent(
  { clock, hostname, stderr }: Environment,
  registry: Registry,
  wanted: WantedAgent,
  replacement: Replacement,
): Promise<KeyEntry> {
  const { id, name, address } = wanted;
  const { keys } = registry;
  const { removals, refusal } = admitWithId(
    { name, address, keyHash: null },
    {
      byId: registered(registry, id === null ? null : keys.byId(id)),
      byAddress: registered(registry, keys.byAddress(address)),
      byName: registered(registry, keys.byName(name)),
      managerHostName: hostname,
    },
    forceOf(replacement),
    Math.floor(clock.wallMs() / 1000),
  );
  if (refusal !== null) throw refused(refusal, wanted, replacement);
  const gone = registry.remove(
    removals.map((agent) => agent.id),
    // An id stands in client.keys once.
    { purge: removals.some((agent) => agent.id === id) },
  );
  const [entry] = await Promise.all([registry.register(wanted), gone]);
  if (!registry.settled) {
    const advice = "the manager makes its entry later; groups must be assigned then";
    stderr.write(`cyb3rhq: agent '${entry.id}' has its key, but the registry is busy: ${advice}\n`);
  }
  return entry;
}

/** Of the text that `agents key` prints: the line of client.keys in base64. */
export function parseExportedKey(exported: string): WantedAgent {
  const line = Buffer.from(exported.trim(), "base64").toString("latin1");
  const [id = "", name = "", address = "", key = "", ...rest] = line.trimEnd().split(" ");
  const parsed = parseAgentKey(key);
  if (parsed === null || rest.length > 0)
    throw new CodedError(
      "agent_key_invalid",
      "This is no agent's key: 'cyb3rhq agents key' and manage_agents print one",
    );
  return { id: writtenId(id), name: nameOf(name), address: addressOf(address), key: parsed, groups: [] };
}
