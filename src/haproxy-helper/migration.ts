/** What becomes of each node's agents after the servers of HAProxy changed. Pure. */
import { type Connections, exceedingAgents } from "./balance.ts";
import type { ActiveAgent } from "./needs.ts";

export type MigrationInput = {
  /** Active agents of each node, in the order in which they are moved. */
  readonly agents: ReadonlyMap<string, readonly ActiveAgent[]>;
  /** Connections of the servers that are up. */
  readonly connections: Connections;
  readonly added: ReadonlySet<string>;
  readonly removed: ReadonlySet<string>;
  readonly tolerance: number;
};

export type MigrationPlan = {
  /** Agents that connect anew to the node they are on, so that no old process of HAProxy holds them. */
  readonly held: ReadonlyMap<string, readonly ActiveAgent[]>;
  /** Agents that go wherever HAProxy has the fewest. */
  readonly moved: readonly ActiveAgent[];
};

/**
 * HAProxy's numbers of connections are low while an old process still holds some, so for a server that is not new the agents
 * themselves are counted. Nodes that HAProxy does not serve keep what they have.
 */
export function planMigration(input: MigrationInput): MigrationPlan {
  const { agents, added, removed } = input;
  const counted = new Map(input.connections);
  for (const [node, list] of agents) {
    if (counted.has(node) && !added.has(node)) counted.set(node, list.length);
  }
  const exceeding = exceedingAgents(counted, input.tolerance);
  const held = new Map<string, readonly ActiveAgent[]>();
  const moved: ActiveAgent[] = [];
  for (const [node, list] of agents) {
    if (removed.has(node)) {
      moved.push(...list);
    } else if (counted.has(node)) {
      const over = exceeding.get(node) ?? 0;
      moved.push(...list.slice(0, over));
      if (list.length > over) held.set(node, list.slice(over));
    }
  }
  return { held, moved };
}
