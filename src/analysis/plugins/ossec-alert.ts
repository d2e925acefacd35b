/**
 * OSSECAlert_Decoder: an alert of another server that came in as text. It names the rule that made it, and that rule
 * becomes this event's rule without any matching:
 * `ossec: Alert Level: 3; Rule: 5715 - SSHD success.; Location: web->/var/log/auth.log; srcip: 10.0.0.1;  <log>`.
 *
 * Pure. Whatever comes out, the event's decoder type is ossec-alert once this plugin has run.
 */
import type { FieldSink } from "./sink.ts";

/** The peer's buffers (wazuh v4.14.7: src/analysisd/decoders/plugins/ossecalert_decoder.c). */
const LOCATION_BYTES_MAX = 254;
const LOG_BYTES_MAX = 4094;

export type OssecAlert =
  /** Not of this form: nothing changes. */
  | { readonly kind: "none" }
  /** The rule is not ours: a warning, nothing changes. */
  | { readonly kind: "unknown_rule"; readonly ruleId: string }
  /** The text breaks off among its fields: only the location, which is also the host name, is the new one. */
  | { readonly kind: "relocated"; readonly location: string }
  /** `location` is also the host name, `log` is also the full log. */
  | { readonly kind: "alert"; readonly ruleId: string; readonly location: string; readonly log: string };

const NONE: OssecAlert = { kind: "none" };

/** `location` is the event's own; `knowsRule` is asked for the id as it is written. */
export function decodeOssecAlert(
  log: string,
  location: string,
  knowsRule: (ruleId: string) => boolean,
  sink: FieldSink,
): OssecAlert {
  if (!log.startsWith("Alert Level:") && !log.startsWith("ossec: Alert Level")) return NONE;
  const levelEnd = log.indexOf(";");
  const ruleColon = levelEnd < 0 ? -1 : log.indexOf(":", levelEnd);
  if (ruleColon < 0 || log[ruleColon + 1] !== " ") return NONE;
  const idStart = ruleColon + 2;
  const idEnd = log.indexOf(" ", idStart);
  if (idEnd < 0) return NONE;
  const ruleId = log.slice(idStart, idEnd);
  if (!knowsRule(ruleId)) return { kind: "unknown_rule", ruleId };

  const ruleEnd = log.indexOf(";", idEnd);
  if (ruleEnd < 0 || !log.startsWith(" Location: ", ruleEnd + 1)) return NONE;
  const locationStart = ruleEnd + 1 + " Location: ".length;
  const locationEnd = log.indexOf(";", locationStart);
  if (locationEnd < 0) return NONE;
  const origin = log.slice(locationStart, locationEnd);
  const newLocation = `${location}|${origin}`.slice(0, LOCATION_BYTES_MAX);

  const restStart = readFields(log, locationEnd + 1, sink);
  if (restStart < 0) return { kind: "relocated", location: newLocation };
  const rest = log.slice(restStart).replace(/^ +/, "").slice(0, LOG_BYTES_MAX);
  return { kind: "alert", ruleId, location: newLocation, log: rest };
}

/** Reads ` name: value;` items up to the two spaces before the log. Returns where they end, or -1 when one does not end. */
function readFields(log: string, start: number, sink: FieldSink): number {
  let at = start;
  while (log[at] === " " && log[at + 1] !== " ") {
    const end = log.indexOf(";", at + 1);
    if (end < 0) return -1;
    const field = log.slice(at + 1, end);
    if (field.startsWith("srcip: ")) sink.setStatic("srcip", field.slice("srcip: ".length));
    if (field.startsWith("user: ")) sink.setStatic("dstuser", field.slice("user: ".length));
    at = end + 1;
  }
  return at;
}
