/** Hands an event to a decoder that is code. */

import type { Event } from "../event.ts";
import { decodeJson } from "../plugins/json.ts";
import { decodeOssecAlert } from "../plugins/ossec-alert.ts";
import { decodePf } from "../plugins/pf.ts";
import { decodeSonicWall } from "../plugins/sonicwall.ts";
import { decodeSymantecWs } from "../plugins/symantec-ws.ts";
import { CATEGORY_OSSEC_ALERT, CATEGORY_SYSLOG, categoryOf } from "../ruleset/category.ts";
import type { DecoderPlugin } from "../ruleset/decoder.ts";

export type KnowsRule = (ruleId: string) => boolean;

/** `text` is the part of the log that the decoder asks for; only JSON looks at it. */
export function runPlugin(plugin: DecoderPlugin, event: Event, text: string, knowsRule: KnowsRule): void {
  switch (plugin) {
    case "JSON_Decoder":
      decodeJson(text, event, { nulls: event.decoder.jsonNull, arrays: event.decoder.jsonArray });
      return;
    case "PF_Decoder":
      decodePf(event.log, event);
      return;
    case "SymantecWS_Decoder":
      decodeSymantecWs(event.log, event);
      return;
    case "SonicWall_Decoder":
      event.category = categoryOf(decodeSonicWall(event.log, event)) ?? CATEGORY_SYSLOG;
      return;
    default:
      runOssecAlert(event, knowsRule);
  }
}

function runOssecAlert(event: Event, knowsRule: KnowsRule): void {
  const alert = decodeOssecAlert(event.log, event.location, knowsRule, event);
  event.category = CATEGORY_OSSEC_ALERT;
  if (alert.kind === "relocated" || alert.kind === "alert") event.location = event.hostname = alert.location;
  if (alert.kind !== "alert") return;
  event.log = event.fullLog = alert.log;
  event.generatedRule = alert.ruleId;
}
