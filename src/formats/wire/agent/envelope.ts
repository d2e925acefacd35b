/** The outermost layer of what arrives on 1514, before any key is known: who says it is speaking, or a ping. */
import { type AgentId, parseAgentId } from "#model/agent.ts";
import { badFormatLog, invalidIdLog } from "./message-logs.ts";

/** Digits of an id that cannot be one are not repeated in full: a stranger would write the log. */
const ID_DIGITS_LOGGED_MAX = 16;
const MARK = 0x21; // '!'
const PING = Buffer.from("#ping");
export const PONG = Buffer.from("#pong");

export type Envelope =
  | { readonly kind: "identified"; readonly id: AgentId; readonly sealed: Buffer }
  /** No id: the agent is the one registered with the sender's address. */
  | { readonly kind: "anonymous"; readonly sealed: Buffer }
  /** Anyone may send it; the answer is `PONG`. */
  | { readonly kind: "ping" }
  | { readonly kind: "refused"; readonly code: "id_unterminated" | "id_invalid"; readonly log: string };

/** `sealed` is a view of the payload and may be empty. */
export function splitEnvelope(payload: Buffer, peerAddress: string): Envelope {
  if (payload[0] !== MARK) {
    const isPing = payload.subarray(0, PING.length).equals(PING);
    return isPing ? { kind: "ping" } : { kind: "anonymous", sealed: payload };
  }
  let end = 1;
  while (isDigit(payload[end])) end++;
  if (payload[end] !== MARK) {
    return { kind: "refused", code: "id_unterminated", log: badFormatLog("(unknown)", peerAddress) };
  }
  const digits = payload.toString("latin1", 1, Math.min(end, 1 + ID_DIGITS_LOGGED_MAX));
  const id = parseAgentId(digits);
  if (id === null) {
    return { kind: "refused", code: "id_invalid", log: invalidIdLog(digits, peerAddress, "unknown") };
  }
  return { kind: "identified", id, sealed: payload.subarray(end + 1) };
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}
