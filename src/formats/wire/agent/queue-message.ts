/**
 * The messages of the event queue socket: `<queue>:<location>:<message>`, the location escaped with `|`.
 *
 * Pure: one latin1 datagram in, its parts out. What a queue means and whether the agent exists is the caller's matter.
 * The form is that of wazuh v4.14.7: src/analysisd/cleanevent.c.
 */

/** Shorter datagrams hold nothing (wazuh v4.14.7: src/analysisd/analysisd.c). */
export const DATAGRAM_BYTES_MIN = 4;
/** Events without an agent are the manager's own. */
const LOCAL_AGENT_ID = "000";

const COLON = 0x3a;
const OPEN = 0x5b;
const PIPE = 0x7c;

export interface QueueMessage {
  /** One char: `1` local file, `2` remote syslog, `8` file integrity, … */
  readonly queue: string;
  /** As it stands in the datagram, unchecked; `000` for the manager itself. */
  readonly agentId: string;
  /** Unescaped and without the agent's id: `(web1) any->/var/log/auth.log`. */
  readonly location: string;
  /** Remote: the agent's name (empty where the location names none). Null for the manager: take the log's own. */
  readonly hostname: string | null;
  readonly message: string;
}

/** The peer logs both as 1222, the second also as `(1106): String not correctly formatted.` */
export interface QueueMessageError {
  readonly error: "queue_message_too_short" | "queue_message_unformatted";
}

export function splitQueueMessage(datagram: string): QueueMessage | QueueMessageError {
  const nul = datagram.indexOf("\0");
  // The peer handles texts that end at their first NUL.
  const text = nul < 0 ? datagram : datagram.slice(0, nul);
  if (text.length < DATAGRAM_BYTES_MIN) return { error: "queue_message_too_short" };

  let end = 2;
  let escapes = 0;
  while (end < text.length && text.charCodeAt(end) !== COLON) {
    if (text.charCodeAt(end) === PIPE) {
      escapes++;
      end++;
    }
    end++;
  }
  if (end >= text.length) return { error: "queue_message_unformatted" };
  const escaped = text.slice(2, end);
  const origin = escapes === 0 ? escaped : escaped.replaceAll(/\|(.)/gs, "$1");
  const queue = text.charAt(0);
  const message = text.slice(end + 1);

  if (origin.charCodeAt(0) !== OPEN) {
    return { queue, agentId: LOCAL_AGENT_ID, location: origin, hostname: null, message };
  }
  const close = origin.indexOf("]");
  if (close < 0) return { error: "queue_message_unformatted" };
  const location = origin.slice(close + 2);
  return { queue, agentId: origin.slice(1, close), location, hostname: agentName(location), message };
}

/** The text between the parentheses at the start of `(name) address->path`. */
export function agentName(location: string): string {
  if (!location.startsWith("(")) return "";
  const close = location.indexOf(")");
  return close < 0 ? "" : location.slice(1, close);
}
