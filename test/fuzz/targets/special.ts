/**
 * The messages that decoders in code read, generated from valid ones: members missing, null, of a wrong kind, huge, doubled, nested
 * without end; Windows events damaged inside their XML too; all with flipped and cut bytes. Several agents, so that states meet.
 */
import type { SeededRandom } from "#testing/random.ts";
import { damagedJson, damagedText, oddText } from "../damage.ts";
import { type FuzzEvent, printEvent } from "../event-lines.ts";
import { SPECIAL_MESSAGES, type SpecialMessage } from "../special-documents.ts";
import type { Target } from "../target.ts";
import { changeEvents, isForeignEvents, printHead, runEvents } from "./events.ts";

const EVENTS_MAX = 40;
const DEEP = 10_000;

const XML_WORDS = [
  "<Data>",
  "</Data>",
  "<Data Name='x'>",
  "<System>",
  "</Event>",
  "<EventData>",
  "<!--",
  "-->",
  "<a b='c'/>",
  "<",
  "/>",
  "='",
  "%%8448",
  "(NULL)",
  "\\",
];

/** More, wider and deeper XML than any event has. */
function hostileXml(random: SeededRandom, xml: string): string {
  const at = xml.indexOf("<Data");
  const insert = (text: string): string => xml.slice(0, at) + text + xml.slice(at);
  switch (random.below(7)) {
    case 0:
      return insert("<Data Name='a'>x</Data>".repeat(1 + random.below(3000)));
    case 1:
      return insert(`<Data ${"b='1' ".repeat(random.below(5000))}>x</Data>`);
    case 2:
      return insert("<a>".repeat(random.below(DEEP)));
    case 3:
      return insert(`<Data Name='${"n".repeat(65_000)}'>x</Data>`);
    case 4:
      return insert(`<Data Name='u'>${"\xf0\x9f\x92\xa9".repeat(16_000)}</Data>`);
    default:
      return damagedText(random, xml, XML_WORDS);
  }
}

function eventChannel(random: SeededRandom, message: string): string {
  try {
    const document = JSON.parse(message);
    if (typeof document.Event === "string") {
      return JSON.stringify({ ...document, Event: hostileXml(random, document.Event) });
    }
  } catch {
    // It is damaged already.
  }
  return damagedJson(random, message);
}

function damagedMessage(random: SeededRandom, message: string): string {
  const isWindowsEvent = message.includes("<Event");
  let damaged = message;
  if (isWindowsEvent && random.below(3) > 0) damaged = eventChannel(random, damaged);
  else if (message.startsWith("{")) damaged = damagedJson(random, damaged);
  if (damaged === message || random.below(5) === 0) damaged = damagedText(random, damaged, []);
  return damaged;
}

function specialEvent(random: SeededRandom, known: SpecialMessage): FuzzEvent {
  const agent = random.pick(["000", "001", "001", "002"]);
  const module = random.below(20) === 0 ? oddText(random) : known.module;
  return {
    queue: random.below(30) === 0 ? random.pick(SPECIAL_MESSAGES).queue : known.queue,
    agent,
    location: agent === "000" ? module : `(web${agent}) any->${module}`,
    message: random.below(3) === 0 ? known.message : damagedMessage(random, known.message),
    after: random.below(2000),
  };
}

export const specialTarget: Target = {
  make(random) {
    // Few kinds at a time, so that one meets what another one left.
    const kinds = Array.from({ length: 1 + random.below(4) }, () => random.pick(SPECIAL_MESSAGES));
    const events = Array.from({ length: 1 + random.below(EVENTS_MAX) }, () =>
      printEvent(specialEvent(random, random.pick(kinds))),
    );
    const head = { set: "everything", memory: random.pick([3, 50, 8192]) } as const;
    return [printHead(head), ...events].join("\n");
  },
  change: (random, input, other) =>
    changeEvents(random, input, other, (message) => damagedMessage(random, message)),
  run: runEvents,
  isForeign: isForeignEvents,
};
