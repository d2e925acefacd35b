/** What a composite rule counts and what it passes over, told without counting: nothing is marked. */
import type { EventMemory } from "../correlate/event-memory.ts";
import type { RememberedEvent } from "../correlate/remembered-event.ts";
import { readerOf, type Search } from "../correlate/search.ts";
import type { Event } from "../event.ts";
import type { PlaceLookup } from "../geoip/geo-places.ts";
import type { CompiledRule } from "../match/compiled-rule.ts";
import type { Correlation } from "../ruleset/rule.ts";

export type SearchCount = {
  /** Earlier events that the rule needs. */
  readonly needed: number;
  readonly counted: number;
  /** Earlier events in the list that the rule searches, within the time frame, as far as the search went. */
  readonly looked: number;
  readonly timeframeSeconds: number;
  /** Why the others were not counted: the option, or `agent` and `type` for what each search compares. */
  readonly passedOver: readonly { readonly option: string; readonly count: number }[];
  /** The option for which this event itself lacks a value: no earlier one can be like it. */
  readonly lacking: string | null;
  /** An event that an alert of this level or above had counted ended the search. */
  readonly endedByMark: boolean;
};

/** One comparison: what the option is called, and whether an earlier event may be counted as far as it is concerned. */
type Comparison = {
  readonly option: string;
  readonly admits: (earlier: RememberedEvent, current: Event) => boolean;
};

type SameValue = {
  readonly option: string;
  readonly read: (event: RememberedEvent | Event) => string | undefined;
};

function sameValues(correlation: Correlation, places: PlaceLookup): readonly SameValue[] {
  return [
    ...correlation.same.map((field) => ({ option: `same_${field}`, read: readerOf(field, places) })),
    ...correlation.sameDynamic.map((name) => ({
      option: `same_field ${name}`,
      read: (event: RememberedEvent | Event) => event.dynamic(name.toLowerCase()),
    })),
  ];
}

/** In the order in which the peer compares. */
function comparisons(
  search: Search,
  correlation: Correlation,
  same: readonly SameValue[],
): readonly Comparison[] {
  const { source } = search;
  const different = [
    ...correlation.different.map((field) => `different_${field}`),
    ...correlation.differentDynamic.map((name) => `different_field ${name}`),
  ];
  const found: Comparison[] = [];
  if (source.kind === "any") {
    found.push({ option: "type", admits: (earlier, current) => earlier.category === current.category });
    const { log } = source;
    if (log !== null) found.push({ option: "if_matched_regex", admits: (earlier) => log.test(earlier.log) });
  }
  if (!correlation.globalFrequency) {
    found.push({ option: "agent", admits: (earlier, current) => earlier.agentId === current.agentId });
  }
  for (const { option, read } of same) {
    const admits: Comparison["admits"] = (earlier, current) => {
      const value = read(current);
      return value !== undefined && read(earlier) === value;
    };
    found.push({ option, admits });
  }
  if (different.length > 0) {
    const option = different.join(" or ");
    found.push({ option, admits: (earlier, current) => !search.rejects(earlier, current) });
  }
  return found;
}

/** The list in which the search looks holds the events of this rule. */
function isSearched({ source }: Search, rule: CompiledRule): boolean {
  if (source.kind === "any") return true;
  if (source.kind === "rule") return rule.keptByRule && rule.id === source.id;
  return !rule.keptByRule && rule.keptForRules.includes(source.ruleNumber);
}

/** To be asked before the search itself runs, which marks what it counted. */
export function countForSearch(
  search: Search,
  correlation: Correlation,
  current: Event,
  { memory, places }: { readonly memory: EventMemory; readonly places: PlaceLookup },
): SearchCount {
  const nowSeconds = Math.floor(current.receivedMs / 1000);
  const needed = search.countedFirst + 1;
  const same = sameValues(correlation, places);
  const compared = comparisons(search, correlation, same);
  const passedOver = new Map<string, number>();
  const lacking = same.find(({ read }) => read(current) === undefined)?.option ?? null;
  let looked = 0;
  let counted = 0;
  let endedByMark = false;
  for (const earlier of [...memory.remembered].reverse()) {
    if (!isSearched(search, earlier.rule)) continue;
    if (nowSeconds - earlier.receivedSeconds > search.timeframeSeconds) break;
    looked++;
    const against = compared.find(({ admits }) => !admits(earlier, current));
    if (against !== undefined) {
      passedOver.set(against.option, (passedOver.get(against.option) ?? 0) + 1);
      continue;
    }
    endedByMark = earlier.matchedLevel >= search.level;
    if (endedByMark || ++counted === needed) break;
  }
  const { timeframeSeconds } = search;
  const counts = [...passedOver].map(([option, count]) => ({ option, count }));
  return { needed, counted, looked, timeframeSeconds, passedOver: counts, lacking, endedByMark };
}
