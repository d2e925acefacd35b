/** What alerts carry of agents, on its way from keepalives and from the registry to the analysis thread. */
import type { AgentFacts, AgentLabel } from "#analysis/alert/agent-labels.ts";
import type { AgentUpdate } from "#connection/needs.ts";
import type { AgentLabel as StoredLabel } from "#registry/agent-record.ts";
import type { AgentStore } from "#registry/agent-store.ts";
import type { KeyChange } from "#registry/key-store.ts";

export type AgentFactsMessage = AgentFacts & { readonly id: string };

const MARKED_KEY = /^(#?)(!?)"(.*)"$/s;
const NOTHING: AgentFacts = { address: null, labels: [] };

/** A label as the registry keeps it: the marks stand before the key, as in a keepalive. */
export function storedLabel({ key, value, hidden, system }: AgentLabel): StoredLabel {
  return { key: `${system ? "#" : ""}${hidden ? "!" : ""}"${key}"`, value };
}

/** None for a key that no keepalive can have brought. */
export function labelsOfStored(stored: readonly StoredLabel[]): readonly AgentLabel[] {
  return stored.flatMap(({ key: marked, value }) => {
    const [found, system, hidden, key] = MARKED_KEY.exec(marked) ?? [];
    return found === undefined || key === undefined
      ? []
      : [{ key, value, hidden: hidden !== "", system: system !== "" }];
  });
}

/** Of those keepalives that say something new. */
export function factsOfUpdates(updates: readonly AgentUpdate[]): readonly AgentFactsMessage[] {
  return updates.flatMap((update) => {
    if (update.kind !== "keepalive" || update.keepalive === null) return [];
    const { agentIp, labels } = update.keepalive;
    return [{ id: update.agentId, address: agentIp, labels }];
  });
}

/** Agents that are gone are forgotten: another one may get the id. */
export function factsOfKeyChanges(changes: readonly KeyChange[]): readonly AgentFactsMessage[] {
  return changes.flatMap(({ kind, entry }) => (kind === "removed" ? [{ id: entry.id, ...NOTHING }] : []));
}

/** Of all agents of the registry. Throws `CodedError` `registry_read_failed` or `registry_damaged`. */
export function storedFacts(agents: AgentStore): readonly AgentFactsMessage[] {
  const facts: AgentFactsMessage[] = [];
  for (let page = agents.list(null); page.length > 0; page = agents.list(page.at(-1)?.id ?? null)) {
    for (const { id, info } of page) {
      if (info === null) continue;
      const address = info.agentAddress === "" ? null : info.agentAddress;
      facts.push({ id, address, labels: labelsOfStored(info.labels) });
    }
  }
  return facts;
}
