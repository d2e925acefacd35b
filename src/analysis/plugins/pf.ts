/**
 * PF_Decoder: lines of OpenBSD's packet filter log,
 * `… rule 2/(match) pass in on xl0: 10.0.0.1.6667 > 10.0.0.2.80: P 7408:7677(269) ack …`.
 *
 * Pure. Reads from left to right and keeps what it has set when the rest has another form.
 */
import type { FieldSink, StaticField } from "./sink.ts";

/** An address has three dots, a port follows the fourth. */
const DOTS_BEFORE_PORT = 4;

export function decodePf(log: string, sink: FieldSink): void {
  const close = log.indexOf(")");
  if (close < 0 || log[close + 1] !== " ") return;
  const actionStart = close + 2;
  const initial = log[actionStart];
  if (initial === "p") sink.setStatic("action", "pass");
  else if (initial === "b") sink.setStatic("action", "block");
  else return;

  const interfaceEnd = log.indexOf(":", actionStart);
  if (interfaceEnd < 0 || log[interfaceEnd + 1] !== " ") return;
  const sourceStart = interfaceEnd + 2;
  const sourceEnd = log.indexOf(" ", sourceStart);
  if (sourceEnd < 0) return;
  setEndpoint(log.slice(sourceStart, sourceEnd), "srcip", "srcport", sink);

  if (!log.startsWith("> ", sourceEnd + 1)) return;
  const targetStart = sourceEnd + 3;
  const targetEnd = log.indexOf(":", targetStart);
  if (targetEnd < 0) return;
  setEndpoint(log.slice(targetStart, targetEnd), "dstip", "dstport", sink);

  // UDP and ICMP are spelled out; of TCP only the flags are shown.
  const rest = log.slice(targetEnd + 1).replace(/^ +/, "");
  if (rest.startsWith("u")) sink.setStatic("protocol", "UDP");
  else if (rest.startsWith("i")) sink.setStatic("protocol", "ICMP");
  else if (rest !== "") sink.setStatic("protocol", "TCP");
}

function setEndpoint(text: string, address: StaticField, port: StaticField, sink: FieldSink): void {
  let dot = -1;
  for (let dots = 0; dots < DOTS_BEFORE_PORT; dots++) {
    dot = text.indexOf(".", dot + 1);
    if (dot < 0) {
      sink.setStatic(address, text);
      return;
    }
  }
  sink.setStatic(address, text.slice(0, dot));
  sink.setStatic(port, text.slice(dot + 1));
}
