/**
 * One event on its way through the engine: what the decoders found in it.
 *
 * Every text is a latin1 string (one char a byte). An event holds its own values; only `slots` is shared scratch space of the
 * engine, valid while the event is being evaluated. What later events are compared with is kept by `correlate/`.
 */
import { STATIC_FIELDS, type StaticField } from "#analysis/plugins/sink.ts";
import type { ComparedEvent } from "./correlate/remembered-event.ts";
import type { FieldSlots } from "./field-slots.ts";
import type { Decoder } from "./ruleset/decoder.ts";

const STATIC_INDEX: ReadonlyMap<string, number> = new Map(STATIC_FIELDS.map((name, index) => [name, index]));

/** Where a static field stands in `statics`. */
export function staticIndex(name: StaticField): number {
  return STATIC_INDEX.get(name) ?? -1;
}

export const DSTUSER = staticIndex("dstuser");
export const SRCUSER = staticIndex("srcuser");
export const SRCIP = staticIndex("srcip");
export const ID = staticIndex("id");

/** The peer's default of `analysisd.decoder_order_size`. */
export const DYNAMIC_FIELDS_MAX = 256;

export type EventHeader = {
  readonly position: number;
  readonly receivedMs: number;
  readonly agentId: string;
  /** What follows `[id] `: `(name) ip->/var/log/x` of an agent, the plain location on this host. */
  readonly location: string;
  readonly hostname: string | null;
  readonly programName: string | null;
  readonly timestamp: string | null;
  /** The whole message. */
  readonly fullLog: string;
  /** The message without its header: what most patterns look at. */
  readonly log: string;
  /** The byte in front of `log` is a NUL in the peer's buffer: there was no header, or the program name ended right there. */
  readonly logFollowsNul: boolean;
};

export class Event implements ComparedEvent {
  readonly position: number;
  readonly receivedMs: number;
  readonly agentId: string;
  location: string;
  hostname: string | null;
  readonly programName: string | null;
  readonly timestamp: string | null;
  fullLog: string;
  log: string;
  readonly logFollowsNul: boolean;
  decoder: Decoder;
  /** The category of the rules that see this event: the decoder's, unless a plugin says otherwise. */
  category: number;
  readonly statics: (string | undefined)[];
  readonly dynamicNames: string[] = [];
  readonly dynamicValues: string[] = [];
  readonly slots: FieldSlots;
  /** The level of the composite rule that counted this event: it stops later searches of that level or below. */
  matchedLevel = 0;
  /** A value was not stored because the field table was full. */
  truncated = false;
  /** Set by a decoder that knows by itself whether the event is new; null: `if_fts` decides by the fields. */
  firstTimeSeen: boolean | null = null;
  /** Set by a decoder that names the rule itself (alerts of another manager). */
  generatedRule: string | null = null;

  constructor(header: EventHeader, decoder: Decoder, slots: FieldSlots) {
    this.position = header.position;
    this.receivedMs = header.receivedMs;
    this.agentId = header.agentId;
    this.location = header.location;
    this.hostname = header.hostname;
    this.programName = header.programName;
    this.timestamp = header.timestamp;
    this.fullLog = header.fullLog;
    this.log = header.log;
    this.logFollowsNul = header.logFollowsNul;
    this.decoder = decoder;
    this.category = decoder.category;
    this.statics = new Array<string | undefined>(STATIC_FIELDS.length).fill(undefined);
    this.slots = slots;
  }

  /** What is said about this event, beside what its rule says: with its fields, under a number of its own. */
  remark(position: number, fullLog: string): Event {
    const remark = new Event({ ...this, position, fullLog }, this.decoder, this.slots);
    remark.category = this.category;
    for (const [index, value] of this.statics.entries()) remark.statics[index] = value;
    remark.dynamicNames.push(...this.dynamicNames);
    remark.dynamicValues.push(...this.dynamicValues);
    return remark;
  }

  setStatic(name: StaticField, value: string): void {
    this.statics[staticIndex(name)] = value;
  }

  has(name: StaticField): boolean {
    const value = this.statics[staticIndex(name)];
    return value !== undefined && value !== "";
  }

  get hasDynamicFields(): boolean {
    return this.dynamicNames.length > 0;
  }

  /** False when the table is full. A name may occur twice: look-ups see the first. */
  addDynamic(name: string, value: string): boolean {
    if (this.dynamicNames.length >= DYNAMIC_FIELDS_MAX) {
      this.truncated = true;
      return false;
    }
    this.dynamicNames.push(name);
    this.dynamicValues.push(value);
    this.slots.offer(name, value);
    return true;
  }

  /** The first dynamic field of that name, compared without case. */
  dynamic(lowerName: string): string | undefined {
    const { dynamicNames } = this;
    for (let index = 0; index < dynamicNames.length; index++) {
      const name = dynamicNames[index];
      if (name === lowerName || (name?.length === lowerName.length && name.toLowerCase() === lowerName)) {
        return this.dynamicValues[index];
      }
    }
    return undefined;
  }
}
