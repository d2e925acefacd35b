/** From the bytes of one message to the event that goes to the journal, over whichever transport they came. */
import { toClassicLine } from "#formats/syslog/classic-line.ts";
import { MESSAGE_BYTES_MAX } from "#formats/syslog/limits.ts";
import { withoutPriority } from "#formats/syslog/message.ts";
import { escapeLocation } from "#formats/wire/agent/event.ts";
import type { EventInput, Latin1 } from "#model/event-block.ts";
import type { SyslogListenerConfig } from "./config.ts";
import type { SyslogEvents } from "./events.ts";

/** `2:` and the `:` behind the location, which the peer counts when it cuts a message. */
const QUEUE_PREFIX_CHARS = 3;

export type Received = {
  /** Without its line end. */
  readonly message: Buffer;
  /** The message was longer. */
  readonly cut: boolean;
  /** The peer's form of the sender's address. */
  readonly location: string;
  readonly receivedMs: number;
};

/** Null for a message without a text. The event may share the memory of the message. */
export function eventOf(
  received: Received,
  format: SyslogListenerConfig["format"],
  events: SyslogEvents,
): EventInput | null {
  const { cut, location, message, receivedMs } = received;
  const line =
    format === "raw" ? null : toClassicLine(message.toString("latin1"), { address: location, receivedMs });
  if (line !== null) events.count("syslog_messages_rfc5424");
  const text = line ?? withoutPriority(message);
  if (text.length === 0) {
    events.count("syslog_messages_empty");
    return null;
  }
  const textBytesMax = MESSAGE_BYTES_MAX - QUEUE_PREFIX_CHARS - escapeLocation(location).length;
  if (cut || text.length > textBytesMax) events.count("syslog_messages_cut");
  const shown = cutTo(text, textBytesMax);
  return { receivedMs, queue: "2", agentId: "000", locationPrefix: "", location, message: shown };
}

function cutTo(text: Buffer | string, bytesMax: number): Latin1 {
  if (text.length <= bytesMax) return text;
  return typeof text === "string" ? text.slice(0, bytesMax) : text.subarray(0, bytesMax);
}
