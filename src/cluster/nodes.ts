/** The nodes of the cluster as the master tells them: `get_nodes` (wazuh v4.14.7: framework/wazuh/core/cluster/master.py). */
import { ClusterException, internalError } from "#formats/wire/cluster/exceptions.ts";
import {
  isObject,
  isTextList,
  type JsonObject,
  type JsonValue,
  memberOf,
  parseJson,
} from "#formats/wire/cluster/json-value.ts";
import { SMALL_PAYLOAD_BYTES_MAX } from "./limits.ts";

export type NodeInfo = {
  readonly name: string;
  readonly type: string;
  readonly version: string;
  readonly ip: string;
};

const FIELDS = ["name", "type", "version", "ip"] as const;
type Field = (typeof FIELDS)[number];

/** `DATABASE_LIMIT` and `MAXIMUM_DATABASE_LIMIT` of the peer. */
const LIMIT_USUAL = 500;
const LIMIT_MAX = 100_000;

type Query = {
  /** Null for every node. */
  readonly names: readonly string[] | null;
  readonly type: string;
  readonly offset: number;
  readonly limit: number;
  readonly sort: { readonly fields: readonly Field[]; readonly isAscending: boolean } | null;
  readonly search: { readonly value: string; readonly isNegated: boolean } | null;
  readonly select: readonly Field[];
  readonly isDistinct: boolean;
};

/** `master` first, then the workers in the order in which they came. `payload` is what was asked. */
export function nodeList(nodes: readonly NodeInfo[], payload: Buffer): JsonObject | ClusterException {
  const query = readQuery(payload);
  if (query instanceof ClusterException) return query;
  const { names, type } = query;
  if (type !== "all" && type !== "worker" && type !== "master") return badRequest(1728);
  if (names?.some((name) => nodes.every((node) => node.name !== name))) return noSuchNode();
  const found = nodes.filter(
    (node) => (names === null || names.includes(node.name)) && (type === "all" || node.type === type),
  );
  const matching = query.search === null ? found : searched(found, query.search);
  const ordered = query.sort === null ? matching : sorted(matching, query.sort);
  const shown = ordered.map((node) => Object.fromEntries(query.select.map((field) => [field, node[field]])));
  const items = query.isDistinct ? distinct(shown) : shown;
  const { offset, limit } = query;
  return { items: items.slice(offset, offset + limit), totalItems: items.length };
}

export function noSuchNode(): ClusterException {
  return new ClusterException({ class: "WazuhResourceNotFound", code: 1730 });
}

function badRequest(code: number, extraMessage: string | null = null): ClusterException {
  const extraRemediation = code === 1724 ? FIELDS.join(", ") : null;
  return new ClusterException({ class: "WazuhError", code, extraMessage, extraRemediation });
}

function readQuery(payload: Buffer): Query | ClusterException {
  const value = payload.length > SMALL_PAYLOAD_BYTES_MAX ? undefined : parseJson(payload);
  if (!isObject(value)) return internalError("the filter of the nodes is no object");
  const select = readSelect(memberOf(value, "select"));
  if (select instanceof ClusterException) return select;
  const sort = readSort(memberOf(value, "sort"));
  if (sort instanceof ClusterException) return sort;
  const limit = memberOf(value, "limit") ?? LIMIT_USUAL;
  const offset = memberOf(value, "offset") ?? 0;
  if (!isCount(limit) || !isCount(offset)) return internalError("limit and offset are numbers");
  if (limit > LIMIT_MAX) return badRequest(1405, String(limit));
  if (limit === 0) return badRequest(1406);
  const names = readNames(memberOf(value, "filter_node"));
  const search = readSearch(memberOf(value, "search"));
  if (names === undefined || search === undefined)
    return internalError("a filter of the nodes has no such form");
  const type = memberOf(value, "filter_type") ?? "all";
  const isDistinct = memberOf(value, "distinct") === true;
  return {
    names,
    type: typeof type === "string" ? type : "",
    offset,
    limit,
    sort,
    search,
    select,
    isDistinct,
  };
}

function isCount(value: JsonValue): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isField(name: string): name is Field {
  const fields: readonly string[] = FIELDS;
  return fields.includes(name);
}

/** Null for all, undefined for what is neither a name nor a list of names. */
export function readNames(value: JsonValue | undefined): readonly string[] | null | undefined {
  if (value === undefined || value === null) return null;
  if (typeof value === "string") return [value];
  return isTextList(value) ? value : undefined;
}

function readSelect(value: JsonValue | undefined): readonly Field[] | ClusterException {
  if (value === undefined || value === null) return FIELDS;
  if (!isTextList(value)) return badRequest(1724);
  const unknown = value.filter((name) => !isField(name));
  if (unknown.length > 0) return badRequest(1724, unknown.join(", "));
  return FIELDS.filter((field) => value.includes(field));
}

function readSort(value: JsonValue | undefined): Query["sort"] | ClusterException {
  if (value === undefined || value === null) return null;
  if (!isObject(value)) return badRequest(1403);
  const fields = memberOf(value, "fields");
  if (!isTextList(fields)) return badRequest(1403);
  const known = fields.filter(isField);
  if (known.length < fields.length)
    return badRequest(1403, fields.filter((name) => !isField(name)).join(", "));
  return { fields: known, isAscending: memberOf(value, "order") === "asc" };
}

function readSearch(value: JsonValue | undefined): Query["search"] | undefined {
  if (value === undefined || value === null) return null;
  const text = isObject(value) ? memberOf(value, "value") : undefined;
  if (!isObject(value) || typeof text !== "string") return undefined;
  return { value: text, isNegated: memberOf(value, "negation") === true };
}

function searched(
  nodes: readonly NodeInfo[],
  { value, isNegated }: NonNullable<Query["search"]>,
): NodeInfo[] {
  const wanted = value.toLowerCase();
  const holds = (node: NodeInfo) => FIELDS.some((field) => node[field].toLowerCase().includes(wanted));
  return nodes.filter((node) => holds(node) !== isNegated);
}

function sorted(nodes: readonly NodeInfo[], { fields, isAscending }: NonNullable<Query["sort"]>): NodeInfo[] {
  const ordered = nodes.toSorted((a, b) => {
    for (const field of fields) {
      const [left, right] = [a[field].toLowerCase(), b[field].toLowerCase()];
      if (left !== right) return left < right === isAscending ? -1 : 1;
    }
    return 0;
  });
  return ordered;
}

function distinct(items: readonly JsonObject[]): JsonObject[] {
  return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()];
}
