/** A page of the rules or decoders of a node, read from their files. A heavy job: the peer's 4,500 rules take a few hundred milliseconds. */
import type { ClusterObject, ClusterValue } from "#formats/wire/cluster/objects.ts";
import type { XmlElement } from "#formats/xml/elements.ts";
import { readPlainXml } from "#formats/xml/xml.ts";
import { messageOf } from "#kernel/errors.ts";
import type { Files } from "#kernel/ports/files.ts";
import { fieldOf, type ListForm, type ListQuery, type Page, pageOfList } from "../listing.ts";
import { decoderItems } from "./decoder-items.ts";
import type { ItemFile } from "./item-file.ts";
import { REQUIREMENTS, ruleItems } from "./rule-items.ts";

/** What it takes to make the list, all plain data. */
export type RulesetListing = {
  readonly what: "rule" | "decoder";
  readonly sources: readonly (ItemFile & { readonly path: string })[];
  readonly query: ListQuery;
  readonly filter: ItemFilter;
  /** The different values of a field that is a list; null: the items themselves. */
  readonly valuesOf: string | null;
};

export type ItemFilter = {
  /** The items with these keys; null: all. */
  readonly keys: readonly (string | number)[] | null;
  /** From and to. */
  readonly levels: readonly [number, number] | null;
  /** Must hold a text, each in its list. */
  readonly members: ReadonlyMap<string, string>;
  /** Without those that have a parent. */
  readonly parentsOnly: boolean;
};

export const EVERY_ITEM: ItemFilter = { keys: null, levels: null, members: new Map(), parentsOnly: false };

export type RulesetPage = Page & {
  /** Keys that no item has. */
  readonly unknown: readonly (string | number)[];
  /** Files that could not be read, and why. */
  readonly unread: readonly { readonly file: string; readonly reason: string }[];
};

const RULE_FORM: ListForm = {
  always: ["id"],
  open: "details",
  fields: new Set([
    ...["description", "details", "filename", "groups", "id", "level", "relative_dirname", "status"],
    ...REQUIREMENTS,
  ]),
};
const DECODER_FORM: ListForm = {
  always: ["filename", "position"],
  open: "details",
  fields: new Set(["filename", "relative_dirname", "name", "position", "status", "details"]),
};
const VALUE_FORM: ListForm = { always: ["value"], fields: new Set(["value"]) };
/** What items are asked for by. */
const KEYS = { rule: "id", decoder: "name" } as const;

export function formOf({ what, valuesOf }: Pick<RulesetListing, "what" | "valuesOf">): ListForm {
  if (valuesOf !== null) return VALUE_FORM;
  return what === "rule" ? RULE_FORM : DECODER_FORM;
}

export function listRuleset(files: Files, listing: RulesetListing): RulesetPage {
  const { filter, query, valuesOf } = listing;
  const { items, unread } = readItems(files, listing);
  const form = formOf(listing);
  const key = KEYS[listing.what];
  const keys = new Set(items.map((item) => item[key]));
  const unknown = (filter.keys ?? []).filter((key) => !keys.has(key));
  const wanted = items.filter((item) => isWanted(item, filter, key));
  if (valuesOf === null) return { ...pageOfList(wanted, query, form), unknown, unread };
  const values = differentValues(wanted, valuesOf);
  const sorted = query.sort?.isAscending === false ? values.toReversed() : values;
  return { ...pageOfList(sorted, { ...query, sort: null }, form), unknown, unread };
}

function readItems(files: Files, { what, sources }: RulesetListing) {
  const items: ClusterObject[] = [];
  const unread: { file: string; reason: string }[] = [];
  const itemsOf: (elements: readonly XmlElement[], file: ItemFile) => readonly ClusterObject[] =
    what === "rule" ? ruleItems : decoderItems;
  for (const file of sources) {
    try {
      const outcome = readPlainXml(files.read(file.path).toString("utf8"), file.name);
      if (outcome.ok) for (const item of itemsOf(outcome.elements, file)) items.push(item);
      else unread.push({ file: file.name, reason: outcome.reason });
    } catch (error) {
      unread.push({ file: file.name, reason: messageOf(error) });
    }
  }
  return { items, unread };
}

function isWanted(
  item: ClusterObject,
  { keys, levels, members, parentsOnly }: ItemFilter,
  key: string,
): boolean {
  const value = item[key];
  if (keys !== null && !keys.some((wanted) => wanted === value)) return false;
  const level = Number(item["level"]);
  if (levels !== null && (level < levels[0] || level > levels[1])) return false;
  if (parentsOnly && fieldOf(item, "details.parent") !== null) return false;
  for (const [field, text] of members) if (!textsIn(item[field]).includes(text)) return false;
  return true;
}

/** Sorted as texts: capitals first, and `10.2` before `2.1`. */
function differentValues(items: readonly ClusterObject[], field: string): readonly ClusterObject[] {
  const values = new Set(items.flatMap((item) => textsIn(item[field])));
  return [...values].sort().map((value) => ({ value }));
}

function textsIn(value: ClusterValue | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((text) => typeof text === "string") : [];
}
