/**
 * What the user of a request may do, as the node says that authenticated him.
 *
 * A claim: it can only take away. What a node may ask for at all is the callables' (`table.ts`), whatever it claims.
 */
import { isObject, type JsonValue } from "#formats/wire/cluster/json-value.ts";

type Effect = "allow" | "deny";

export type Permissions = {
  /** Whether what no entry speaks of is permitted: the peer's mode `black`. */
  readonly byDefault: boolean;
  /** By action, in their order; each is about a resource such as `agent:id:001` or `agent:group:*`. */
  readonly entries: ReadonlyMap<string, readonly { readonly resource: string; readonly effect: Effect }[]>;
};

export const EVERYTHING: Permissions = { byDefault: true, entries: new Map() };

/** Null for what is no such object. */
export function readPermissions(value: JsonValue): Permissions | null {
  if (!isObject(value)) return null;
  const { rbac_mode: mode = "black", ...actions } = value;
  if (mode !== "black" && mode !== "white") return null;
  const entries = new Map<string, { resource: string; effect: Effect }[]>();
  for (const [action, resources] of Object.entries(actions)) {
    if (!isObject(resources)) return null;
    const effects: { resource: string; effect: Effect }[] = [];
    for (const [resource, effect] of Object.entries(resources)) {
      if (effect !== "allow" && effect !== "deny") return null;
      effects.push({ resource, effect });
    }
    entries.set(action, effects);
  }
  return { byDefault: mode === "black", entries };
}

/** `names`: under which resources the item is known, such as `agent:id:001` and `agent:group:web`. The last entry that speaks of it counts. */
export function isPermitted(permissions: Permissions, action: string, names: readonly string[]): boolean {
  let permitted = permissions.byDefault;
  for (const { resource, effect } of permissions.entries.get(action) ?? []) {
    const parts = resource.split("&");
    // Of several parts at once, a permission would need all of them and a refusal one: the careful reading of both.
    if (effect === "allow" && parts.length > 1) continue;
    if (parts.some((part) => names.some((name) => speaksOf(part, name)))) permitted = effect === "allow";
  }
  return permitted;
}

function speaksOf(resource: string, name: string): boolean {
  if (resource === "*:*:*" || resource === name) return true;
  return resource.endsWith(":*") && name.startsWith(resource.slice(0, -1));
}
