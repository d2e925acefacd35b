/**
 * The end of an output file after a crash: where its last whole record ends and which position that has.
 *
 * Read backwards in bounded pieces, and never before `from`: what lies before it was on disk and is not looked at. What the
 * answer leaves behind is torn (the write was under way) or damaged, and is to be cut off.
 */
import type { OpenFile } from "#kernel/ports/files.ts";
import type { FileKind } from "./day-files.ts";
import { SEARCH_BYTES, TAIL_RECORD_BYTES_MAX } from "./limits.ts";

export type Tail = {
  /** The byte after the last whole record. */
  readonly end: number;
  /** Of that record; null when there is none or it has no number. */
  readonly position: number | null;
};

const NEWLINE = "\n";
const EMPTY_LINE = "\n\n";
const ALERT_START = "** Alert ";
/** `** Alert 1795249255.5967:` and some room. */
const ALERT_HEAD_BYTES = 64;

function readText(file: OpenFile, start: number, end: number): string {
  const bytes = Buffer.alloc(end - start);
  let filled = 0;
  while (filled < bytes.length) {
    const count = file.read(bytes.subarray(filled), start + filled);
    if (count === 0) break;
    filled += count;
  }
  return bytes.toString("latin1", 0, filled);
}

/** The last place of `pattern` that lies whole in [from, end), or -1. */
function lastPlaceOf(file: OpenFile, pattern: string, from: number, end: number): number {
  let pieceEnd = end;
  while (pieceEnd - from >= pattern.length) {
    const pieceStart = Math.max(from, pieceEnd - SEARCH_BYTES);
    const place = readText(file, pieceStart, pieceEnd).lastIndexOf(pattern);
    if (place !== -1) return pieceStart + place;
    if (pieceStart === from) return -1;
    pieceEnd = pieceStart + pattern.length - 1;
  }
  return -1;
}

/** The number of an alert id, `<seconds>.<position>`. */
function idPosition(id: unknown): number | null {
  const digits = typeof id === "string" ? /^\d+\.(\d{1,16})$/.exec(id)?.[1] : undefined;
  const position = digits === undefined ? Number.NaN : Number(digits);
  return Number.isSafeInteger(position) ? position : null;
}

/** The whole document is parsed: a message may hold text that looks like an id. */
function linePosition(line: string): number | null {
  try {
    const document: unknown = JSON.parse(line);
    const known = typeof document === "object" && document !== null && "id" in document;
    return known ? idPosition(document.id) : null;
  } catch {
    return null;
  }
}

function jsonTail(file: OpenFile, from: number, size: number): Tail {
  let end = size;
  for (;;) {
    const newline = lastPlaceOf(file, NEWLINE, from, end);
    if (newline === -1) return { end: from, position: null };
    const previous = lastPlaceOf(file, NEWLINE, from, newline);
    const start = previous === -1 ? from : previous + 1;
    const position =
      newline - start > TAIL_RECORD_BYTES_MAX ? null : linePosition(readText(file, start, newline));
    if (position !== null) return { end: newline + 1, position };
    end = start;
  }
}

/** Where the last alert that begins in [from, end) begins, or -1. */
function lastAlertStart(file: OpenFile, from: number, end: number): number {
  const place = lastPlaceOf(file, NEWLINE + ALERT_START, from, end);
  if (place !== -1) return place + 1;
  return readText(file, from, Math.min(end, from + ALERT_START.length)) === ALERT_START ? from : -1;
}

function alertLogTail(file: OpenFile, from: number, size: number): Tail {
  let end = size;
  for (;;) {
    const emptyLine = lastPlaceOf(file, EMPTY_LINE, from, end);
    if (emptyLine === -1) return { end: from, position: null };
    const wholeEnd = emptyLine + EMPTY_LINE.length;
    const start = lastAlertStart(file, from, wholeEnd);
    if (start === -1) return { end: from, position: null };
    const next = readText(file, wholeEnd, Math.min(end, wholeEnd + ALERT_START.length));
    const head = readText(file, start, Math.min(wholeEnd, start + ALERT_HEAD_BYTES));
    const position = idPosition(/^\*\* Alert (\d+\.\d+):/.exec(head)?.[1]);
    // What follows the last alert is the torn beginning of another one; anything else means that this one is torn itself.
    if (position !== null && ALERT_START.startsWith(next)) return { end: wholeEnd, position };
    end = start;
  }
}

function plainTail(file: OpenFile, from: number, size: number): Tail {
  const newline = lastPlaceOf(file, NEWLINE, from, size);
  return { end: newline === -1 ? from : newline + 1, position: null };
}

/** `size` is the file's; `from` is where a record begins. */
export function findTail(kind: FileKind, file: OpenFile, from: number, size: number): Tail {
  switch (kind) {
    case "alert_json":
    case "archive_json":
    case "dead_letter":
    case "response":
      return jsonTail(file, from, size);
    case "alert_log":
      return alertLogTail(file, from, size);
    case "archive_log":
    case "firewall_log":
      return plainTail(file, from, size);
  }
}
