/** What the engine and the decoders that are code, each for the messages of one queue, agree on. */
import type { Event } from "../event.ts";

export type SpecialResult =
  /** The rules see the event under this decoder; what was found is in the event's fields, `log` and `fullLog`. */
  | {
      readonly kind: "event";
      /** One of `BUILT_IN_DECODER_NAMES`: what `decoded_as` compares. */
      readonly decoderName: string;
      /** What documents show, where it is not `decoderName`. */
      readonly shownName?: string;
      /** A part could not be read: a line for the log, in the peer's words. */
      readonly warning?: string;
      /** The decoder itself knows that this is new: `if_fts` holds, though the decoder selects no fields. */
      readonly firstTimeSeen?: boolean;
    }
  /** There is nothing for the rules: the message is no event, or it could not be read. */
  | {
      readonly kind: "nothing";
      /** A word for the counter. */
      readonly reason: string;
      /** The line that the peer's log has for it; null when it says nothing. */
      readonly error: string | null;
    };

export interface SpecialDecoder {
  /** Sets dynamic fields and may replace `log` and `fullLog`. Never throws, whatever the message holds. */
  decode(event: Event): SpecialResult;
}

/** Whether a module of an agent, or of this host, sent the message: the location is `(name) address->module` or `module`. */
export function isFromModule(location: string, module: string): boolean {
  if (!location.startsWith("(")) return location === module;
  const arrow = location.indexOf(">");
  return arrow >= 0 && location.slice(arrow + 1) === module;
}
