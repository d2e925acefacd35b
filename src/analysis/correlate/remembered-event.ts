/**
 * What is kept of an event that alerted: as much as later searches look at, and no more. An event of 64 KB can have fields of
 * megabytes (JSON names repeat those above them); of dynamic fields only those that some composite rule compares are kept.
 */
import type { Event } from "../event.ts";
import type { CompiledRule } from "../match/compiled-rule.ts";

/** What two events are compared by; `Event` is one too. */
export interface ComparedEvent {
  readonly agentId: string;
  readonly location: string;
  readonly statics: readonly (string | undefined)[];
  readonly hasDynamicFields: boolean;
  dynamic(lowerName: string): string | undefined;
}

/** The dynamic fields that composite rules compare, in lower case. */
export type ComparedNames = readonly string[];

export type KeptValues = {
  readonly receivedMs: number;
  readonly agentId: string;
  readonly location: string;
  readonly category: number;
  readonly fullLog: string;
  readonly log: string;
  readonly statics: readonly (string | undefined)[];
  readonly hasDynamicFields: boolean;
  /** In the order of the compared names. */
  readonly dynamics: readonly (string | undefined)[];
  readonly matchedLevel: number;
};

export class RememberedEvent implements ComparedEvent {
  /** The rule that it alerted for. */
  readonly rule: CompiledRule;
  /** Whole seconds, as the peer compares times. */
  readonly receivedSeconds: number;
  readonly receivedMs: number;
  readonly agentId: string;
  readonly location: string;
  readonly category: number;
  readonly fullLog: string;
  readonly log: string;
  readonly statics: readonly (string | undefined)[];
  readonly hasDynamicFields: boolean;
  readonly dynamics: readonly (string | undefined)[];
  /** The level of the composite rule that counted this event: it stops later searches of that level or below. */
  matchedLevel: number;
  /** Counts the events of the memory that holds it. */
  sequence = 0;
  readonly #names: ComparedNames;

  constructor(kept: KeptValues, names: ComparedNames, rule: CompiledRule) {
    this.rule = rule;
    this.receivedMs = kept.receivedMs;
    this.receivedSeconds = Math.floor(kept.receivedMs / 1000);
    this.agentId = kept.agentId;
    this.location = kept.location;
    this.category = kept.category;
    this.fullLog = kept.fullLog;
    this.log = kept.log;
    this.statics = kept.statics;
    this.hasDynamicFields = kept.hasDynamicFields;
    this.dynamics = kept.dynamics;
    this.matchedLevel = kept.matchedLevel;
    this.#names = names;
  }

  static of(event: Event, names: ComparedNames, rule: CompiledRule): RememberedEvent {
    const dynamics = event.hasDynamicFields ? names.map((name) => event.dynamic(name)) : [];
    const { receivedMs, agentId, location, category, fullLog, log, statics, hasDynamicFields, matchedLevel } =
      event;
    const kept = { receivedMs, agentId, location, category, fullLog, log, statics, hasDynamicFields };
    return new RememberedEvent({ ...kept, dynamics, matchedLevel }, names, rule);
  }

  dynamic(lowerName: string): string | undefined {
    return this.dynamics[this.#names.indexOf(lowerName)];
  }

  /** Of its texts; `log` is a part of the message nearly always. */
  get bytes(): number {
    let bytes = this.fullLog.length + this.location.length;
    for (const value of this.statics) bytes += value?.length ?? 0;
    for (const value of this.dynamics) bytes += value?.length ?? 0;
    return bytes;
  }
}
