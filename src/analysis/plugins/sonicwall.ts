/**
 * SonicWall_Decoder: `… pri=6 c=262144 m=98 msg="…" n=23419 src=10.0.0.2:36701:WAN dst=10.0.0.1:50000:WAN proto=tcp/50000`.
 *
 * Pure. The kind of a line depends on its numbers, so the decoder's type is a result of each event.
 */
import assert from "node:assert/strict";
import { compilePattern, type Pattern } from "#formats/patterns/pattern.ts";
import type { FieldSink } from "./sink.ts";

/** What the event's decoder type becomes. */
export type SonicWallType = "syslog" | "ids" | "firewall" | "squid";

/** The patterns of wazuh v4.14.7: src/analysisd/decoders/plugins/sonicwall_decoder.c. */
const NUMBERS = osRegex("pri=(\\d) c=(\\d+) m=(\\d+) ");
const ENDPOINTS = osRegex("src=(\\d+.\\d+.\\d+.\\d+):(\\d+):\\S+ dst=(\\d+.\\d+.\\d+.\\d+):(\\d+):");
const PROXY = osRegex("result=(\\d+) dstname=(\\S+) arg=(\\S+)$");

/** The protocol is cut to so many bytes. */
const PROTOCOL = /^proto=([-().0-9@A-Z_a-z]{0,6})/;

const CATEGORY_ATTACK = "32";
const ID_PROXY = "97";
const FIREWALL_ACTIONS: ReadonlyMap<string, string> = new Map([
  ["98", "pass"],
  ["597", "pass"],
  ["598", "pass"],
  ["36", "drop"],
  ["37", "drop"],
  ["38", "drop"],
  ["173", "drop"],
  ["174", "drop"],
  ["537", "close"],
]);

export function decodeSonicWall(log: string, sink: FieldSink): SonicWallType {
  const numbers = NUMBERS.match(log);
  const [status, category, id] = numbers?.captures ?? [];
  if (numbers === null || status === undefined || category === undefined || id === undefined) return "syslog";
  sink.setStatic("status", status);
  sink.setStatic("id", id);

  const afterNumbers = log.slice(numbers.end);
  const endpoints = ENDPOINTS.match(afterNumbers);
  const [srcip, srcport, dstip, dstport] = endpoints?.captures ?? [];
  if (endpoints === null || srcip === undefined || srcport === undefined) return "syslog";
  if (dstip === undefined || dstport === undefined) return "syslog";
  sink.setStatic("srcip", srcip);
  sink.setStatic("srcport", srcport);
  sink.setStatic("dstip", dstip);
  sink.setStatic("dstport", dstport);

  const space = afterNumbers.indexOf(" ", endpoints.end);
  const rest = space < 0 ? "" : afterNumbers.slice(space + 1);
  const protocol = PROTOCOL.exec(rest)?.[1];
  if (protocol !== undefined) sink.setStatic("protocol", protocol);

  if (category === CATEGORY_ATTACK) return "ids";
  const action = FIREWALL_ACTIONS.get(id);
  if (action !== undefined) {
    sink.setStatic("action", action);
    return "firewall";
  }
  if (id !== ID_PROXY) return "syslog";
  setProxyFields(rest, sink);
  return "squid";
}

/** The answer's number takes the place of the message's. */
function setProxyFields(rest: string, sink: FieldSink): void {
  const [result, host, path] = PROXY.match(rest)?.captures ?? [];
  if (result === undefined) return;
  sink.setStatic("id", result);
  if (host !== undefined && path !== undefined) sink.setStatic("url", host + path);
}

function osRegex(text: string): Pattern {
  const result = compilePattern("osregex", text, { mode: "capturing" });
  assert(result.ok, `pattern ${text}`);
  return result.pattern;
}
