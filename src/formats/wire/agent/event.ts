/**
 * Events as agents send them, `<queue>:<location>:<text>`, and the form in which the manager's queue socket holds them.
 *
 * In a location `:` and `|` stand behind a `|`, because the location ends at the first bare `:`.
 */

/** What the manager writes to its queue socket is cut here. One less than the peer's OS_MAXSTR. */
export const QUEUE_MESSAGE_BYTES_MAX = 65_535;
const COLON = 0x3a;
const ESCAPE = 0x7c; // '|'
const LOCATION_AT = 2;

export type AgentEvent = {
  /** One character: where the agent took the event from (`1` file, `8` FIM, …). */
  readonly queue: string;
  /** Without escapes, one char a byte. */
  readonly location: string;
  /** A view of the message. */
  readonly text: Buffer;
};

export type EventResult =
  | { readonly ok: true; readonly event: AgentEvent }
  /** `keepalive`: dropped by intent, for agents that mark their keepalives so; nothing to log. */
  | { readonly ok: false; readonly code: "malformed" | "keepalive"; readonly log: string | null };

export function parseEvent(message: Buffer): EventResult {
  const locationEnd = message[1] === COLON ? findLocationEnd(message) : -1;
  if (locationEnd === -1) {
    return { ok: false, code: "malformed", log: "(1106): String not correctly formatted." };
  }
  const location = unescapeLocation(message.toString("latin1", LOCATION_AT, locationEnd));
  if (location.startsWith("keepalive")) return { ok: false, code: "keepalive", log: null };
  const queue = message.toString("latin1", 0, 1);
  return { ok: true, event: { queue, location, text: message.subarray(locationEnd + 1) } };
}

/** What the manager puts in front of the location: who sent the event. */
export function agentSource(agent: {
  readonly id: string;
  readonly name: string;
  readonly address: string;
}): string {
  return `[${agent.id}] (${agent.name}) ${agent.address}->`;
}

/** The datagram for `queue/sockets/queue`. */
export function formatQueueMessage(source: string, { queue, location, text }: AgentEvent): Buffer {
  const head = Buffer.from(`${queue}:${escapeLocation(source + location)}:`, "latin1");
  return Buffer.concat([head, text]).subarray(0, QUEUE_MESSAGE_BYTES_MAX);
}

export function escapeLocation(text: string): string {
  return text.replace(/[|:]/g, "|$&");
}

/** A `|` makes the next character an ordinary one; at the very end it is one itself. */
export function unescapeLocation(text: string): string {
  return text.includes("|") ? text.replace(/\|(.)/gs, "$1") : text;
}

function findLocationEnd(message: Buffer): number {
  for (let at = LOCATION_AT; at < message.length; at++) {
    if (message[at] === COLON) return at;
    if (message[at] === ESCAPE) at++;
  }
  return -1;
}
