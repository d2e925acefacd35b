/**
 * The cursor file: up to which position and byte each output file was known to be on disk.
 *
 * It bounds what is read at start, outlives files that were compressed, and ties the files to the journal: positions of another
 * epoch say nothing, so its cursors count as absent.
 */
import { CodedError } from "#kernel/errors.ts";
import type { Files } from "#kernel/ports/files.ts";
import { FILE_DEFINITIONS, type FileKind } from "./day-files.ts";

export type FileCursor = {
  /** Relative to the home directory. */
  readonly path: string;
  /** All before this byte is synced; what lies behind it was written in this epoch, after `position`. */
  readonly bytes: number;
  /** Of the last record before that byte, in this or an earlier file; -1 before the first. */
  readonly position: number;
};

export type Cursors = ReadonlyMap<FileKind, FileCursor>;

const FORMAT_VERSION = 1;
const OUTPUT_PATH =
  /^logs\/(?:alerts|archives|firewall|dead-letters|responses)\/\d+\/[A-Z][a-z]{2}\/ossec-(?:alerts|archive|firewall|dead-letters|responses)-[\d-]+\.(?:json|log)$/;

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parseCursor(value: unknown): FileCursor | null {
  if (!isRecord(value)) return null;
  const { path, bytes, position } = value;
  if (typeof path !== "string" || typeof bytes !== "number" || typeof position !== "number") return null;
  if (!Number.isSafeInteger(bytes) || bytes < 0) return null;
  if (!Number.isSafeInteger(position) || position < -1) return null;
  // The path leads to a file that may be cut: none but an output file of ours.
  if (!OUTPUT_PATH.test(path)) return null;
  return { path, bytes, position };
}

/** Null when the text is none of ours or of another epoch. */
export function parseCursors(text: string, epoch: number): Cursors | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isRecord(value) || value["version"] !== FORMAT_VERSION || value["epoch"] !== epoch) return null;
  const files = value["files"];
  if (!isRecord(files)) return null;
  const cursors = new Map<FileKind, FileCursor>();
  for (const { kind } of FILE_DEFINITIONS) {
    const cursor = parseCursor(files[kind]);
    if (cursor !== null) cursors.set(kind, cursor);
  }
  return cursors;
}

export function formatCursors(cursors: Cursors, epoch: number): string {
  return `${JSON.stringify({ version: FORMAT_VERSION, epoch, files: Object.fromEntries(cursors) })}\n`;
}

/** The file's text, or null when there is none. */
export function readCursorText(files: Files, path: string): string | null {
  try {
    return files.read(path).toString("latin1");
  } catch (error) {
    if (error instanceof CodedError && error.code === "file_not_found") return null;
    throw error;
  }
}
