/**
 * From the bytes of a log file to messages: cuts lines and joins those that belong together. Pure; text has one char a byte.
 */
import { LINE_BYTES_MAX } from "./limits.ts";

export type LineFormat =
  | { readonly kind: "line" }
  | { readonly kind: "json" }
  | { readonly kind: "audit" }
  | { readonly kind: "multi_line"; readonly lines: number };

/** The formats of the peer that are read as plain lines. */
const PLAIN_FORMATS: ReadonlySet<string> = new Set([
  "syslog",
  "generic",
  "snort-fast",
  "apache",
  "iis",
  "squid",
]);
const MULTI_LINE = /^multi-line:\s*([1-9]\d{0,3})$/;
const AUDIT_ID = /^type=\S+ msg=audit\(([^)]*)\):/;

/** Null for a format that is not read from files here. */
export function parseLineFormat(text: string): LineFormat | null {
  if (PLAIN_FORMATS.has(text)) return { kind: "line" };
  if (text === "json" || text === "audit") return { kind: text };
  const lines = MULTI_LINE.exec(text)?.[1];
  return lines === undefined ? null : { kind: "multi_line", lines: Number(lines) };
}

/** `end` is the offset in the chunk behind the text and its newline. */
export type Line = { readonly text: string; readonly end: number; readonly wasCut: boolean };

/** The complete lines of a chunk. */
export function splitLines(chunk: Buffer): readonly Line[] {
  const lines: Line[] = [];
  for (let start = 0; ; ) {
    const newline = chunk.indexOf(0x0a, start);
    if (newline === -1) return lines;
    lines.push(lineOf(chunk.subarray(start, newline), newline + 1));
    start = newline + 1;
  }
}

/** NUL bytes (holes that a crash left) are dropped, so is the CR of files from other systems. */
export function lineOf(bytes: Buffer, end: number): Line {
  const kept = bytes.subarray(0, LINE_BYTES_MAX).toString("latin1").replaceAll("\0", "");
  const text = kept.endsWith("\r") ? kept.slice(0, -1) : kept;
  return { text, end, wasCut: bytes.length > LINE_BYTES_MAX };
}

/** What follows the lines of a chunk: more of the file, its present end, or nothing ever again. */
export type Following = "more" | "end" | "nothing";

export type Message = { readonly text: string; readonly end: number };

export type Shaped = {
  readonly messages: readonly Message[];
  /** Up to where the chunk is used; the rest is read again when more has come. */
  readonly consumed: number;
  /** Lines that are none of the format. */
  readonly discarded: number;
};

export function shapeLines(format: LineFormat, lines: readonly Line[], following: Following): Shaped {
  switch (format.kind) {
    case "line":
      return keepLines(lines, () => true);
    case "json":
      return keepLines(lines, isJsonObject);
    case "audit":
      return joinAudit(lines, following);
    case "multi_line":
      return joinByCount(lines, format.lines, following);
  }
}

function keepLines(lines: readonly Line[], accepts: (text: string) => boolean): Shaped {
  const filled = lines.filter(({ text }) => text !== "");
  const messages = filled.filter(({ text }) => accepts(text));
  return { messages, consumed: lines.at(-1)?.end ?? 0, discarded: filled.length - messages.length };
}

function isJsonObject(text: string): boolean {
  if (!/^\s*\{/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The kernel writes one audit event as several lines of one id. */
function joinAudit(lines: readonly Line[], following: Following): Shaped {
  const messages: Message[] = [];
  let consumed = 0;
  let discarded = 0;
  let open: { readonly id: string; readonly texts: string[]; end: number } | null = null;
  for (const { text, end } of lines) {
    const id = AUDIT_ID.exec(text)?.[1];
    if (open !== null && id === open.id) {
      open.texts.push(text);
      open.end = end;
      continue;
    }
    if (open !== null) {
      messages.push({ text: open.texts.join(" "), end: open.end });
      consumed = open.end;
      open = null;
    }
    if (id !== undefined) {
      open = { id, texts: [text], end };
    } else {
      consumed = end;
      if (text !== "") discarded++;
    }
  }
  if (open === null || following === "more") return { messages, consumed, discarded };
  messages.push({ text: open.texts.join(" "), end: open.end });
  return { messages, consumed: open.end, discarded };
}

function joinByCount(lines: readonly Line[], count: number, following: Following): Shaped {
  const messages: Message[] = [];
  for (let start = 0; start < lines.length; start += count) {
    const group = lines.slice(start, start + count);
    const end = group.at(-1)?.end ?? 0;
    if (group.length < count && following !== "nothing") break;
    messages.push({ text: group.map(({ text }) => text).join(" "), end });
  }
  return { messages, consumed: messages.at(-1)?.end ?? 0, discarded: 0 };
}
