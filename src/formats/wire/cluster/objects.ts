/**
 * The JSON of the distributed API: plain data in which marked objects stand for errors, functions, results and dates.
 * wazuh v4.14.7: framework/wazuh/core/cluster/common.py, core/results.py.
 *
 * Nothing is ever looked up or called here: a function is its name, and whoever serves requests has a table of those it knows.
 */
import { ClusterException, exceptionFields, exceptionJson, readException } from "./exceptions.ts";
import { isObject, isTextList, type JsonObject, type JsonValue, memberOf } from "./json-value.ts";

/** A function of the peer's framework, by name only. */
export class Callable {
  readonly module: string;
  readonly qualifiedName: string;
  readonly name: string;
  /** Bound to the peer's `Wazuh` object: what that holds is kept as data. */
  readonly boundTo: JsonValue | undefined;

  constructor(fields: { module: string; qualifiedName: string; name: string; boundTo?: JsonValue }) {
    this.module = fields.module;
    this.qualifiedName = fields.qualifiedName;
    this.name = fields.name;
    this.boundTo = fields.boundTo;
  }
}

export class PlainResult {
  readonly result: ClusterObject;
  readonly textPriority: readonly string[] | null;

  constructor(result: ClusterObject, textPriority: readonly string[] | null = null) {
    this.result = result;
    this.textPriority = textPriority;
  }
}

export type FailedItems = { readonly error: ClusterException; readonly ids: readonly JsonValue[] };

/** How values are made comparable; the peer takes no other name from the wire (since 4.14.6). */
const CASTINGS = ["int", "float", "str", "bool"] as const;
export type SortCasting = (typeof CASTINGS)[number];

export type AffectedItemsFields = {
  readonly affectedItems: readonly ClusterValue[];
  readonly sortFields: readonly string[] | null;
  readonly sortCasting: readonly SortCasting[] | null;
  readonly sortAscending: readonly boolean[] | null;
  readonly totalAffectedItems: number;
  readonly totalFailedItems: number;
  /** What else the answer holds. */
  readonly extra: ClusterObject;
  readonly allMessage: string;
  readonly someMessage: string;
  readonly noneMessage: string;
  readonly failedItems: readonly FailedItems[];
};

export class AffectedItems {
  readonly fields: AffectedItemsFields;

  constructor(fields: AffectedItemsFields) {
    this.fields = fields;
  }
}

/** ISO 8601, a date or a date with a time; kept as text. */
export class DateTime {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** An error of Python itself; its class is a name and never made. */
export class UnhandledError {
  readonly class: string;
  readonly arguments: readonly JsonValue[];

  constructor(name: string, args: readonly JsonValue[]) {
    this.class = name;
    this.arguments = args;
  }
}

export type Marked = ClusterException | Callable | PlainResult | AffectedItems | DateTime | UnhandledError;
const MARKED_CLASSES = [
  ClusterException,
  Callable,
  PlainResult,
  AffectedItems,
  DateTime,
  UnhandledError,
] as const;
export type ClusterObject = { readonly [key: string]: ClusterValue };
export type ClusterValue =
  | null
  | boolean
  | number
  | string
  | readonly ClusterValue[]
  | ClusterObject
  | Marked;

/** Undefined when an object is marked but is not what its mark says. */
export function readObjects(value: JsonValue): ClusterValue | undefined {
  if (Array.isArray(value)) return readList(value);
  if (!isObject(value)) return scalarOf(value);
  const keys = Object.keys(value);
  const mark = keys.find((key) => Object.hasOwn(READERS, key));
  if (mark === undefined) return readMembers(value);
  return keys.length === 1 ? READERS[mark]?.(value[mark]) : undefined;
}

function scalarOf(value: JsonValue): ClusterValue | undefined {
  return typeof value === "object" && value !== null ? undefined : value;
}

function readList(items: readonly JsonValue[]): ClusterValue[] | undefined {
  const values: ClusterValue[] = [];
  for (const item of items) {
    const value = readObjects(item);
    if (value === undefined) return undefined;
    values.push(value);
  }
  return values;
}

function readMembers(object: JsonObject): ClusterObject | undefined {
  const members: [string, ClusterValue][] = [];
  for (const [key, member] of Object.entries(object)) {
    const value = readObjects(member);
    if (value === undefined) return undefined;
    members.push([key, value]);
  }
  return Object.fromEntries(members);
}

const READERS: Readonly<Record<string, (value: JsonValue | undefined) => Marked | undefined>> = {
  __wazuh_exception__: (value) => readException(value) ?? undefined,
  __callable__: readCallable,
  __wazuh_result__: readResult,
  __wazuh_datetime__: (value) =>
    typeof value === "string" && DATE_TIME.test(value) ? new DateTime(value) : undefined,
  __unhandled_exc__: readUnhandled,
};

const DATE_TIME = /^[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9:.]{5,15}(?:Z|[+-][0-9]{2}:[0-9]{2})?)?$/;

function readCallable(value: JsonValue | undefined): Callable | undefined {
  if (!isObject(value)) return undefined;
  const name = memberOf(value, "__name__");
  const boundTo = memberOf(value, "__wazuh__");
  // A bound method has no module and no qualified name of its own.
  const module = memberOf(value, "__module__") ?? "";
  const qualifiedName = memberOf(value, "__qualname__") ?? name;
  if (typeof name !== "string" || typeof module !== "string" || typeof qualifiedName !== "string") {
    return undefined;
  }
  return new Callable({ module, qualifiedName, name, ...(boundTo === undefined ? {} : { boundTo }) });
}

function readUnhandled(value: JsonValue | undefined): UnhandledError | undefined {
  if (!isObject(value)) return undefined;
  const name = memberOf(value, "__class__");
  const args = memberOf(value, "__args__");
  return typeof name === "string" && Array.isArray(args) ? new UnhandledError(name, args) : undefined;
}

function readResult(value: JsonValue | undefined): PlainResult | AffectedItems | undefined {
  if (!isObject(value)) return undefined;
  const fields = memberOf(value, "__object__");
  if (!isObject(fields)) return undefined;
  switch (memberOf(value, "__class__")) {
    case "WazuhResult":
      return readPlainResult(fields);
    case "AffectedItemsWazuhResult":
      return readAffectedItems(fields);
    default:
      return undefined;
  }
}

function readPlainResult(fields: JsonObject): PlainResult | undefined {
  const result = memberOf(fields, "result");
  const textPriority = memberOf(fields, "str_priority") ?? null;
  if (!isObject(result) || (textPriority !== null && !isTextList(textPriority))) return undefined;
  const members = readMembers(result);
  return members === undefined ? undefined : new PlainResult(members, textPriority);
}

function isCastingList(value: JsonValue): value is readonly SortCasting[] {
  const names: readonly string[] = CASTINGS;
  return isTextList(value) && value.every((name) => names.includes(name));
}

function isFlagList(value: JsonValue): value is readonly boolean[] {
  return Array.isArray(value) && value.every((item) => typeof item === "boolean");
}

function readAffectedItems(fields: JsonObject): AffectedItems | undefined {
  const items = memberOf(fields, "affected_items");
  const extra = memberOf(fields, "dikt") ?? {};
  const sortFields = memberOf(fields, "sort_fields") ?? null;
  const sortCasting = memberOf(fields, "sort_casting") ?? null;
  const sortAscending = memberOf(fields, "sort_ascending") ?? null;
  const totalAffectedItems = memberOf(fields, "total_affected_items");
  const totalFailedItems = memberOf(fields, "total_failed_items");
  const [allMessage, someMessage, noneMessage] = ["all_msg", "some_msg", "none_msg"].map((key) =>
    memberOf(fields, key),
  );
  if (!Array.isArray(items) || !isObject(extra)) return undefined;
  if (sortFields !== null && !isTextList(sortFields)) return undefined;
  if (sortCasting !== null && !isCastingList(sortCasting)) return undefined;
  if (sortAscending !== null && !isFlagList(sortAscending)) return undefined;
  if (typeof totalAffectedItems !== "number" || typeof totalFailedItems !== "number") return undefined;
  if (typeof allMessage !== "string" || typeof someMessage !== "string" || typeof noneMessage !== "string") {
    return undefined;
  }
  const affectedItems = readList(items);
  const extraMembers = readMembers(extra);
  const failedItems = readFailedItems(fields);
  if (affectedItems === undefined || extraMembers === undefined || failedItems === undefined)
    return undefined;
  return new AffectedItems({
    affectedItems,
    sortFields,
    sortCasting,
    sortAscending,
    totalAffectedItems,
    totalFailedItems,
    extra: extraMembers,
    allMessage,
    someMessage,
    noneMessage,
    failedItems,
  });
}

/** Two lists of equal length: the errors, and for each the items it is about. */
function readFailedItems(fields: JsonObject): FailedItems[] | undefined {
  const errors = memberOf(fields, "failed_items_keys");
  const idLists = memberOf(fields, "failed_items_values");
  if (!Array.isArray(errors) || !Array.isArray(idLists) || errors.length !== idLists.length) return undefined;
  const failed: FailedItems[] = [];
  for (const [index, item] of errors.entries()) {
    const error = readException(item);
    const ids: JsonValue | undefined = idLists[index];
    if (error === null || !Array.isArray(ids)) return undefined;
    failed.push({ error, ids });
  }
  return failed;
}

export function writeObjects(value: ClusterValue): JsonValue {
  if (Array.isArray(value)) return value.map(writeObjects);
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof ClusterException) return exceptionJson(value);
  if (value instanceof Callable) return { __callable__: callableJson(value) };
  if (value instanceof PlainResult) {
    const fields = { str_priority: value.textPriority, result: writeMembers(value.result) };
    return { __wazuh_result__: { __class__: "WazuhResult", __object__: fields } };
  }
  if (value instanceof AffectedItems) {
    const fields = affectedItemsJson(value.fields);
    return { __wazuh_result__: { __class__: "AffectedItemsWazuhResult", __object__: fields } };
  }
  if (value instanceof DateTime) return { __wazuh_datetime__: value.text };
  if (value instanceof UnhandledError) {
    return { __unhandled_exc__: { __class__: value.class, __args__: value.arguments } };
  }
  return isClusterObject(value) ? writeMembers(value) : null;
}

/** Plain members, not a marked object. */
export function isClusterObject(value: ClusterValue): value is ClusterObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isMarked(value);
}

function isMarked(value: object): value is Marked {
  return MARKED_CLASSES.some((marked) => value instanceof marked);
}

function writeMembers(object: ClusterObject): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([key, member]) => [key, writeObjects(member)]));
}

function callableJson({ name, module, qualifiedName, boundTo }: Callable): JsonObject {
  if (boundTo !== undefined) return { __name__: name, __wazuh__: boundTo };
  return { __name__: name, __module__: module, __qualname__: qualifiedName, __type__: "function" };
}

function affectedItemsJson(fields: AffectedItemsFields): JsonObject {
  return {
    affected_items: fields.affectedItems.map(writeObjects),
    sort_fields: fields.sortFields,
    sort_casting: fields.sortCasting,
    sort_ascending: fields.sortAscending,
    total_affected_items: fields.totalAffectedItems,
    total_failed_items: fields.totalFailedItems,
    dikt: writeMembers(fields.extra),
    all_msg: fields.allMessage,
    some_msg: fields.someMessage,
    none_msg: fields.noneMessage,
    failed_items_keys: fields.failedItems.map(({ error }) => ({
      __object__: exceptionFields(error),
      __class__: error.class,
    })),
    failed_items_values: fields.failedItems.map(({ ids }) => ids),
  };
}
