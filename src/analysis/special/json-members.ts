/** Members of a JSON object as the peer looks them up: without regard to case, the first of equal names (cJSON_GetObjectItem). */
import { CJsonObject, type CJsonValue } from "#analysis/plugins/cjson.ts";

export type JsonMembers = ReadonlyMap<string, CJsonValue>;

/** By lower-case name. Empty when the value is no object. */
export function membersOf(value: CJsonValue | undefined): JsonMembers {
  const members = new Map<string, CJsonValue>();
  if (!(value instanceof CJsonObject)) return members;
  for (const [index, name] of value.names.entries()) {
    const lowerName = name.toLowerCase();
    const member = value.values[index];
    if (member !== undefined && !members.has(lowerName)) members.set(lowerName, member);
  }
  return members;
}
