/** A page of a list of objects: filtered, searched, sorted, with some of their fields. Field names have dots for objects inside objects. */
import { isTextList, type JsonObject, memberOf } from "#formats/wire/cluster/json-value.ts";
import {
  type ClusterObject,
  type ClusterValue,
  DateTime,
  isClusterObject,
  writeObjects,
} from "#formats/wire/cluster/objects.ts";
import { apiError } from "./answers.ts";
import { type Arguments, invalid } from "./arguments.ts";
import { ApiRefusal } from "./callable.ts";
import { PAGE_ITEMS, PAGE_ITEMS_MAX, QUERY_PARTS_MAX } from "./limits.ts";
import { type Clause, clausesOf, meets, readWhere, type Where } from "./where.ts";

export type ListQuery = {
  readonly offset: number;
  /** Null: all from there on. */
  readonly limit: number | null;
  readonly sort: { readonly fields: readonly string[]; readonly isAscending: boolean } | null;
  readonly search: Search | null;
  readonly select: readonly string[] | null;
  /** Each item once; nothing is shown that was not selected. */
  readonly isDistinct: boolean;
  /** A value of each must be there. */
  readonly filters: ReadonlyMap<string, readonly string[]>;
  /** Null: all. */
  readonly where: Where | null;
};

type Search = {
  readonly text: string;
  readonly isNegated: boolean;
  /** Null: in all that an item holds. */
  readonly fields: readonly string[] | null;
};

/** What can be said of a list's items. `always` is shown whatever was selected; names below a field of `open` are the items' own. */
export type ListForm = {
  readonly fields: ReadonlySet<string>;
  readonly always: readonly string[];
  readonly open?: string;
};

/** `usualLimit` is for calls without one. */
export function readListQuery(values: Arguments, usualLimit: number | null = PAGE_ITEMS): ListQuery {
  const offset = values.count("offset") ?? 0;
  // A null asks for all: the peer lists the agents of a group so before it restarts them.
  const limit = values.count("limit") ?? (values.isGiven("limit") ? null : usualLimit);
  if (limit === 0) throw new ApiRefusal(apiError(1406));
  if (limit !== null && limit > PAGE_ITEMS_MAX) throw new ApiRefusal(apiError(1405));
  const query = {
    offset,
    limit,
    sort: readSort(values),
    search: readSearch(values),
    select: values.texts("select"),
    isDistinct: values.flag("distinct"),
    filters: readFilters(values.object("filters")),
    where: readWhere(values.text("q") ?? ""),
  };
  if (partsOf(query) > QUERY_PARTS_MAX) throw invalid("select, sort, search, filters or q");
  return query;
}

function partsOf({ sort, search, select, filters, where }: ListQuery): number {
  const lists = [sort?.fields, search?.fields, select, ...filters.values(), clausesOf(where)];
  return lists.reduce((sum, list) => sum + (list?.length ?? 0), 0);
}

/** `sort`, or `sort_by` and `sort_ascending`: functions of the peer have the one or the others. */
function readSort(values: Arguments): ListQuery["sort"] {
  const sort = values.object("sort");
  const isAscending = values.flag("sort_ascending", true);
  const by = values.texts("sort_by") ?? [];
  if (sort === null) return by.length === 0 ? null : { fields: by, isAscending };
  const { fields, order = "asc" } = sort;
  if (!isTextList(fields) || (order !== "asc" && order !== "desc")) throw invalid("sort");
  return fields.length === 0 ? null : { fields, isAscending: order === "asc" };
}

/** `search`, or `search_text`, `complementary_search` and `search_in_fields`. */
function readSearch(values: Arguments): ListQuery["search"] {
  const search = values.object("search");
  const plain = {
    text: values.text("search_text"),
    isNegated: values.flag("complementary_search"),
    fields: values.texts("search_in_fields"),
  };
  if (search === null) return plain.text === null ? null : { ...plain, text: plain.text.toLowerCase() };
  const { value, negation = false } = search;
  if (typeof value !== "string") throw invalid("search");
  return { text: value.toLowerCase(), isNegated: negation === true || negation === 1, fields: null };
}

/** A value `all` asks for nothing. */
function readFilters(filters: JsonObject | null): ReadonlyMap<string, readonly string[]> {
  const read = new Map<string, readonly string[]>();
  for (const field of Object.keys(filters ?? {})) {
    const value = memberOf(filters ?? {}, field) ?? null;
    if (value === null) continue;
    const values = typeof value === "string" ? value.split(",") : value;
    if (!isTextList(values)) throw invalid(`filters.${field}`);
    if (!values.includes("all"))
      read.set(
        field,
        values.map((text) => text.toLowerCase()),
      );
  }
  return read;
}

export type Page = { readonly items: readonly ClusterObject[]; readonly total: number };

/** Throws `ApiRefusal` for fields that the list has not. */
export function pageOfList(items: readonly ClusterObject[], query: ListQuery, form: ListForm): Page {
  checkFields(query, form);
  const { offset, limit, select, isDistinct } = query;
  const found = items.filter((item) => isWanted(item, query));
  const sorted = query.sort === null ? found : found.toSorted(order(query.sort));
  const pageOf = (all: readonly ClusterObject[]) =>
    all.slice(offset, limit === null ? undefined : offset + limit);
  if (select === null) return { items: pageOf(sorted), total: found.length };
  const shown = new Set(isDistinct ? select : [...form.always, ...select]);
  if (!isDistinct) return { items: pageOf(sorted).map((item) => selected(item, shown)), total: found.length };
  const once = new Map(
    sorted.map((item) => selected(item, shown)).map((item) => [JSON.stringify(writeObjects(item)), item]),
  );
  return { items: pageOf([...once.values()]), total: once.size };
}

/** A list is sorted by fields that all of its items have. */
const SORT_CODE = 1403;

/** Throws `ApiRefusal` for fields that the list has not. */
export function checkFields({ sort, select, where, filters }: ListQuery, { fields, open }: ListForm): void {
  const isOpen = (name: string) => open !== undefined && name.startsWith(`${open}.`);
  const demand = (code: number, names: readonly string[]) => {
    const unknown = names.find((name) => !fields.has(name) && (code === SORT_CODE || !isOpen(name)));
    if (unknown === undefined) return;
    const known = [...fields].sort().join(", ");
    throw new ApiRefusal(apiError(code, `Available fields: ${known}. Field: ${unknown}`));
  };
  demand(SORT_CODE, sort?.fields ?? []);
  demand(1724, select ?? []);
  demand(1408, [...clausesOf(where).map(({ field }) => field), ...filters.keys()]);
}

/** Null: the item has no such field. */
export function fieldOf(item: ClusterObject, path: string): ClusterValue {
  let value: ClusterValue = item;
  for (const step of path.split(".")) {
    if (!isClusterObject(value) || !Object.hasOwn(value, step)) return null;
    value = value[step] ?? null;
  }
  return value;
}

function isWanted(item: ClusterObject, { filters, search, where }: ListQuery): boolean {
  for (const [field, values] of filters) {
    if (!textsOf(fieldOf(item, field)).some((text) => values.includes(text))) return false;
  }
  if (search !== null) {
    const isFound = searched(item, search).some((text) => text.includes(search.text));
    if (isFound === search.isNegated) return false;
  }
  return where === null || meets(where, (clause) => holds(item, clause));
}

function searched(item: ClusterObject, { fields }: Search): readonly string[] {
  return fields === null ? leavesOf(item) : fields.flatMap((field) => leavesOf(fieldOf(item, field)));
}

function holds(item: ClusterObject, { field, operator, value }: Clause): boolean {
  const texts = textsOf(fieldOf(item, field));
  switch (operator) {
    case "=":
      return isEqual(texts, value);
    case "!=":
      return !isEqual(texts, value);
    case "~":
      return texts.some((text) => text.includes(value));
    case "<":
      return texts.some((text) => compare(text, value) < 0);
    default:
      return texts.some((text) => compare(text, value) > 0);
  }
}

/** `null` asks for what is not there; numbers are equal however they are written. */
function isEqual(texts: readonly string[], value: string): boolean {
  if (texts.length === 0) return value === "null";
  return texts.some((text) => compare(text, value) === 0);
}

/** In lower case; a list has several. */
function textsOf(value: ClusterValue): readonly string[] {
  if (value === null) return [];
  if (Array.isArray(value)) return value.flatMap(textsOf);
  if (value instanceof DateTime) return [value.text.toLowerCase()];
  return typeof value === "object" ? [] : [String(value).toLowerCase()];
}

function leavesOf(value: ClusterValue): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(leavesOf);
  return isClusterObject(value) ? Object.values(value).flatMap(leavesOf) : textsOf(value);
}

function order({ fields, isAscending }: NonNullable<ListQuery["sort"]>) {
  return (a: ClusterObject, b: ClusterObject): number => {
    for (const field of fields) {
      const [left = ""] = textsOf(fieldOf(a, field));
      const [right = ""] = textsOf(fieldOf(b, field));
      const result = compare(left, right);
      if (result !== 0) return isAscending ? result : -result;
    }
    return 0;
  };
}

const NUMBER = /^-?[0-9]+(?:\.[0-9]+)?$/;

function compare(left: string, right: string): number {
  if (NUMBER.test(left) && NUMBER.test(right)) return Number(left) - Number(right);
  return left === right ? 0 : left < right ? -1 : 1;
}

function selected(item: ClusterObject, shown: ReadonlySet<string>, prefix = ""): ClusterObject {
  const members: [string, ClusterValue][] = [];
  for (const [name, value] of Object.entries(item)) {
    const path = `${prefix}${name}`;
    if (shown.has(path)) members.push([name, value]);
    else if (isClusterObject(value)) {
      const inner = selected(value, shown, `${path}.`);
      if (Object.keys(inner).length > 0) members.push([name, inner]);
    }
  }
  return Object.fromEntries(members);
}
