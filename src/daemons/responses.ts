/** Puts the dispatching of active responses together: who the agents are, and who runs those of this host. */
import type { Clock } from "#kernel/ports/clock.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { Metrics } from "#kernel/ports/metrics.ts";
import type { AgentId } from "#model/agent.ts";
import type { AgentRecord } from "#registry/agent-record.ts";
import type { AgentStore } from "#registry/agent-store.ts";
import { ResponseDispatcher } from "#response/dispatcher.ts";
import { ResponseEvents } from "#response/events.ts";
import type { RespondingAgent, RespondingAgents } from "#response/needs.ts";

export type ResponseParts = {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly agents: AgentStore;
  readonly nodeName: string;
  readonly sendToAgent: (agentId: AgentId, text: string) => void;
  readonly runOnServer: (text: string) => void;
};

function respondingAgent({ id, status, info }: AgentRecord): RespondingAgent {
  return { id, version: info?.version ?? null, active: status === "active" };
}

export function respondingAgents(agents: AgentStore): RespondingAgents {
  return {
    find: (id) => {
      const record = agents.find(id);
      return record === null ? null : respondingAgent(record);
    },
    list: (after) => agents.list(after).map(respondingAgent),
  };
}

export function makeResponseDispatcher(parts: ResponseParts): ResponseDispatcher {
  const { agents, ...others } = parts;
  return new ResponseDispatcher({
    ...others,
    events: new ResponseEvents(parts),
    agents: respondingAgents(agents),
  });
}
