/** The hash of all agents' groups on this node, by which master and worker see that they have the same. */
import { globalGroupHash, groupHash } from "#formats/wire/cluster/group-hashes.ts";
import type { AgentId } from "#model/agent.ts";
import type { ClusterAgents } from "../needs.ts";
import type { Slices } from "../slices.ts";
import { ROWS_AT_ONCE } from "./times.ts";

/** Null when no agent has groups, or nobody wants it any more. Rejects with what the registry throws. */
export async function hashOfAllGroups(
  agents: Pick<ClusterAgents, "groupListsAfter">,
  slices: Slices,
): Promise<string | null> {
  /** Many agents have the same groups. */
  const known = new Map<string, string>();
  const hashes: string[] = [];
  let after: AgentId | null = null;
  for (;;) {
    const { lists, next } = agents.groupListsAfter(after, ROWS_AT_ONCE);
    for (const list of lists) {
      if (list === "") continue;
      const hash = known.get(list) ?? groupHash(list);
      known.set(list, hash);
      hashes.push(hash);
    }
    if (next === null) return hashes.length === 0 ? null : globalGroupHash(hashes);
    after = next;
    if (slices.isTired && !(await slices.rest())) return null;
  }
}
