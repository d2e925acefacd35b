/**
 * What a line of a replayed file is: a message of the event queue, an event of archives.json, a dead letter, or a plain log line.
 *
 * Pure; byte strings in, an event or a reason out.
 */
import { type QueueMessageError, splitQueueMessage } from "#formats/wire/agent/queue-message.ts";
import { isObject, parseJsonBytes } from "../bytes.ts";

export type ReplayedEvent = {
  /** Null when the line says nothing of a time. */
  readonly receivedMs: number | null;
  readonly queue: string;
  readonly agentId: string;
  readonly location: string;
  readonly message: string;
};

export type InputLine =
  | { readonly kind: "event"; readonly event: ReplayedEvent }
  | { readonly kind: "blank" }
  | { readonly kind: "refused"; readonly reason: QueueMessageError["error"] };

const LOG_QUEUE = "1";
const LOCAL_AGENT_ID = "000";
/** `2026-11-21T06:44:10.115+0000`, as documents write it; a `Z` and a colon in the zone are understood too. */
const TIMESTAMP = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?)(?:([+-]\d\d):?(\d\d)|Z)$/;

function timeOf(timestamp: string): number | null {
  const [, time, hours, minutes] = TIMESTAMP.exec(timestamp) ?? [];
  const ms =
    time === undefined
      ? Number.NaN
      : Date.parse(`${time}${hours === undefined ? "Z" : `${hours}:${minutes}`}`);
  return Number.isNaN(ms) ? null : ms;
}

function readDatagram(datagram: string): InputLine {
  const parts = splitQueueMessage(datagram);
  if ("error" in parts) return { kind: "refused", reason: parts.error };
  const { queue, agentId, location, message } = parts;
  return { kind: "event", event: { receivedMs: null, queue, agentId, location, message } };
}

/** The location as the queue had it: an agent's name and address stand in front. */
function archivedOrigin(agent: unknown, location: string): { agentId: string; location: string } {
  if (!isObject(agent) || typeof agent["id"] !== "string" || agent["id"] === LOCAL_AGENT_ID) {
    return { agentId: LOCAL_AGENT_ID, location };
  }
  const text = (key: string, absent: string) => (typeof agent[key] === "string" ? agent[key] : absent);
  return { agentId: agent["id"], location: `(${text("name", "")}) ${text("ip", "any")}->${location}` };
}

/** Exactly what the engine was given; null when it is another object with an event and a time. */
function readDeadLetter(event: Readonly<Record<string, unknown>>, timestamp: string): InputLine | null {
  const { queue, agent: agentId, location, message } = event;
  if (typeof queue !== "string" || typeof agentId !== "string") return null;
  if (typeof location !== "string" || typeof message !== "string") return null;
  return { kind: "event", event: { receivedMs: timeOf(timestamp), queue, agentId, location, message } };
}

function readObject(line: string): InputLine | null {
  const value = line.startsWith("{") ? parseJsonBytes(line) : undefined;
  if (!isObject(value)) return null;
  const { datagram, full_log: message, location, timestamp, agent, event: deadEvent } = value;
  if (typeof datagram === "string") return readDatagram(datagram);
  if (typeof timestamp === "string" && isObject(deadEvent)) return readDeadLetter(deadEvent, timestamp);
  if (typeof message !== "string" || typeof location !== "string" || typeof timestamp !== "string")
    return null;
  const event = {
    receivedMs: timeOf(timestamp),
    queue: LOG_QUEUE,
    ...archivedOrigin(agent, location),
    message: untilNul(message),
  };
  return { kind: "event", event };
}

/** The engine handles texts that end at their first NUL, as the peer does. */
function untilNul(text: string): string {
  const nul = text.indexOf("\0");
  return nul < 0 ? text : text.slice(0, nul);
}

/** `plainLocation` is where plain log lines come from. */
export function readInputLine(line: string, plainLocation: string): InputLine {
  if (line === "") return { kind: "blank" };
  const event = {
    receivedMs: null,
    queue: LOG_QUEUE,
    agentId: LOCAL_AGENT_ID,
    location: plainLocation,
    message: untilNul(line),
  };
  return readObject(line) ?? { kind: "event", event };
}
