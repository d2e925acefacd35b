/**
 * `<custom_alert_output>`: alerts.log in words of the administrator's own (wazuh v4.14.7: src/analysisd/alerts/log.c, OS_CustomLog).
 *
 * A template is read once; what an event puts in is not looked at for names again, and no byte of it can end the line.
 */
import { DSTUSER, type Event, SRCIP } from "../event.ts";
import { oneLine } from "./alert-log.ts";
import { describe } from "./description.ts";
import type { Verdict } from "./document.ts";

const MISSING = "None";

type Part = (event: Event, verdict: Verdict) => string;

const PARTS: ReadonlyMap<string, Part> = new Map(
  Object.entries<Part>({
    $TIMESTAMP: (event) => String(Math.floor(event.receivedMs / 1000)),
    $FTELL: (event) => String(event.position),
    $RULEALERT: (_, { rule }) => (rule.mailed ? "mail " : ""),
    $HOSTNAME: (event) => oneLine(event.hostname ?? MISSING),
    $LOCATION: (event) => oneLine(event.location),
    $RULEID: (_, { rule }) => rule.idText,
    $RULELEVEL: (_, { rule }) => String(rule.level),
    $RULECOMMENT: (event, { rule }) => oneLine(describe(rule, event)),
    $SRCIP: (event) => oneLine(event.statics[SRCIP] ?? MISSING),
    $DSTUSER: (event) => oneLine(event.statics[DSTUSER] ?? MISSING),
    $FULLLOG: (event) => oneLine(event.fullLog.replaceAll("\n", "\\n").replaceAll("\r", "\\r")),
    $RULEGROUP: (_, { rule }) => rule.definition.groupText,
  }),
);

const NAMES = new RegExp(`(${[...PARTS.keys()].map((name) => `\\${name}`).join("|")})`);

/** The record of an alert, with the line feed at its end. */
export type CustomAlert = (event: Event, verdict: Verdict) => string;

export function compileCustomAlert(template: string): CustomAlert {
  // What stands between the parentheses of a separator is kept, so texts and names alternate.
  const parts = template.split(NAMES).map((text): Part => PARTS.get(text) ?? (() => text));
  return (event, verdict) => {
    let record = "";
    for (const part of parts) record += part(event, verdict);
    return `${record}\n`;
  };
}
