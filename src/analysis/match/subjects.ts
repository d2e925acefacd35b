/** The parts of an event that rules look into. */
import { DSTUSER, type Event, SRCUSER, staticIndex } from "../event.ts";
import type { FieldSlots } from "../field-slots.ts";
import { type PlaceLookup, placeOf } from "../geoip/geo-places.ts";
import type { Subject } from "../ruleset/rule.ts";

export type SubjectReader = (event: Event) => string | undefined | null;

/** What a subject is read from beside the event itself. */
export type SubjectTools = { readonly slots: FieldSlots; readonly places: PlaceLookup };

export function subjectReader(subject: Subject, { slots, places }: SubjectTools): SubjectReader {
  switch (subject.kind) {
    case "log":
      return (event) => event.log;
    case "location":
      return (event) => event.location;
    case "program_name":
      return (event) => event.programName;
    case "hostname":
      return (event) => event.hostname;
    case "user":
      return subject.sourceFirst
        ? (event) => event.statics[SRCUSER] ?? event.statics[DSTUSER]
        : (event) => event.statics[DSTUSER] ?? event.statics[SRCUSER];
    case "static": {
      const index = staticIndex(subject.field);
      return (event) => event.statics[index];
    }
    case "dynamic": {
      const slot = slots.slotOf(subject.name);
      return () => slots.values[slot];
    }
    case "place": {
      const index = staticIndex(subject.field);
      return (event) => placeOf(event.statics[index], places);
    }
  }
}

/** Equal for subjects that are read alike: names of fields compare without case. */
export function subjectKey(subject: Subject): string {
  return JSON.stringify(subject).toLowerCase();
}
