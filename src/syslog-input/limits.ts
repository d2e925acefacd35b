/** Every bound of the syslog input, with its reason. What happens at a bound is counted (`events.ts`). */

/** Open connections of one listener; a new one beyond it is closed at once. A silent TLS connection costs 25 KB. */
export const CONNECTIONS_MAX = 4096;

/**
 * Open connections of one address: a host of containers has one for each of them. Beyond it the one that was silent longest goes,
 * for it may have vanished without a word.
 */
export const CONNECTIONS_OF_SENDER_MAX = 1024;

/** Bytes of unfinished messages, all connections of a listener together; the one that passes it has its message cut. */
export const HELD_BYTES_MAX = 32 * 1024 * 1024;

/** Addresses whose rate is known; the one that sent nothing for longest goes. Some 200 bytes each. */
export const SENDERS_MAX = 8192;

/** Messages of one connection that are handled in one go, a millisecond or two; then others have their turn. */
export const WORK_MESSAGES_MAX = 1024;

/** How often connections that wait for room in the journal, or for their sender's rate, are looked at. */
export const WAIT_TICK_MS = 100;

/** From the connection, and from the first byte of a handshake, to its end; the client speaks first in TLS. */
export const HANDSHAKE_MS_MAX = 30_000;

/** How often connections are looked for whose time is over: a walk over all of them. */
export const OVERDUE_CHECK_PERIOD_MS = 10_000;

/** How often the kernel is asked what it dropped. */
export const DROPS_PERIOD_MS = 5000;

/** Asked of the system for UDP: half a second of 20,000 messages of 400 bytes. The system's `net.core.rmem_max` may give less. */
export const DATAGRAM_RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

/** Devices of a site connect at once after a failure of its network. */
export const BACKLOG = 1024;

/** Lines a second about what senders do wrong, all networks together; the rest is told as one count. */
export const LINES_PER_SECOND_MAX = 50;
