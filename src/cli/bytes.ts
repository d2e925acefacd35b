/** Between texts (command line, file names, JSON) and the byte strings that the engine and the outputs take: one char a byte. */

/** The UTF-8 bytes of a text. */
export function utf8Bytes(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

const SURROGATE_PAIR = String.raw`\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}`;
const ESCAPE = new RegExp(String.raw`${SURROGATE_PAIR}|\\u[0-9a-fA-F]{4}|\\[^u]`, "g");
const LAST_ASCII = 0x7f;

/** An escaped character beyond ASCII as the bytes that it stands for; other escapes as they are. */
function bytesOfEscape(escaped: string): string {
  const first = escaped.startsWith("\\u") ? Number.parseInt(escaped.slice(2, 6), 16) : 0;
  if (first <= LAST_ASCII) return escaped;
  const units = escaped.length > 6 ? [first, Number.parseInt(escaped.slice(8), 16)] : [first];
  return utf8Bytes(String.fromCharCode(...units));
}

/**
 * The value of a JSON text of which each char is a byte; strings in it are byte strings too. Bytes that are no UTF-8 stay as they
 * are. Undefined when it is no JSON.
 */
export function parseJsonBytes(json: string): unknown {
  try {
    return JSON.parse(json.includes("\\u") ? json.replace(ESCAPE, bytesOfEscape) : json);
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
