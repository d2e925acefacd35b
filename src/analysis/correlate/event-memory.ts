/**
 * The events that alerted, for composite rules: all of them, those of rules that `if_matched_sid` names, and those of groups that
 * `if_matched_group` names. One bound holds all lists (wazuh v4.14.7: src/analysisd/eventinfo.c, lists_list).
 */
import type { Event } from "../event.ts";
import type { CompiledRule, CompiledRules } from "../match/compiled-rule.ts";
import { EventList, EventQueue } from "./event-list.ts";
import { type ComparedNames, type KeptValues, RememberedEvent } from "./remembered-event.ts";
import { runSearch, type Search } from "./search.ts";

/** `<global><memory_size>`: the default and the least. */
export const MEMORY_EVENTS_DEFAULT = 8192;
export const MEMORY_EVENTS_MIN = 2048;
/** On average, so that events of the largest size cannot take the memory of everything else: 32 MiB with the default. */
export const MEMORY_BYTES_PER_EVENT = 4096;
/** At least so many events go at once when the memory is over its bound. */
const TRIMMED_TOGETHER = 10;

export class EventMemory {
  /** What is kept of dynamic fields. */
  readonly comparedNames: ComparedNames;
  readonly #eventsMax: number;
  readonly #bytesMax: number;
  readonly #frequencyMax: number;
  readonly #all = new EventList();
  readonly #order = new EventQueue();
  readonly #byRule = new Map<number, EventList>();
  readonly #byComposite = new Map<number, EventList>();
  /** For rules that count only what came since then: the first sequence of it. */
  readonly #countsFrom = new Map<Search, number>();
  #nextSequence = 0;
  #searchesAll = false;
  #bytes = 0;

  constructor(rules: CompiledRules, eventsMax: number) {
    this.#eventsMax = Math.max(eventsMax, MEMORY_EVENTS_MIN);
    this.#bytesMax = this.#eventsMax * MEMORY_BYTES_PER_EVENT;
    this.#frequencyMax = rules.frequencyMax;
    this.comparedNames = [...new Set(rules.rules.flatMap(({ search }) => search?.dynamicNames ?? []))];
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
    return candidates === undefined ? null : runSearch(search, candidates, current, this.countsFrom(search));
  }

  /** The sequence of the first event that the search may count. */
  countsFrom(search: Search): number {
    return this.#countsFrom.get(search) ?? 0;
  }

  setCountsFrom(search: Search, sequence: number): void {
    if (sequence > 0) this.#countsFrom.set(search, sequence);
  }

  /** Of the event that is remembered next. */
  get nextSequence(): number {
    return this.#nextSequence;
  }

  remember(event: Event, rule: CompiledRule): void {
    this.#add(RememberedEvent.of(event, this.comparedNames, rule));
  }

  /** Puts back what a snapshot held; oldest first. */
  restore(kept: KeptValues, rule: CompiledRule): void {
    this.#add(new RememberedEvent(kept, this.comparedNames, rule));
  }

  /** Oldest first. */
  get remembered(): Iterable<RememberedEvent> {
    return this.#order;
  }

  get length(): number {
    return this.#order.length;
  }

  /** Of the remembered texts. */
  get bytes(): number {
    return this.#bytes;
  }

  #add(event: RememberedEvent): void {
    event.sequence = this.#nextSequence++;
    for (const list of this.#listsFor(event.rule)) list.add(event);
    this.#order.push(event);
    this.#bytes += event.bytes;
    if (this.#order.length > this.#eventsMax) this.#trim(event);
    while (this.#bytes > this.#bytesMax && this.#order.length > 1) this.#dropOldest();
  }

  #listsFor(rule: CompiledRule): EventList[] {
    const lists: EventList[] = this.#searchesAll ? [this.#all] : [];
    const own = rule.keptByRule ? [this.#byRule.get(rule.id)] : null;
    for (const list of own ?? rule.keptForRules.map((composite) => this.#byComposite.get(composite))) {
      if (list !== undefined) lists.push(list);
    }
    return lists;
  }

  /** The peer compares seconds with a count here; the effect is visible, so it is kept. */
  #trim(newest: RememberedEvent): void {
    for (let dropped = 0; ; dropped++) {
      const { oldest } = this.#order;
      if (oldest === undefined || oldest === newest) return;
      const spanSeconds = newest.receivedSeconds - oldest.receivedSeconds;
      if (dropped >= TRIMMED_TOGETHER && spanSeconds <= this.#frequencyMax) return;
      this.#dropOldest();
    }
  }

  #dropOldest(): void {
    const oldest = this.#order.shift();
    if (oldest === undefined) return;
    this.#bytes -= oldest.bytes;
    for (const list of this.#listsFor(oldest.rule)) list.dropIfOldest(oldest);
  }
}
