/** Puts the dispatching of active responses together: who the agents are, and what happens to those of this host. */
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
};

function respondingAgent({ id, status, info }: AgentRecord): RespondingAgent {
  return { id, version: info?.version ?? null, active: status === "active" };
}

function respondingAgents(agents: AgentStore): RespondingAgents {
  return {
    find: (id) => {
      const record = agents.find(id);
      return record === null ? null : respondingAgent(record);
    },
    list: (after) => agents.list(after).map(respondingAgent),
  };
}

export function makeResponseDispatcher(parts: ResponseParts): ResponseDispatcher {
  const { clock, agents, nodeName, sendToAgent } = parts;
  const events = new ResponseEvents(parts);
  const text =
    "An active response of the manager itself is not run: no program for it is part of this version";
  return new ResponseDispatcher({
    clock,
    events,
    agents: respondingAgents(agents),
    nodeName,
    sendToAgent,
    runOnServer: () => events.unsent("no_executor", text),
  });
}
