/**
 * The text form of an alert (alerts.log) and of an event (archives.log): wazuh v4.14.7: src/analysisd/alerts/log.c.
 *
 * What comes from outside cannot forge a record: control bytes are shown as hex, and of a message with several lines none looks
 * like the beginning or the end of a record.
 */
import type { LocalClock } from "#kernel/local-time.ts";
import { type Event, staticIndex } from "../event.ts";
import { NO_PLACES, type PlaceLookup } from "../geoip/geo-places.ts";
import { syscheckLogLines } from "../special/syscheck-document.ts";
import { isFimEvent } from "../special/syscheck-fields.ts";
import type { ShownLabels } from "./agent-labels.ts";
import { hasOnlyLineFeeds } from "./control-bytes.ts";
import { describe } from "./description.ts";
import { alertId, type Verdict } from "./document.ts";

/** An address is followed by its place, when that is known; nothing else has a place. */
const HEAD_FIELDS: readonly (readonly [label: string, index: number, placeLabel: string])[] = [
  ["Src IP: ", staticIndex("srcip"), "Src Location: "],
  ["Src Port: ", staticIndex("srcport"), ""],
  ["Dst IP: ", staticIndex("dstip"), "Dst Location: "],
  ["Dst Port: ", staticIndex("dstport"), ""],
  ["User: ", staticIndex("dstuser"), ""],
];

/** What an alert carries beside its event. */
export type AlertAdditions = {
  readonly labels?: ShownLabels | undefined;
  readonly places?: PlaceLookup | undefined;
};

/** All control bytes but the tab. */
const CONTROL_BYTES = /[\x00-\x08\x0a-\x1f\x7f]/g;
const CONTROL_BYTES_IN_LINES = /[\x00-\x08\x0b-\x1f\x7f]/g;
/** A line feed, and behind it what could be taken for the beginning or the end of another record. */
const FORGED_LINE = /\n(?=\*\* Alert |\d{4} [A-Z][a-z]{2} \d\d |\n|$)/g;

function hex(byte: string): string {
  return `\\x${byte.charCodeAt(0).toString(16).padStart(2, "0")}`;
}

/** Messages of Windows are full of carriage returns: without a call for each it takes a third of the time. */
function withoutControlBytes(text: string, bytes: RegExp): string {
  return text.replaceAll("\r", "\\x0d").replace(bytes, hex);
}

export function oneLine(text: string): string {
  return withoutControlBytes(text, CONTROL_BYTES);
}

/** The lines of a message that goes on a line already begun. A blank in front makes a line that looks like a record harmless. */
function continued(text: string): string {
  return text.includes("\n")
    ? withoutControlBytes(text, CONTROL_BYTES_IN_LINES).replace(FORGED_LINE, "\n ")
    : oneLine(text);
}

/** What is to be changed in a text that begins a line: nearly always nothing. */
const NEEDS_CARE = /[\x00-\x08\x0a-\x1f\x7f]|^(?:\*\* Alert |\d{4} [A-Z][a-z]{2} \d\d |$)/;

/** The same for a message that begins a line. */
function lines(text: string): string {
  return NEEDS_CARE.test(text) ? continued(`\n${text}`).slice(1) : text;
}

export function fieldLine(name: string, value: string): string {
  const line = `${name}: ${value}`;
  return NEEDS_CARE.test(line) ? lines(`${oneLine(name)}: ${value}`) : line;
}

function rawPlace({ location, hostname }: Event): string {
  return location.startsWith("(") ? location : `${hostname ?? ""}->${location}`;
}

export function place(event: Event): string {
  return oneLine(rawPlace(event));
}

/** Longer values are looked at one by one: messages of Windows, of several lines nearly always, are among them. */
const SHORT_VALUE_BYTES_MAX = 64;
const NINE = 0x39;

/** Whether a text begins with a sign, a digit or not at all: nothing else looks like the beginning or the end of a record. */
function mayBeginRecord(text: string): boolean {
  return !(text.charCodeAt(0) > NINE);
}

/**
 * A record in the making. Nearly no text from outside is to be changed, so a record is first put together of texts as they are and
 * looked through as a whole: `careful` is for those where something was found.
 */
class RecordText {
  text = "";
  /** As many as it has when no text that was put as it is holds one. */
  lineFeeds = 0;
  readonly #careful: boolean;

  constructor(careful: boolean) {
    this.#careful = careful;
  }

  /** Lines of our own, or made harmless. */
  addLines(text: string): void {
    this.text += `${text}\n`;
    this.lineFeeds++;
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) this.lineFeeds++;
  }

  /** A line: texts of our own around one from outside. */
  add(before: string, text: string, after: string): void {
    this.text += `${before}${this.#careful ? oneLine(text) : text}${after}\n`;
    this.lineFeeds++;
  }

  /** A text from outside that begins a line. */
  addMessage(text: string): void {
    if (this.#careful || mayBeginRecord(text)) this.addLines(lines(text));
    else this.add("", text, "");
  }

  addField(name: string, value: string): void {
    const careful = this.#careful || value.length > SHORT_VALUE_BYTES_MAX || mayBeginRecord(name);
    if (careful) this.addLines(fieldLine(name, value));
    else {
      this.text += `${name}: ${value}\n`;
      this.lineFeeds++;
    }
  }
}

function addFields(record: RecordText, { dynamicNames, dynamicValues }: Event): void {
  for (let index = 0; index < dynamicNames.length; index++) {
    const value = dynamicValues[index] ?? "";
    if (value !== "") record.addField(dynamicNames[index] ?? "", value);
  }
}

function addHead(record: RecordText, { statics }: Event, places: PlaceLookup): void {
  for (const [label, index, placeLabel] of HEAD_FIELDS) {
    const value = statics[index];
    if (value === undefined) continue;
    record.add(label, value, "");
    const place = placeLabel === "" ? null : places(value);
    if (place !== null) record.add(placeLabel, place, "");
  }
}

function recordOf(
  careful: boolean,
  event: Event,
  verdict: Verdict,
  clock: LocalClock,
  { labels, places = NO_PLACES }: AlertAdditions,
): RecordText {
  const record = new RecordText(careful);
  const { rule } = verdict;
  record.addLines(`** Alert ${alertId(event)}:${rule.mailed ? " mail " : ""} - ${rule.definition.groupText}`);
  record.add(`${clock.logDate(event.receivedMs)} `, rawPlace(event), "");
  if (labels !== undefined && labels.lines !== "") record.addLines(labels.lines.slice(1));
  record.add(rule.shown.logStart, describe(rule, event), "'");
  addHead(record, event, places);
  record.addMessage(event.fullLog);
  // File names and diffs come from outside as every message does.
  if (isFimEvent(event)) for (const line of syscheckLogLines(event, clock)) record.addMessage(line);
  else addFields(record, event);
  for (const log of verdict.previousLogs) record.addMessage(log);
  record.addLines("");
  return record;
}

export function alertLogText(
  event: Event,
  verdict: Verdict,
  clock: LocalClock,
  additions: AlertAdditions = {},
): string {
  const record = recordOf(false, event, verdict, clock, additions);
  if (hasOnlyLineFeeds(record.text, record.lineFeeds)) return record.text;
  return recordOf(true, event, verdict, clock, additions).text;
}

export function archiveLogText(event: Event, clock: LocalClock): string {
  return `${clock.logDate(event.receivedMs)} ${place(event)} ${continued(event.fullLog)}\n`;
}
