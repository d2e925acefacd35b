/**
 * Queue `f`: events of Windows event channels, `{"Message":"…","Event":"<Event …>…</Event>"}`.
 *
 * The event becomes one JSON document, `{"win":{"system":{…},"eventdata":{…},…}}`: it replaces the log, and its leaves are the
 * fields. The XML is read as it stands in the JSON text, escapes and all, so a value with a backslash has two of them.
 */
import { type CJsonValue, parseCJson } from "#analysis/plugins/cjson.ts";
import { printCJson } from "#analysis/plugins/cjson-print.ts";
import type { Event } from "../event.ts";
import { ownCopy } from "../own-copy.ts";
import { membersOf } from "./json-members.ts";
import type { SpecialDecoder, SpecialResult } from "./special.ts";
import { FieldGroup, readWindowsXml, type WindowsFields } from "./windows-xml.ts";

const DECODER_NAME = "windows_eventchannel";
/** Of an unreadable event in the log: enough to know it again. */
const SHOWN_BYTES_MAX = 256;
/** A longer name is in the document and no field: one of 20 KiB would stand before each of 256 values of a remembered event. */
const FIELD_NAME_BYTES_MAX = 1024;

/** Control bytes that JSON has no short escape for. */
const LONG_ESCAPED = /[\0-\x07\v\x0e-\x1f]/;
const ESCAPED = /\\([btnfr"\\])/g;
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ["b", "\b"],
  ["t", "\t"],
  ["n", "\n"],
  ["f", "\f"],
  ["r", "\r"],
  ['"', '"'],
  ["\\", "\\"],
]);

export class WindowsEventDecoder implements SpecialDecoder {
  decode(event: Event): SpecialResult {
    const parsed = parseCJson(event.log);
    if (parsed === null) {
      return { kind: "nothing", reason: "malformed", error: "Malformed EventChannel JSON event." };
    }
    const received = membersOf(parsed.value);
    const rendered = received.get("event");
    if (rendered === undefined) return { kind: "nothing", reason: "no_event", error: null };

    const text = printCJson(rendered);
    const read = readWindowsXml(text);
    // An event whose XML cannot be read still has its message.
    const fields = read ?? { system: new FieldGroup(), eventData: new FieldGroup(), other: null };
    const message = received.get("message");
    if (message !== undefined) fields.system.add("message", messageText(message));
    setDocument(event, fields);
    if (read !== null) return { kind: "event", decoderName: DECODER_NAME };
    const warning = `Could not read XML string: '${text.slice(0, SHOWN_BYTES_MAX)}'`;
    return { kind: "event", decoderName: DECODER_NAME, warning };
  }
}

/** The JSON text of the message with its short escapes undone and its quotes kept: rules of the peer expect them. */
function messageText(message: CJsonValue): string {
  // Most texts come out as they went in. Measured: this takes a quarter off the time of an event.
  if (typeof message === "string" && !LONG_ESCAPED.test(message)) return `"${message}"`;
  return printCJson(message).replace(ESCAPED, (_, kind: string) => ESCAPES.get(kind) ?? "");
}

function setDocument(event: Event, { system, eventData, other }: WindowsFields): void {
  let json = `{"win":{"system":${addGroup(event, "win.system.", system)}`;
  if (eventData.names.length > 0) json += `,"eventdata":${addGroup(event, "win.eventdata.", eventData)}`;
  if (other !== null)
    json += `,${JSON.stringify(other.name)}:${addGroup(event, `win.${other.name}.`, other.fields)}`;
  // In one piece: joined as it is, it would be remembered with all its parts, three times as large.
  event.log = event.fullLog = ownCopy(`${json}}}`);
}

/** Sets the fields and returns them as a JSON object. */
function addGroup(event: Event, prefix: string, { names, values }: FieldGroup): string {
  let json = "{";
  for (const [index, name] of names.entries()) {
    const value = values[index] ?? "";
    if (prefix.length + name.length <= FIELD_NAME_BYTES_MAX) event.addDynamic(prefix + name, value);
    else event.truncated = true;
    json += `${index === 0 ? "" : ","}${JSON.stringify(name)}:${JSON.stringify(value)}`;
  }
  return `${json}}`;
}
