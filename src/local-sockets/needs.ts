/** What the local sockets ask of other parts; the composition root hands it over. */

import type { AgentId } from "#model/agent.ts";
import type { AgentCounts } from "#model/agent-counts.ts";
import type { JsonObject } from "./json.ts";

/** `code` is one of a closed set of the part that sends requests. */
export type RequestOutcome =
  | { readonly ok: true; readonly answer: Uint8Array }
  | { readonly ok: false; readonly code: string };

export type RemoteNeeds = {
  /** `payload` is `<target> <payload>`. */
  readonly request: (agentId: AgentId, payload: Uint8Array) => Promise<RequestOutcome>;
  /** The counters of the agent connection service and of the registry. */
  readonly counters: () => Readonly<Record<string, number>>;
  /** In the order of `ids`; null for an agent that said nothing since the start. */
  readonly agentCounts: (ids: readonly AgentId[]) => Promise<readonly (AgentCounts | null)[]>;
  /** Active agents with an id above `lastId`, in the order of ids; null when the registry cannot be read. */
  readonly activeAgents: (lastId: number, limit: number) => readonly AgentId[] | null;
  /** Null for a section that the connection service has not. */
  readonly section: (name: string) => JsonObject | null;
  /** The groups of an agent, assigned now when it has none: by the sum of its merged.mg, or the default one. Null when there is no such agent. */
  readonly assignGroup: (agentId: AgentId, sum: string) => string | null;
  readonly wallMs: () => number;
  readonly startedMs: number;
  readonly queueSize: number;
};
