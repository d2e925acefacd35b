/** Every bound of the enrollment service, with its reason. What happens at a bound is counted (`events.ts`). */

/** wazuh v4.14.7: src/os_auth/main-server.c. One more is told nothing and closed. */
export const CLIENTS_MAX = 999;

/**
 * How long a client may take while others wait for its place: at the limit the oldest that has not sent its request in this time
 * is closed, so that strangers who connect and stay silent do not keep agents out. A handshake takes three round trips.
 */
export const PATIENCE_MS = 2000;

/**
 * The same for who has said nothing at all. A client's hello follows its part of TCP's handshake at once, however slow its line is, so
 * strangers who only connect, and come again when they are closed, do not hold the places of those who speak.
 */
export const SILENT_PATIENCE_MS = 250;

/** From the connection to the whole request, and again from the answer to the end of the connection. */
export const CLIENT_MS_MAX = 10_000;

/** TLS handshakes at a time, the rest waits unread: each costs 25 KB and a signature of the one thread that makes them. */
export const HANDSHAKES_MAX = 64;

/** Agents of before 4.13 need not end their line: after this silence what came is the request. */
export const REQUEST_SILENCE_MS = 1000;

/** Pieces of a request: an agent sends one. Without a limit 69,632 one-byte pieces would cost a hundred times their size. */
export const REQUEST_CHUNKS_MAX = 256;

/** One TLS record with its header (RFC 8446, 5.1): what comes first and is longer is no client's hello. */
export const FIRST_CHUNK_BYTES_MAX = 16_389;

/** Connections that the system holds until we accept them: a start of many agents at once. */
export const BACKLOG = 4096;

/** How often time limits are looked at. */
export const SWEEP_PERIOD_MS = 250;

/** Lines a second about refused clients, all networks together; the rest is told as one count. */
export const REFUSAL_LINES_PER_SECOND_MAX = 50;
