/** Answers of functions: lists of items, and what went wrong with single ones. */
import { ClusterException, type ExceptionClass } from "#formats/wire/cluster/exceptions.ts";
import {
  AffectedItems,
  type AffectedItemsFields,
  type ClusterObject,
  type ClusterValue,
} from "#formats/wire/cluster/objects.ts";

export type Messages = { readonly all: string; readonly some: string; readonly none: string };

const NOT_FOUND: ReadonlySet<number> = new Set([1006, 1701, 1710, 1730, 1802, 1906]);

export function apiError(
  code: number,
  extraMessage: string | null = null,
  ids: readonly string[] = [],
): ClusterException {
  return new ClusterException({ class: classOf(code), code, extraMessage, ids });
}

function classOf(code: number): ExceptionClass {
  if (code === 4000) return "WazuhPermissionError";
  return NOT_FOUND.has(code) ? "WazuhResourceNotFound" : "WazuhError";
}

type Sorting = { readonly field: string | null; readonly casting: "int" | "str" };

/** Collects items and failures; failures of one error are said together. */
export class ItemsAnswer {
  readonly #messages: Messages;
  readonly #sorting: Sorting;
  readonly #failed = new Map<string, { error: ClusterException; ids: (string | number)[] }>();
  readonly #items: ClusterValue[] = [];
  readonly #extra: ClusterObject;
  #total: number | null = null;

  constructor(messages: Messages, sorting: Sorting, extra: ClusterObject = {}) {
    this.#messages = messages;
    this.#sorting = sorting;
    this.#extra = extra;
  }

  add(item: ClusterValue): void {
    this.#items.push(item);
  }

  /** A page of more items. */
  addPage(items: readonly ClusterValue[], total: number): void {
    for (const item of items) this.#items.push(item);
    this.#total = total;
  }

  /** Rules are known by numbers, all else by texts. */
  fail(id: string | number, error: ClusterException): void {
    const known = this.#failed.get(error.text);
    if (known === undefined) this.#failed.set(error.text, { error, ids: [id] });
    else known.ids.push(id);
  }

  get answer(): AffectedItems {
    const { field, casting } = this.#sorting;
    const failedItems = [...this.#failed.values()];
    const fields: AffectedItemsFields = {
      affectedItems: this.#items,
      sortFields: field === null ? null : [field],
      sortCasting: [casting],
      sortAscending: [true],
      totalAffectedItems: this.#total ?? this.#items.length,
      totalFailedItems: failedItems.reduce((count, { ids }) => count + ids.length, 0),
      extra: this.#extra,
      allMessage: this.#messages.all,
      someMessage: this.#messages.some,
      noneMessage: this.#messages.none,
      failedItems,
    };
    return new AffectedItems(fields);
  }
}
