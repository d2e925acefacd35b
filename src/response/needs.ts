/** What dispatching responses asks of other parts; the composition root hands it over. */
import type { AgentId } from "#model/agent.ts";

export type RespondingAgent = {
  readonly id: AgentId;
  /** As its last keepalive said it: `Wazuh v4.14.7`. Null while it is not known. */
  readonly version: string | null;
  readonly active: boolean;
};

/** The agents as the registry knows them. Throws `CodedError` when it cannot be read. */
export interface RespondingAgents {
  find(id: AgentId): RespondingAgent | null;
  /** The next ones in the order of their numbers, some at a time; none at the end. */
  list(after: AgentId | null): readonly RespondingAgent[];
}

/** Why a message did not go out; what the agent connection service says. */
export type SendOutcome = "sent" | "agent_unknown" | "agent_disconnected" | "not_connected" | "output_full";
