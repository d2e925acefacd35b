/**
 * The stateful search of a composite rule (`if_matched_*`): were there enough earlier events like this one?
 *
 * Quirks of the peer that rule sets rely on are kept (wazuh v4.14.7: src/analysisd/eventinfo.c): the newest counted event and the
 * current one are marked with the rule's level, and a marked event ends every later search of that level or below.
 */
import type { Pattern } from "#formats/patterns/pattern.ts";
import { type Event, staticIndex } from "../event.ts";
import { type PlaceLookup, placeOf } from "../geoip/geo-places.ts";
import {
  type ComparedField,
  type Correlation,
  FREQUENCY_OFFSET,
  type RuleDefinition,
} from "../ruleset/rule.ts";
import type { EventQueue, KeyOf } from "./event-list.ts";
import type { ComparedEvent, RememberedEvent } from "./remembered-event.ts";

/** The peer keeps at most so many earlier logs for an alert. */
const PREVIOUS_LOGS_MAX = 11;

export type SearchSource =
  | { readonly kind: "rule"; readonly id: number }
  | { readonly kind: "group"; readonly ruleNumber: number }
  | { readonly kind: "any"; readonly log: Pattern | null };

export type Search = {
  readonly source: SearchSource;
  /** Earlier events that are only counted; the next one makes the match. */
  readonly countedFirst: number;
  readonly timeframeSeconds: number;
  readonly level: number;
  /** The combination of fields by which earlier events are looked up, and how to make its key. */
  readonly signature: string;
  readonly keyOf: KeyOf;
  /** True when an earlier event is to be passed over because a field that must differ is equal. */
  readonly rejects: (earlier: ComparedEvent, current: ComparedEvent) => boolean;
  /** The dynamic fields that are compared, in lower case. */
  readonly dynamicNames: readonly string[];
  /** What `same_srcgeoip` and its like ask. */
  readonly places: PlaceLookup;
};

export type ValueReader = (event: ComparedEvent) => string | undefined;

export function readerOf(field: ComparedField, places: PlaceLookup): ValueReader {
  if (field === "location") return (event) => event.location;
  if (field === "srcgeoip" || field === "dstgeoip") {
    // Not kept with an event: it is the same for the same address.
    const address = staticIndex(field === "srcgeoip" ? "srcip" : "dstip");
    return (event) => placeOf(event.statics[address], places);
  }
  const index = staticIndex(field);
  return (event) => event.statics[index];
}

function keyOfFields(correlation: Correlation, places: PlaceLookup): KeyOf {
  const readers = [
    ...correlation.same.map((field) => readerOf(field, places)),
    ...correlation.sameDynamic.map((name): ValueReader => {
      const lowerName = name.toLowerCase();
      return (event) => event.dynamic(lowerName);
    }),
  ];
  const perAgent = !correlation.globalFrequency;
  return (event) => {
    // Values come from outside: the lengths keep two of them apart whatever bytes they hold.
    let key = perAgent ? event.agentId : "";
    for (const read of readers) {
      const value = read(event);
      if (value === undefined) return null;
      key += `:${value.length}:${value}`;
    }
    return key;
  };
}

function rejecterOf(correlation: Correlation, places: PlaceLookup): Search["rejects"] {
  const readers = correlation.different.map((field) => readerOf(field, places));
  const names = correlation.differentDynamic.map((name) => name.toLowerCase());
  const equal = (left: string | undefined, right: string | undefined) => left !== undefined && left === right;
  return (earlier, current) => {
    if (readers.some((read) => equal(read(earlier), read(current)))) return true;
    if (names.length === 0) return false;
    // Two events without any dynamic field cannot differ in one.
    if (!earlier.hasDynamicFields && !current.hasDynamicFields) return true;
    return names.some((name) => equal(earlier.dynamic(name), current.dynamic(name)));
  };
}

export function compileSearch(rule: RuleDefinition, ruleNumber: number, places: PlaceLookup): Search | null {
  const { correlation } = rule;
  if (correlation === null) return null;
  const { source } = correlation;
  return {
    source: source.kind === "group" ? { kind: "group", ruleNumber } : source,
    countedFirst: rule.frequency === null ? 0 : rule.frequency - FREQUENCY_OFFSET,
    timeframeSeconds: rule.timeframeSeconds,
    level: rule.level,
    signature: JSON.stringify([
      correlation.globalFrequency,
      correlation.same,
      correlation.sameDynamic.map((name) => name.toLowerCase()),
    ]),
    keyOf: keyOfFields(correlation, places),
    rejects: rejecterOf(correlation, places),
    dynamicNames: [...correlation.sameDynamic, ...correlation.differentDynamic].map((name) =>
      name.toLowerCase(),
    ),
    places,
  };
}

/** The logs of the counted events, newest first, when the rule matches; null when it does not. Marks events on a match. */
export function runSearch(
  search: Search,
  candidates: EventQueue,
  current: Event,
  countsFrom: number,
): readonly string[] | null {
  const nowSeconds = Math.floor(current.receivedMs / 1000);
  const { source } = search;
  const previousLogs: string[] = [];
  let newest: RememberedEvent | null = null;
  let counted = 0;
  for (let index = 0; ; index++) {
    const earlier = candidates.fromNewest(index);
    if (earlier === undefined || earlier.sequence < countsFrom) return null;
    if (nowSeconds - earlier.receivedSeconds > search.timeframeSeconds) return null;
    if (source.kind === "any") {
      if (earlier.category !== current.category) continue;
      if (source.log !== null && !source.log.test(earlier.log)) continue;
    }
    if (search.rejects(earlier, current)) continue;
    if (earlier.matchedLevel >= search.level) return null;
    const final = counted >= search.countedFirst;
    if (previousLogs.length < PREVIOUS_LOGS_MAX && !(final && source.kind === "any")) {
      previousLogs.push(earlier.fullLog);
    }
    if (final) break;
    newest ??= earlier;
    counted++;
  }
  current.matchedLevel = search.level;
  if (newest !== null) newest.matchedLevel = search.level;
  return previousLogs;
}
