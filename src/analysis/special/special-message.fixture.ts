/** Events for tests of the decoders that are code, and messages with something wrong in them. */
import { splitQueueMessage } from "#formats/wire/agent/queue-message.ts";
import { Event } from "../event.ts";
import { FieldSlots } from "../field-slots.ts";
import { NO_DECODER } from "../ruleset/decoder.ts";

const slots = new FieldSlots();

/** As it comes from the event queue; `datagram` is text, its UTF-8 bytes are the message. */
export function eventOf(datagram: string): Event {
  const parts = splitQueueMessage(Buffer.from(datagram, "utf8").toString("latin1"));
  if ("error" in parts) throw new Error(parts.error);
  const header = {
    position: 1,
    receivedMs: 1_700_000_000_000,
    agentId: parts.agentId,
    location: parts.location,
    hostname: parts.hostname,
    programName: null,
    timestamp: null,
    fullLog: parts.message,
    log: parts.message,
    logFollowsNul: true,
  };
  slots.clear();
  return new Event(header, NO_DECODER, slots);
}

export function fieldsOf({ dynamicNames, dynamicValues }: Event): [name: string, value: string][] {
  return dynamicNames.map((name, index) => [name, dynamicValues[index] ?? ""]);
}

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** What may stand in the place of any value. */
const WRONG_VALUES: readonly Json[] = [
  null,
  true,
  0,
  -1.5,
  1e300,
  "",
  "x".repeat(65_536),
  "\u{1f4a9}".repeat(1000),
  [],
  {},
  [[["a"]]],
  { type: "x" },
];

/** The document with each of its members, at any depth, missing and of every wrong value. */
export function* damaged(document: Json): Generator<Json> {
  if (typeof document !== "object" || document === null || Array.isArray(document)) return;
  for (const [name, value] of Object.entries(document)) {
    const { [name]: _, ...others } = document;
    yield others;
    for (const wrong of WRONG_VALUES) yield { ...document, [name]: wrong };
    for (const inner of damaged(value)) yield { ...document, [name]: inner };
  }
}
