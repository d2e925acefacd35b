/** A line of firewall.log: who asked whom, and what became of it (wazuh v4.14.7: src/analysisd/alerts/log.c, FW_Log). */
import type { StaticField } from "#analysis/plugins/sink.ts";
import type { LocalClock } from "#kernel/local-time.ts";
import { type Event, staticIndex } from "../event.ts";
import { oneLine, place } from "./alert-log.ts";

/** Firewalls have many words for three things: discard, reject, block; close, teardown; allow, accept, pass, open. */
const ACTIONS: readonly (readonly [word: RegExp, shown: string])[] = [
  [/^[drb]/i, "DROP"],
  [/^[ct]/i, "CLOSED"],
  [/^[apo]|accept/i, "ALLOW"],
];

function shownAction(action: string): string {
  return ACTIONS.find(([word]) => word.test(action))?.[1] ?? "UNKNOWN";
}

/** Of an event that has all the fields. */
export function firewallLogText(event: Event, clock: LocalClock): string {
  const value = (name: StaticField) => oneLine(event.statics[staticIndex(name)] ?? "");
  const flow = `${value("srcip")}:${value("srcport")}->${value("dstip")}:${value("dstport")}`;
  const head = `${clock.logDate(event.receivedMs)} ${place(event)}`;
  return `${head} ${shownAction(value("action"))} ${value("protocol")} ${flow}\n`;
}
