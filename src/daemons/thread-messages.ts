/** What the threads of the manager say to each other: plain data. What is hot travels otherwise (shared memory, transferred blocks). */
import type { ShownAlert } from "#analysis/pipeline.ts";
import type { ScaRequest } from "#analysis/special/sca.ts";
import type { AgentUpdate, PushOutcome } from "#connection/needs.ts";
import type { RequestFailureCode } from "#connection/pending-requests.ts";
import type { SendResult } from "#connection/service.ts";
import type { PlacedAgent } from "#groups/download-list.ts";
import type { SumChange } from "#groups/merged-files.ts";
import type { FilePushRequest } from "#groups/shared-configuration.ts";
import type { LogLevel } from "#kernel/ports/log.ts";
import type { AgentId, KeyWish } from "#model/agent.ts";
import type { AgentCounts } from "#model/agent-counts.ts";
import type { OutputBlock } from "#model/output-block.ts";
import type { AgentFactsMessage } from "./agent-facts.ts";

/** Every thread may say these to the main thread. */
export type CommonMessage =
  | { readonly kind: "log"; readonly daemon: string; readonly level: LogLevel; readonly text: string }
  | { readonly kind: "counters"; readonly values: Readonly<Record<string, number>> }
  /** The thread cannot start or cannot go on: `code` as of a `CodedError`, `lines` for the user. */
  | { readonly kind: "failed"; readonly code: string; readonly lines: readonly string[] }
  | { readonly kind: "ready"; readonly detail: string }
  | { readonly kind: "stopped" };

export type FromIntake =
  | { readonly kind: "agents"; readonly updates: readonly AgentUpdate[] }
  | { readonly kind: "keys_applied"; readonly sequence: number }
  | { readonly kind: "key_wanted"; readonly wish: KeyWish }
  | AgentCallAnswer
  /** What a program of this host sent to one of the sockets of active responses. */
  | { readonly kind: "sent_locally"; readonly to: "agents" | "host"; readonly text: string }
  | {
      readonly kind: "push_ended";
      readonly agentId: AgentId;
      readonly sum: string;
      readonly outcome: PushOutcome;
    };

/** A key as it crosses threads: a secret loses its text when it is cloned, so the text itself goes. */
export type KeyChangeMessage =
  | {
      readonly kind: "put";
      readonly id: string;
      readonly name: string;
      readonly address: string;
      readonly key: string;
    }
  | { readonly kind: "removed"; readonly id: string };

export type ToIntake =
  | { readonly kind: "serve" }
  | { readonly kind: "keys"; readonly changes: readonly KeyChangeMessage[]; readonly sequence: number }
  | { readonly kind: "discard"; readonly position: number }
  | { readonly kind: "reload_rules" }
  /** A control message to a connected agent that has it run an active response. */
  | { readonly kind: "respond"; readonly agentId: string; readonly message: string }
  /** Sends a connected agent the files of its groups; answered by `push_ended`. */
  | { readonly kind: "push"; readonly push: FilePushRequest }
  /** The registry lost what keepalives told: they are to be told whole again. */
  | { readonly kind: "forget_keepalives" }
  /** An event of the manager's own, about itself. */
  | { readonly kind: "notice"; readonly location: string; readonly message: string }
  /** Answered by `called` with the same number. */
  | { readonly kind: "call"; readonly number: number; readonly call: AgentCall }
  | { readonly kind: "stop" };

/** What the main thread wants to know of agents, or have said to them. */
export type AgentCall =
  | { readonly kind: "request"; readonly agentId: AgentId; readonly payload: Uint8Array }
  | { readonly kind: "send"; readonly agentId: AgentId; readonly message: string }
  | { readonly kind: "counts"; readonly agentIds: readonly AgentId[] };

export type AgentCallResults = {
  readonly request:
    | { readonly ok: true; readonly answer: Uint8Array }
    | { readonly ok: false; readonly code: RequestFailureCode };
  readonly send: SendResult;
  readonly counts: readonly (AgentCounts | null)[];
};

export type AgentCallAnswer = {
  readonly [Kind in AgentCall["kind"]]: {
    readonly kind: "called";
    readonly call: Kind;
    readonly number: number;
    readonly result: AgentCallResults[Kind];
  };
}[AgentCall["kind"]];

export type FromGroups =
  | { readonly kind: "sums"; readonly changes: readonly SumChange[] }
  /** Which agents are to be in which groups, all of them. */
  | { readonly kind: "placed"; readonly agents: readonly PlacedAgent[] }
  /** `bytes` is null when the file has another sum by now. */
  | { readonly kind: "loaded"; readonly sum: string; readonly bytes: SharedArrayBuffer | null };

export type ToGroups =
  /** The sum of this list of several groups is needed. */
  | { readonly kind: "want"; readonly list: string }
  | { readonly kind: "load"; readonly list: string; readonly sum: string }
  | { readonly kind: "stop" };

/** What alerts of these agents carry from now on. */
export type ToAnalysis = { readonly kind: "agents"; readonly facts: readonly AgentFactsMessage[] };

export type FromAnalysis =
  | {
      readonly kind: "shown";
      readonly alerts: readonly ShownAlert[];
      /** Alerts that were not shown because there were too many at once. */
      readonly left: number;
    }
  /** The results of configuration assessment that an agent has are not those that it told. */
  | { readonly kind: "results_wanted"; readonly requests: readonly ScaRequest[] }
  | { readonly kind: "rules_loaded"; readonly outcome: RulesOutcome };

/** How the last loading of the rule set went. */
export type RulesOutcome = {
  /** Counts loadings: a command that asked for one sees that it is done. */
  readonly loadings: number;
  /** In use: of this loading, or of the last one without an error. */
  readonly rules: number;
  readonly seconds: number;
  /** Not empty: the set in use stayed. */
  readonly errors: readonly string[];
};

export type FromOutput =
  | { readonly kind: "snapshot_durable"; readonly position: number }
  /** Decisions about active responses, as lines; each is answered by `responses_taken`. */
  | { readonly kind: "responses"; readonly lines: string };

/** Of the main thread. */
export type MainToOutput = { readonly kind: "responses_taken"; readonly chars: number };

/** Between the analysis thread and the output thread. */
export type ToOutput = { readonly kind: "block"; readonly block: OutputBlock } | { readonly kind: "end" };
export type FromOutputToAnalysis = { readonly kind: "consumed"; readonly bytes: number };

/** The journal's control record for "load the rule set again": it takes effect at its place, also at a replay. */
export const RELOAD_RULES = "reload_rules";
/** The control record that a local hour began: its time is all it says. */
export const HOUR_BEGAN = "hour_began";
