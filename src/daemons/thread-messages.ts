/** What the threads of the manager say to each other: plain data. What is hot travels otherwise (shared memory, transferred blocks). */
import type { ShownAlert } from "#analysis/pipeline.ts";
import type { AgentUpdate } from "#connection/needs.ts";
import type { LogLevel } from "#kernel/ports/log.ts";
import type { OutputBlock } from "#model/output-block.ts";

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
  | { readonly kind: "keys_applied"; readonly sequence: number };

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
  | { readonly kind: "stop" };

export type FromAnalysis =
  | {
      readonly kind: "shown";
      readonly alerts: readonly ShownAlert[];
      /** Alerts that were not shown because there were too many at once. */
      readonly left: number;
    }
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

export type FromOutput = { readonly kind: "snapshot_durable"; readonly position: number };

/** Between the analysis thread and the output thread. */
export type ToOutput = { readonly kind: "block"; readonly block: OutputBlock } | { readonly kind: "end" };
export type FromOutputToAnalysis = { readonly kind: "consumed"; readonly bytes: number };

/** The journal's control record for "load the rule set again": it takes effect at its place, also at a replay. */
export const RELOAD_RULES = "reload_rules";
