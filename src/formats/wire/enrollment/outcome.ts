/** What every check of an enrollment request ends with: log lines to write, and for a refusal the text to answer. */
import type { LogLevel } from "#kernel/ports/log.ts";

export type LogLine = { readonly level: LogLevel; readonly text: string };

export type Refusal = {
  readonly ok: false;
  /** Stable, for counters. */
  readonly code: RefusalCode;
  /** `ERROR: …`, as `refusalReply()` takes it. */
  readonly text: string;
  readonly logs: readonly LogLine[];
};

export type RefusalCode =
  | "password"
  | "request"
  | "name"
  | "version_field"
  | "version"
  | "group_field"
  | "group"
  | "address_field"
  | "address"
  | "key_field"
  | "duplicate_id"
  | "duplicate_address"
  | "duplicate_name"
  | "master"
  | "master_unreachable"
  | "internal";

/** A refused value is repeated to its sender no further than this, whatever the line holds. */
const ECHO_CHARS_MAX = 1024;

export function refusal(code: RefusalCode, text: string, ...logs: readonly LogLine[]): Refusal {
  return { ok: false, code, text: text.slice(0, ECHO_CHARS_MAX), logs };
}

export function errorLine(text: string): LogLine {
  return { level: "error", text };
}
