/** Queue `e`: results of CIS-CAT scans. The members of the document become fields, as JSON_Decoder makes them. */
import { parseCJson } from "#analysis/plugins/cjson.ts";
import { decodeJson } from "#analysis/plugins/json.ts";
import type { Event } from "../event.ts";
import { membersOf } from "./json-members.ts";
import { isFromModule, type SpecialDecoder, type SpecialResult } from "./special.ts";

const DECODER_NAME = "ciscat";
/** The summary of a scan. */
const SCAN_INFO = "scan_info";

function nothing(reason: string): SpecialResult {
  return { kind: "nothing", reason, error: null };
}

export class CisCatDecoder implements SpecialDecoder {
  decode(event: Event): SpecialResult {
    if (!isFromModule(event.location, "wodle_cis-cat")) return nothing("other_location");
    const parsed = parseCJson(event.log);
    if (parsed === null) return nothing("malformed");
    const message = membersOf(parsed.value);
    const type = message.get("type");
    if (typeof type !== "string") return nothing("no_type");
    if (type === SCAN_INFO && !message.has("cis")) return nothing("incomplete");
    decodeJson(event.log, event);
    return { kind: "event", decoderName: DECODER_NAME };
  }
}
