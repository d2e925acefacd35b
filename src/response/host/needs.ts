/** What running responses on this host asks of others. */
import type { HostAction, HostActionOutcome } from "#model/host-action.ts";

/** Whoever has the rights to change this host. */
export interface HostActions {
  /** `asker` is for the audit: which alert, or that a person did. */
  ask(action: HostAction, asker: string, options: { readonly dryRun: boolean }): Promise<HostActionOutcome>;
}

export type ScriptHandler = {
  /** The first whole line that it says; the others are read and dropped. */
  said(line: string): void;
  /** The last call. `text` says what went wrong, or what came of it. */
  ended(ok: boolean, text: string): void;
};

export interface RunningScript {
  /** `line` is without its newline. */
  tell(line: string): void;
  /** Nothing more will be told. */
  close(): void;
  kill(): void;
}

/** Something that runs responses by the names of their executables. */
export interface ScriptStarter {
  has(executable: string): boolean;
  start(
    order: { readonly executable: string; readonly args: readonly string[] },
    handler: ScriptHandler,
  ): RunningScript;
}
