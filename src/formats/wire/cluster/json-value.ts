/** JSON from another node: plain data of bounded depth, without the names that scripts treat specially. */

export type JsonObject = { readonly [key: string]: JsonValue };
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

/** Deeper than any answer of the API; recursion over what was parsed must not exhaust the stack. */
export const JSON_DEPTH_MAX = 64;
/** Of one text: the largest table of files has five for each of 200,000 files. Small values take the most memory for their bytes. */
export const JSON_VALUES_MAX = 4_000_000;
/** A merge that assigns by name would reach the prototype of every object through them. */
const REFUSED_KEYS: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

/** Undefined for anything that is not such JSON. The text is UTF-8. */
export function parseJson(bytes: Buffer, valuesMax = JSON_VALUES_MAX): JsonValue | undefined {
  if (!hasFewValues(bytes, valuesMax)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString("utf8"));
  } catch {
    return undefined;
  }
  return isJsonValue(value, JSON_DEPTH_MAX) ? value : undefined;
}

const [COMMA, BRACKET, BRACE] = [0x2c, 0x5b, 0x7b];

/** Every value but the first has a comma or a bracket of its own before it; those in texts count too. */
function hasFewValues(bytes: Buffer, valuesMax: number): boolean {
  if (bytes.length <= valuesMax) return true;
  let count = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === COMMA || byte === BRACKET || byte === BRACE) count++;
  }
  return count <= valuesMax;
}

function isJsonValue(value: unknown, depthLeft: number): value is JsonValue {
  // JSON.parse takes numbers that are too large for it as endless ones, which cannot be written again.
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || value === null) return true;
  if (depthLeft === 0) return false;
  if (Array.isArray(value)) return value.every((item) => isJsonValue(item, depthLeft - 1));
  const members = value as Record<string, unknown>;
  // What JSON.parse makes inherits no names that this loop would see.
  for (const key in members)
    if (REFUSED_KEYS.has(key) || !isJsonValue(members[key], depthLeft - 1)) return false;
  return true;
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The member's own value: what every object inherits is no data. */
export function memberOf(object: JsonObject, key: string): JsonValue | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

export function isTextList(value: JsonValue | undefined): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
