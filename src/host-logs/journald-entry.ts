/**
 * One entry of `journalctl --output=json` as the line that a syslog daemon would have written of it.
 *
 * Pure. The JSON is UTF-8; the line has one char a byte. A field that is no valid UTF-8 comes as an array of bytes, a field that
 * is there more than once as an array of values, of which the first counts.
 */
import { LocalClock } from "#kernel/local-time.ts";

/** The fields to ask for besides the cursor and the time, which always come. */
export const ENTRY_FIELDS = ["MESSAGE", "SYSLOG_IDENTIFIER", "_COMM", "SYSLOG_PID", "_PID", "_HOSTNAME"];
const CURSOR = /^[\x21-\x7e]{1,1024}$/;

export type JournaldEntry = {
  readonly cursor: string;
  /** Null for an entry without message, program or host name: it only moves the cursor on. */
  readonly line: string | null;
};

/** Null when the bytes are no entry. */
export function parseJournaldEntry(json: Buffer): JournaldEntry | null {
  const entry = parseObject(json.toString("utf8"));
  const cursor = entry?.["__CURSOR"];
  if (entry === null || typeof cursor !== "string" || !CURSOR.test(cursor)) return null;
  return { cursor, line: lineOf(entry) };
}

const localClock = new LocalClock();

/** `Mon DD HH:MM:SS` of the local zone, as syslog daemons write it. */
export function syslogTime(wallMs: number): string {
  const { month, day, clock } = localClock.at(wallMs);
  return `${month} ${String(day).padStart(2, "0")} ${clock}`;
}

function lineOf(entry: Readonly<Record<string, unknown>>): string | null {
  const field = (name: string): string | null => textOf(entry[name]);
  const wallMs = Number(entry["__REALTIME_TIMESTAMP"]) / 1000;
  const message = field("MESSAGE");
  const program = field("SYSLOG_IDENTIFIER") ?? field("_COMM");
  const host = field("_HOSTNAME");
  if (message === null || program === null || host === null) return null;
  if (!Number.isFinite(new Date(wallMs).getTime())) return null;
  const pid = field("SYSLOG_PID") ?? field("_PID");
  const tag = pid === null ? program : `${program}[${pid}]`;
  return `${syslogTime(wallMs)} ${host} ${tag}: ${message}`;
}

/** One char a byte; null when the field is absent, empty or of another shape. */
function textOf(value: unknown): string | null {
  if (typeof value === "string") return value === "" ? null : Buffer.from(value, "utf8").toString("latin1");
  if (!Array.isArray(value)) return null;
  if (typeof value[0] !== "number") return typeof value[0] === "string" ? textOf(value[0]) : null;
  const bytes = value.filter((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255);
  return bytes.length === value.length ? Buffer.from(bytes).toString("latin1") : null;
}

function parseObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
