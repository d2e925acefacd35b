/**
 * SymantecWS_Decoder: Symantec Web Security, `20070717,73614,1=5,11=10.1.1.3,60=http://a/,10=user,3=1,2=27`.
 *
 * Pure. The first item of a kind counts; fields that the event already has are kept.
 */
import type { FieldSink, StaticField } from "./sink.ts";

/** What the peer copies of a value (wazuh v4.14.7: src/analysisd/decoders/plugins/symantecws_decoder.c). */
const NAME_BYTES_MAX = 128;
const URL_BYTES_MAX = 1024;
const ID_BYTES_MAX = 9;

export function decodeSymantecWs(log: string, sink: FieldSink): void {
  const found = new Map<StaticField, string>();
  for (let comma = log.indexOf(","); comma >= 0; ) {
    const start = comma + 1;
    let end = start;
    if (log.startsWith("10=", start)) end = take(log, start + 3, NAME_BYTES_MAX, "dstuser", found);
    else if (log.startsWith("11=", start)) end = take(log, start + 3, NAME_BYTES_MAX, "srcip", found);
    else if (log.startsWith("60=", start)) end = take(log, start + 3, URL_BYTES_MAX, "url", found);
    else if (log.startsWith("3=", start) || log.startsWith("2=", start)) {
      // The peer takes nine bytes with the prefix, and commas and further items with them.
      end = Math.min(start + ID_BYTES_MAX, log.length);
      keepFirst(found, "id", log.slice(start, end));
    }
    comma = log.indexOf(",", end);
  }
  for (const [name, value] of found) if (!sink.has(name)) sink.setStatic(name, value);
}

/** Takes a value up to the next comma or the limit and returns where it ends. */
function take(
  log: string,
  start: number,
  bytesMax: number,
  name: StaticField,
  found: Map<StaticField, string>,
): number {
  const comma = log.indexOf(",", start);
  const end = Math.min(comma < 0 ? log.length : comma, start + bytesMax);
  keepFirst(found, name, log.slice(start, end));
  return end;
}

function keepFirst(found: Map<StaticField, string>, name: StaticField, value: string): void {
  if (!found.has(name)) found.set(name, value);
}
