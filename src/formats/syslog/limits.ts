/** The bounds of syslog messages, with their reasons. */
import { QUEUE_MESSAGE_BYTES_MAX } from "#formats/wire/agent/event.ts";

/** Of one message; what is behind it is cut off. No event of the peer is longer, and no datagram over IPv4 reaches it. */
export const MESSAGE_BYTES_MAX = QUEUE_MESSAGE_BYTES_MAX;

/** Digits of a length in front of a message: lengths up to 9,999,999. More is a line that begins with a number. */
export const COUNT_DIGITS_MAX = 7;

/** Of the structured data of a message as JSON; params that do not fit are left out, and `truncated` says so. */
export const STRUCTURED_CHARS_MAX = 16_384;
