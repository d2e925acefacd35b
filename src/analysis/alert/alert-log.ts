/** The text form of an alert (alerts.log) and of an event (archives.log): wazuh v4.14.7: src/analysisd/alerts/log.c. */
import type { LocalClock } from "#kernel/local-time.ts";
import { type Event, staticIndex } from "../event.ts";
import { describe } from "./description.ts";
import type { Verdict } from "./document.ts";

const HEAD_FIELDS: readonly (readonly [label: string, index: number])[] = [
  ["Src IP", staticIndex("srcip")],
  ["Src Port", staticIndex("srcport")],
  ["Dst IP", staticIndex("dstip")],
  ["Dst Port", staticIndex("dstport")],
  ["User", staticIndex("dstuser")],
];

/** Control bytes of a message must not forge lines: others are shown as hex, and no line of it looks like an alert's first or last. */
export function harmless(text: string): string {
  if (!/[\x00-\x08\x0a-\x1f\x7f]/.test(text)) return text;
  return text
    .replace(/[\x00-\x08\x0b-\x1f\x7f]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, "0")}`)
    .replace(/\n(?=\*\* Alert |\n|$)/g, "\n ");
}

function place(event: Event): string {
  const host = event.location.startsWith("(") ? "" : `${event.hostname ?? ""}->`;
  return harmless(host + event.location);
}

export function alertLogText(event: Event, verdict: Verdict, clock: LocalClock): string {
  const { rule } = verdict;
  const seconds = Math.floor(event.receivedMs / 1000);
  let text = `** Alert ${seconds}.${event.position}:${rule.mailed ? " mail " : ""} - ${rule.definition.groupText}\n`;
  text += `${clock.logDate(event.receivedMs)} ${place(event)}\n`;
  text += `Rule: ${rule.idText} (level ${rule.level}) -> '${harmless(describe(rule, event))}'\n`;
  for (const [label, index] of HEAD_FIELDS) {
    const value = event.statics[index];
    if (value !== undefined) text += `${label}: ${harmless(value)}\n`;
  }
  text += `${harmless(event.fullLog)}\n`;
  for (const [index, name] of event.dynamicNames.entries()) {
    const value = event.dynamicValues[index];
    if (value !== undefined && value !== "") text += `${harmless(name)}: ${harmless(value)}\n`;
  }
  if (verdict.previousLogs.length > 1) text += `${harmless(verdict.previousLogs.join("\n"))}\n`;
  return `${text}\n`;
}

export function archiveLogText(event: Event, clock: LocalClock): string {
  return `${clock.logDate(event.receivedMs)} ${place(event)} ${harmless(event.fullLog)}\n`;
}
