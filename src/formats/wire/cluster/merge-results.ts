/** One answer out of the answers of several nodes (wazuh v4.14.7: framework/wazuh/core/results.py, `|` of results and exceptions). */
import { ClusterException } from "./exceptions.ts";
import {
  AffectedItems,
  type AffectedItemsFields,
  type ClusterObject,
  type ClusterValue,
  type FailedItems,
  isClusterObject,
  PlainResult,
  type SortCasting,
  writeObjects,
} from "./objects.ts";

export type NodeAnswer = PlainResult | AffectedItems | ClusterException;

/** Of an answer's further members, those that are about the request and not about what was found. */
const KEPT_FROM_LEFT: ReadonlySet<string> = new Set(["older_than"]);

export function mergeAnswers(left: NodeAnswer, right: NodeAnswer): NodeAnswer {
  if (left instanceof ClusterException) {
    return right instanceof ClusterException ? withErrorsOf(left, right) : left;
  }
  if (right instanceof ClusterException) {
    if (!(left instanceof AffectedItems) || right.ids.length === 0) return right;
    const failedItems = unite(left.fields.failedItems, [{ error: right, ids: right.ids }]);
    return new AffectedItems({ ...left.fields, failedItems, totalFailedItems: countIds(failedItems) });
  }
  if (left instanceof PlainResult) {
    if (!(right instanceof PlainResult)) return left;
    return new PlainResult(mergeObjects(left.result, right.result, left.textPriority), left.textPriority);
  }
  return right instanceof AffectedItems ? mergeItems(left.fields, right.fields) : left;
}

function withErrorsOf(left: ClusterException, right: ClusterException): ClusterException {
  return new ClusterException({ ...fieldsOf(left), dapiErrors: { ...left.dapiErrors, ...right.dapiErrors } });
}

function fieldsOf(exception: ClusterException) {
  const { code, extraMessage, extraRemediation, isCommandError, ids } = exception;
  return { class: exception.class, code, extraMessage, extraRemediation, isCommandError, ids };
}

function mergeObjects(
  left: ClusterObject,
  right: ClusterObject,
  priority: readonly string[] | null,
): ClusterObject {
  const merged = new Map(Object.entries(left));
  for (const [key, value] of Object.entries(right)) {
    const known = merged.get(key);
    merged.set(key, known === undefined ? value : mergeValues(known, value, priority));
  }
  return Object.fromEntries(merged);
}

function mergeValues(
  left: ClusterValue,
  right: ClusterValue,
  priority: readonly string[] | null,
): ClusterValue {
  if (typeof left === "number" && typeof right === "number") return left + right;
  if (typeof left === "string" && typeof right === "string") return mergeTexts(left, right, priority);
  if (Array.isArray(left) && Array.isArray(right)) return mergeLists(left, right);
  const [leftObject, rightObject] = [membersOf(left), membersOf(right)];
  if (leftObject === null || rightObject === null) return left;
  // The peer makes a result of its own out of two objects.
  return new PlainResult(mergeObjects(leftObject, rightObject, priority), priority);
}

/** A result inside a result was made by an earlier merge. */
function membersOf(value: ClusterValue): ClusterObject | null {
  if (value instanceof PlainResult) return value.result;
  return isClusterObject(value) ? value : null;
}

function mergeTexts(left: string, right: string, priority: readonly string[] | null): string {
  if (left === right) return left;
  return priority?.find((text) => text === left || text === right) ?? `${left}|${right}`;
}

function mergeLists(left: readonly ClusterValue[], right: readonly ClusterValue[]): ClusterValue[] {
  const known = new Set(left.map(identity));
  return [...left, ...right.filter((item) => !known.has(identity(item)))];
}

/** Equal texts for equal values; members of objects in any order. */
function identity(value: ClusterValue): string {
  return JSON.stringify(writeObjects(value), (_, member: unknown) =>
    typeof member === "object" && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => compareTexts(a, b)))
      : member,
  );
}

function mergeItems(left: AffectedItemsFields, right: AffectedItemsFields): AffectedItems {
  const failedItems = unite(left.failedItems, right.failedItems);
  const isLeftOnly = (key: string) => KEPT_FROM_LEFT.has(key) && Object.hasOwn(left.extra, key);
  const added = Object.fromEntries(Object.entries(right.extra).filter(([key]) => !isLeftOnly(key)));
  return new AffectedItems({
    ...left,
    affectedItems: mergeSorted(left, right.affectedItems),
    totalAffectedItems: left.totalAffectedItems + right.totalAffectedItems,
    totalFailedItems: countIds(failedItems),
    extra: mergeObjects(left.extra, added, null),
    failedItems,
  });
}

/** The same error about several items is said once. */
function unite(left: readonly FailedItems[], right: readonly FailedItems[]): FailedItems[] {
  const united = new Map<string, FailedItems>();
  for (const { error, ids } of [...left, ...right]) {
    const key = `${error.class} ${error.text}`;
    const known = united.get(key);
    united.set(key, {
      error: known?.error ?? error,
      ids: [...new Set([...(known?.ids ?? []), ...ids])],
    });
  }
  return [...united.values()];
}

function countIds(failed: readonly FailedItems[]): number {
  return failed.reduce((count, { ids }) => count + ids.length, 0);
}

/** Both lists are sorted as the left answer says; of equal items the left one is first. */
function mergeSorted(left: AffectedItemsFields, rightItems: readonly ClusterValue[]): ClusterValue[] {
  const merged: ClusterValue[] = [];
  let taken = 0;
  for (const item of left.affectedItems) {
    for (; taken < rightItems.length; taken++) {
      const other = rightItems[taken];
      if (other === undefined || compareItems(other, item, left) >= 0) break;
      merged.push(other);
    }
    merged.push(item);
  }
  return [...merged, ...rightItems.slice(taken)];
}

function compareItems(a: ClusterValue, b: ClusterValue, fields: AffectedItemsFields): number {
  const names = fields.sortFields ?? [null];
  for (const [index, name] of names.entries()) {
    const casting = fields.sortCasting?.[index] ?? "str";
    const order = compareCast(sortValue(a, name), sortValue(b, name), casting);
    if (order !== 0) return fields.sortAscending?.[index] === false ? -order : order;
  }
  return 0;
}

/** `name` null: the item itself is sorted by. */
function sortValue(item: ClusterValue, name: string | null): ClusterValue {
  if (name === null) return item;
  const members = membersOf(item);
  return members !== null && Object.hasOwn(members, name) ? (members[name] ?? null) : null;
}

function compareCast(a: ClusterValue, b: ClusterValue, casting: SortCasting): number {
  if (casting === "str") return compareTexts(plainText(a), plainText(b));
  const [left, right] = [Number(plainText(a)), Number(plainText(b))];
  return left === right ? 0 : left < right ? -1 : 1;
}

function compareTexts(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

function plainText(value: ClusterValue): string {
  if (typeof value === "boolean") return value ? "1" : "0";
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}
