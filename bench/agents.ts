/** Agents for the benchmarks of the connection service, by their number. */
import assert from "node:assert/strict";
import type { AgentEntry } from "#connection/agent-table.ts";
import { ANY_ADDRESS, agentIdOf, parseAgentKey, parseAgentName } from "#model/agent.ts";
import type { TestAgentIdentity } from "#testing/agent.ts";

export function agentIdentity(number: number): TestAgentIdentity {
  const id = agentIdOf(number);
  return { id, name: `agent-${id}`, address: ANY_ADDRESS.text, key: id.padStart(64, "a") };
}

export function agentEntry(number: number): AgentEntry {
  const identity = agentIdentity(number);
  const name = parseAgentName(identity.name);
  const key = parseAgentKey(identity.key);
  assert(name !== null && key !== null);
  return { id: agentIdOf(number), name, address: ANY_ADDRESS, key };
}

/** The text of client.keys with agents 1 to `count`. */
export function clientKeys(count: number): string {
  const lines = Array.from({ length: count }, (_, index) => {
    const { id, name, address, key } = agentIdentity(index + 1);
    return `${id} ${name} ${address} ${key}\n`;
  });
  return lines.join("");
}
