/**
 * The events that alerted, for composite rules: all of them, those of rules that `if_matched_sid` names, and those of groups that
 * `if_matched_group` names. One bound holds all lists (wazuh v4.14.7: src/analysisd/eventinfo.c, lists_list).
 */
import type { Event } from "../event.ts";
import type { CompiledRule, CompiledRules } from "../match/compiled-rule.ts";
import { EventList, EventQueue } from "./event-list.ts";
import { runSearch, type Search } from "./search.ts";

/** `<global><memory_size>`: the default and the least. */
export const MEMORY_EVENTS_DEFAULT = 8192;
export const MEMORY_EVENTS_MIN = 2048;
/** At least so many events go at once when the memory is over its bound. */
const TRIMMED_TOGETHER = 10;

export type Remembered = { readonly event: Event; readonly ruleId: number };

export class EventMemory {
  readonly #eventsMax: number;
  readonly #frequencyMax: number;
  readonly #all = new EventList();
  readonly #order = new EventQueue();
  readonly #ruleOf = new Map<Event, CompiledRule>();
  readonly #byRule = new Map<number, EventList>();
  readonly #byComposite = new Map<number, EventList>();
  #searchesAll = false;

  constructor(rules: CompiledRules, eventsMax: number) {
    this.#eventsMax = Math.max(eventsMax, MEMORY_EVENTS_MIN);
    this.#frequencyMax = rules.frequencyMax;
    for (const rule of rules.rules) if (rule.search !== null) this.#declare(rule.search);
  }

  #declare(search: Search): void {
    const list = this.#listOf(search);
    list.declare(search.signature, search.keyOf);
    if (search.source.kind === "any") this.#searchesAll = true;
  }

  #listOf(search: Search): EventList {
    const { source } = search;
    if (source.kind === "any") return this.#all;
    const [lists, key] =
      source.kind === "rule" ? [this.#byRule, source.id] : [this.#byComposite, source.ruleNumber];
    let list = lists.get(key);
    if (list === undefined) {
      list = new EventList();
      lists.set(key, list);
    }
    return list;
  }

  /** The logs that a composite rule found, or null when it does not match. */
  search(search: Search, current: Event): readonly string[] | null {
    const key = search.keyOf(current);
    const candidates = key === null ? undefined : this.#listOf(search).find(search.signature, key);
    return candidates === undefined ? null : runSearch(search, candidates, current);
  }

  remember(event: Event, rule: CompiledRule): void {
    for (const list of this.#listsFor(rule)) list.add(event);
    this.#order.push(event);
    this.#ruleOf.set(event, rule);
    if (this.#order.length > this.#eventsMax) this.#trim();
  }

  /** Oldest first, with the rule that each alerted for: what a snapshot holds. */
  *remembered(): Generator<Remembered> {
    for (const event of this.#order) {
      const rule = this.#ruleOf.get(event);
      if (rule !== undefined) yield { event, ruleId: rule.id };
    }
  }

  get length(): number {
    return this.#order.length;
  }

  #listsFor(rule: CompiledRule): EventList[] {
    const lists: EventList[] = this.#searchesAll ? [this.#all] : [];
    const ownList = rule.keptByRule ? this.#byRule.get(rule.id) : undefined;
    if (ownList !== undefined) lists.push(ownList);
    else {
      for (const composite of rule.keptForRules) {
        const list = this.#byComposite.get(composite);
        if (list !== undefined) lists.push(list);
      }
    }
    return lists;
  }

  /** The peer compares seconds with a count here; the effect is visible, so it is kept. */
  #trim(): void {
    const newest = this.#order.fromNewest(0);
    for (let dropped = 0; ; dropped++) {
      const oldest = this.#order.oldest;
      if (oldest === undefined || newest === undefined || oldest === newest) return;
      const spanSeconds = Math.floor(newest.receivedMs / 1000) - Math.floor(oldest.receivedMs / 1000);
      if (dropped >= TRIMMED_TOGETHER && spanSeconds <= this.#frequencyMax) return;
      this.#order.shift();
      const rule = this.#ruleOf.get(oldest);
      this.#ruleOf.delete(oldest);
      if (rule !== undefined) for (const list of this.#listsFor(rule)) list.dropIfOldest(oldest);
    }
  }
}
