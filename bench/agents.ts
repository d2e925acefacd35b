/** Agents for the benchmarks of the connection service. */
import assert from "node:assert/strict";
import type { AgentEntry } from "#connection/agent-table.ts";
import { ANY_ADDRESS, agentIdOf, parseAgentKey, parseAgentName } from "#model/agent.ts";

export function agentEntry(number: number): AgentEntry {
  const id = agentIdOf(number);
  const name = parseAgentName(`agent-${id}`);
  const key = parseAgentKey(id.padStart(64, "a"));
  assert(name !== null && key !== null);
  return { id, name, address: ANY_ADDRESS, key };
}
