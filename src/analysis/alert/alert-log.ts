/**
 * The text form of an alert (alerts.log) and of an event (archives.log): wazuh v4.14.7: src/analysisd/alerts/log.c.
 *
 * What comes from outside cannot forge a record: control bytes are shown as hex, and of a message with several lines none looks
 * like the beginning or the end of a record.
 */
import type { LocalClock } from "#kernel/local-time.ts";
import { type Event, staticIndex } from "../event.ts";
import { syscheckLogLines } from "../special/syscheck-document.ts";
import { isFimEvent } from "../special/syscheck-fields.ts";
import { describe } from "./description.ts";
import type { Verdict } from "./document.ts";

const HEAD_FIELDS: readonly (readonly [label: string, index: number])[] = [
  ["Src IP", staticIndex("srcip")],
  ["Src Port", staticIndex("srcport")],
  ["Dst IP", staticIndex("dstip")],
  ["Dst Port", staticIndex("dstport")],
  ["User", staticIndex("dstuser")],
];

/** All control bytes but the tab. */
const CONTROL_BYTES = /[\x00-\x08\x0a-\x1f\x7f]/g;
const CONTROL_BYTES_IN_LINES = /[\x00-\x08\x0b-\x1f\x7f]/g;
/** A line feed, and behind it what could be taken for the beginning or the end of another record. */
const FORGED_LINE = /\n(?=\*\* Alert |\d{4} [A-Z][a-z]{2} \d\d |\n|$)/g;

function hex(byte: string): string {
  return `\\x${byte.charCodeAt(0).toString(16).padStart(2, "0")}`;
}

function oneLine(text: string): string {
  return text.replace(CONTROL_BYTES, hex);
}

/** The lines of a message that goes on a line already begun. A blank in front makes a line that looks like a record harmless. */
function continued(text: string): string {
  return text.includes("\n")
    ? text.replace(CONTROL_BYTES_IN_LINES, hex).replace(FORGED_LINE, "\n ")
    : oneLine(text);
}

/** What is to be changed in a text that begins a line: nearly always nothing. */
const NEEDS_CARE = /[\x00-\x08\x0a-\x1f\x7f]|^(?:\*\* Alert |\d{4} [A-Z][a-z]{2} \d\d |$)/;

/** The same for a message that begins a line. */
function lines(text: string): string {
  return NEEDS_CARE.test(text) ? continued(`\n${text}`).slice(1) : text;
}

function fieldLine(name: string, value: string): string {
  const line = `${name}: ${value}`;
  return NEEDS_CARE.test(line) ? lines(`${oneLine(name)}: ${value}`) : line;
}

function place(event: Event): string {
  const host = event.location.startsWith("(") ? "" : `${event.hostname ?? ""}->`;
  return oneLine(host + event.location);
}

function fieldLines(event: Event): string {
  let text = "";
  for (const [index, name] of event.dynamicNames.entries()) {
    const value = event.dynamicValues[index];
    if (value !== undefined && value !== "") text += `${fieldLine(name, value)}\n`;
  }
  return text;
}

/** File names and diffs come from outside as every message does. */
function fimLines(event: Event, clock: LocalClock): string {
  return syscheckLogLines(event, clock)
    .map((line) => `${lines(line)}\n`)
    .join("");
}

export function alertLogText(event: Event, verdict: Verdict, clock: LocalClock): string {
  const { rule } = verdict;
  const seconds = Math.floor(event.receivedMs / 1000);
  let text = `** Alert ${seconds}.${event.position}:${rule.mailed ? " mail " : ""} - ${rule.definition.groupText}\n`;
  text += `${clock.logDate(event.receivedMs)} ${place(event)}\n`;
  text += `Rule: ${rule.idText} (level ${rule.level}) -> '${oneLine(describe(rule, event))}'\n`;
  for (const [label, index] of HEAD_FIELDS) {
    const value = event.statics[index];
    if (value !== undefined) text += `${label}: ${oneLine(value)}\n`;
  }
  text += `${lines(event.fullLog)}\n`;
  text += isFimEvent(event) ? fimLines(event, clock) : fieldLines(event);
  for (const log of verdict.previousLogs) text += `${lines(log)}\n`;
  return `${text}\n`;
}

export function archiveLogText(event: Event, clock: LocalClock): string {
  return `${clock.logDate(event.receivedMs)} ${place(event)} ${continued(event.fullLog)}\n`;
}
