/**
 * merged.mg: the files of a group in one, as agents get them. `#<name>` and a newline, then for each file `!<bytes> <path>`, a newline
 * and its bytes, with nothing behind them (wazuh v4.14.7: src/shared/file_op.c).
 *
 * Paths are relative, with `/`, one char a byte. What is read may come from anywhere: a path that leads out of a folder is refused.
 */
import assert from "node:assert/strict";

export const MERGED_FILE_NAME = "merged.mg";
/** Files in one merged.mg; a group that needs more is a mistake. */
export const MERGED_ENTRIES_MAX = 100_000;
/** What agents keep of a path (wazuh v4.14.7: OS_FLSIZE). */
export const MERGED_PATH_BYTES_MAX = 256;

/** Mark, fifteen digits, blank, path, newline. */
const LINE_BYTES_MAX = MERGED_PATH_BYTES_MAX + 18;
const NAME_LINE_BYTES_MAX = 4096;
const HASH = 0x23;
const NEWLINE = 0x0a;
const FILE_LINE = /^!([0-9]{1,15}) (.+)$/s;
const CONTROL_BYTE = /[\x00-\x1f\x7f]/;

export type MergedEntry = { readonly path: string; readonly bytes: Uint8Array };

export type MergedFailureCode =
  | "line_too_long"
  | "line_malformed"
  | "path_refused"
  | "beyond_end"
  | "too_many";

export type MergedOutcome =
  /** `name` is null without a line for it; the bytes of the entries are views. */
  | { readonly ok: true; readonly name: string | null; readonly entries: readonly MergedEntry[] }
  /** `at`: the byte at which the line begins. */
  | { readonly ok: false; readonly code: MergedFailureCode; readonly at: number };

/** True for a path that stays in the folder it is written to, on every system that agents run on. */
export function isMergedPath(path: string): boolean {
  if (path.length > MERGED_PATH_BYTES_MAX || CONTROL_BYTE.test(path)) return false;
  if (path.includes("\\") || /^[A-Za-z]:/.test(path)) return false;
  return path.split("/").every((step) => step !== "" && step !== "." && step !== "..");
}

/** The order of entries: steps compare by their bytes, and a folder stands where its name does. */
export function compareMergedPaths(a: string, b: string): number {
  const stepsOfA = a.split("/");
  const stepsOfB = b.split("/");
  for (const [index, step] of stepsOfA.entries()) {
    const other = stepsOfB[index];
    if (other === undefined) return 1;
    if (step !== other) return step < other ? -1 : 1;
  }
  return stepsOfA.length - stepsOfB.length;
}

/** The parts of the file in their order, not yet joined: contents may be large. */
export function mergedParts(name: string, entries: readonly MergedEntry[]): Uint8Array[] {
  assert(!name.includes("\n"), "a name is one line");
  const parts: Uint8Array[] = [Buffer.from(`#${name}\n`, "latin1")];
  for (const { path, bytes } of entries) {
    assert(isMergedPath(path), "a path that no agent takes");
    parts.push(Buffer.from(`!${bytes.length} ${path}\n`, "latin1"), bytes);
  }
  return parts;
}

export function parseMerged(merged: Buffer): MergedOutcome {
  const entries: MergedEntry[] = [];
  let name: string | null = null;
  let at = 0;
  while (at < merged.length) {
    const failure = (code: MergedFailureCode): MergedOutcome => ({ ok: false, code, at });
    const isName = merged[at] === HASH;
    const lineEnd = at + (isName ? NAME_LINE_BYTES_MAX : LINE_BYTES_MAX);
    const end = merged.subarray(at, lineEnd).indexOf(NEWLINE);
    if (end === -1) return failure(merged.length < lineEnd ? "line_malformed" : "line_too_long");
    const line = merged.toString("latin1", at, at + end);
    const contentAt = at + end + 1;
    if (isName) {
      name ??= line.slice(1);
      at = contentAt;
      continue;
    }
    const [, size, path] = FILE_LINE.exec(line) ?? [];
    if (size === undefined || path === undefined) return failure("line_malformed");
    if (!isMergedPath(path)) return failure("path_refused");
    const contentEnd = contentAt + Number(size);
    if (contentEnd > merged.length) return failure("beyond_end");
    if (entries.length >= MERGED_ENTRIES_MAX) return failure("too_many");
    entries.push({ path, bytes: merged.subarray(contentAt, contentEnd) });
    at = contentEnd;
  }
  return { ok: true, name, entries };
}
