/** JSON from another node: plain data of bounded depth, without the names that scripts treat specially. */

export type JsonObject = { readonly [key: string]: JsonValue };
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

/** Deeper than any answer of the API; recursion over what was parsed must not exhaust the stack. */
export const JSON_DEPTH_MAX = 64;
/** A merge that assigns by name would reach the prototype of every object through them. */
const REFUSED_KEYS: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

/** Undefined for anything that is not such JSON. The text is UTF-8. */
export function parseJson(bytes: Buffer): JsonValue | undefined {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString("utf8"));
  } catch {
    return undefined;
  }
  return isJsonValue(value, JSON_DEPTH_MAX) ? value : undefined;
}

function isJsonValue(value: unknown, depthLeft: number): value is JsonValue {
  if (typeof value !== "object" || value === null) return true; // JSON.parse gives nothing else
  if (depthLeft === 0) return false;
  if (Array.isArray(value)) return value.every((item) => isJsonValue(item, depthLeft - 1));
  return Object.entries(value).every(
    ([key, member]) => !REFUSED_KEYS.has(key) && isJsonValue(member, depthLeft - 1),
  );
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
