/**
 * What the world does to us (port taken, disk full, file unreadable): an exception with a stable code, caught where it can
 * be decided, by `code`. Bad input from a peer or a user is a returned value instead; our own mistakes are asserts.
 */

export type ErrorDetail = Readonly<Record<string, string | number | boolean>>;

export class CodedError extends Error {
  /** Stable, lower_snake_case; becomes a metric label, so the set is bounded. */
  readonly code: string;
  readonly detail: ErrorDetail;

  constructor(code: string, message: string, detail: ErrorDetail = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "CodedError";
    this.code = code;
    this.detail = detail;
  }
}

/** The errno name (`ENOENT`, `ENOSPC`) of a system error, or null for any other value. */
export function errnoOf(error: unknown): string | null {
  if (!(error instanceof Error) || !("code" in error)) return null;
  return typeof error.code === "string" ? error.code : null;
}

/** The text of anything thrown, for a log line. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
