/** Looking into answers whose shape another program decides. */

type JsonRecord = Readonly<Record<string, unknown>>;

const NOTHING: JsonRecord = {};

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An empty record for whatever is none. */
export function recordOf(value: unknown): JsonRecord {
  return isRecord(value) ? value : NOTHING;
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function textIn(record: JsonRecord, key: string): string | null {
  const value = Object.hasOwn(record, key) ? record[key] : null;
  return typeof value === "string" ? value : null;
}

const PRINTABLE_ASCII = /^[ -~]+$/;

/** A text that can stand in a line of a log and in HAProxy's configuration; null for any other. */
export function wordIn(record: JsonRecord, key: string): string | null {
  const text = textIn(record, key);
  return text !== null && PRINTABLE_ASCII.test(text) ? text : null;
}

export function numberIn(record: JsonRecord, key: string): number | null {
  const value = Object.hasOwn(record, key) ? record[key] : null;
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}
