/** What the agent connection service asks of other parts beside the sink of events; the composition root hands it over. */
import type { Keepalive } from "#formats/wire/agent/keepalive.ts";
import type { AgentId, KeyWish } from "#model/agent.ts";

export type UpgradeResult = "done" | "missing_dependency" | "failed";

/** What the service learns about agents; plain data, fit to be sent to another thread. */
export type AgentUpdate =
  /** The service starts without a connection: no agent is connected through it. */
  | { readonly kind: "service_started"; readonly atMs: number }
  /** The agent is `pending`. `version` is null when it did not say (agents before 4.6). */
  | {
      readonly kind: "startup";
      readonly agentId: AgentId;
      readonly atMs: number;
      readonly version: string | null;
      readonly peerAddress: string;
    }
  /** State unchanged, status code 1 (`version_too_high`) or 2 (`version_unreadable`). */
  | {
      readonly kind: "startup_refused";
      readonly agentId: AgentId;
      readonly atMs: number;
      readonly reason: "version_too_high" | "version_unreadable";
    }
  /** The agent is `active`. `keepalive` is null when it says the same as the last one of this agent. */
  | {
      readonly kind: "keepalive";
      readonly agentId: AgentId;
      readonly atMs: number;
      readonly keepalive: Keepalive | null;
    }
  /** What became of an upgrade, as the agent says; it says so again until it is told not to. Its state does not change. */
  | {
      readonly kind: "upgrade_reported";
      readonly agentId: AgentId;
      readonly atMs: number;
      readonly result: UpgradeResult;
    }
  /** The agent is `disconnected`, status code 3. */
  | { readonly kind: "shutdown"; readonly agentId: AgentId; readonly atMs: number }
  /** The agent is `disconnected`, status code 4: no sign of it here for `disconnectionSeconds`. */
  | { readonly kind: "lost"; readonly agentId: AgentId; readonly atMs: number };

export interface AgentReports {
  report(update: AgentUpdate): void;
}

export interface KeyReports {
  /** An agent came that is not known, or whose message its key does not open; at most once in `KEY_WISH_AGAIN_MS` each. */
  keyWanted(wish: KeyWish): void;
}

/** `stalled`: the agent is connected and took nothing for too long. */
export type PushOutcome = "sent" | "not_connected" | "stalled";

export interface PushReports {
  pushEnded(agentId: AgentId, sum: string, outcome: PushOutcome): void;
}
