/**
 * What the user of a request may do, as the node says that authenticated him.
 *
 * A claim: it can only take away. What a node may ask for at all is the callables' (`table.ts`), whatever it claims.
 */
import { isObject, type JsonValue } from "#formats/wire/cluster/json-value.ts";

type Effect = "allow" | "deny";
/** The later one counts. */
type Said = { readonly order: number; readonly effect: Effect };

export type Permissions = {
  /** Whether what no entry speaks of is permitted: the peer's mode `black`. */
  readonly byDefault: boolean;
  /** By action, and by the resource that it is about, such as `agent:id:001` or `agent:group:*`: many are looked up for many items. */
  readonly entries: ReadonlyMap<string, ReadonlyMap<string, Said>>;
};

export const EVERYTHING: Permissions = { byDefault: true, entries: new Map() };

/** Null for what is no such object. */
export function readPermissions(value: JsonValue): Permissions | null {
  if (!isObject(value)) return null;
  const { rbac_mode: mode = "black", ...actions } = value;
  if (mode !== "black" && mode !== "white") return null;
  const entries = new Map<string, Map<string, Said>>();
  for (const [action, resources] of Object.entries(actions)) {
    if (!isObject(resources)) return null;
    const said = new Map<string, Said>();
    let order = 0;
    for (const [resource, effect] of Object.entries(resources)) {
      if (effect !== "allow" && effect !== "deny") return null;
      const parts = resource.split("&");
      // Of several parts at once, a permission would need all of them and a refusal one: the careful reading of both.
      if (effect === "allow" && parts.length > 1) continue;
      order++;
      for (const part of parts) said.set(part, { order, effect });
    }
    entries.set(action, said);
  }
  return { byDefault: mode === "black", entries };
}

/** `names`: under which resources the item is known, such as `agent:id:001` and `agent:group:web`. The last entry that speaks of it counts. */
export function isPermitted(permissions: Permissions, action: string, names: readonly string[]): boolean {
  const entries = permissions.entries.get(action);
  let last: Said | null = null;
  for (const name of entries === undefined ? [] : names) {
    for (const resource of resourcesOf(name)) {
      const said = entries?.get(resource);
      if (said !== undefined && (last === null || said.order > last.order)) last = said;
    }
  }
  return last === null ? permissions.byDefault : last.effect === "allow";
}

/** What speaks of it: itself, everything, and everything of its kind. */
function* resourcesOf(name: string): Generator<string> {
  yield name;
  yield "*:*:*";
  for (let colon = name.indexOf(":"); colon >= 0; colon = name.indexOf(":", colon + 1))
    yield `${name.slice(0, colon + 1)}*`;
}
