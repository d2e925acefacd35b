/** Limits and times of the cluster daemon. Those of the peer stand in wazuh v4.14.7: framework/wazuh/core/cluster/cluster.json, common.py. */
import { METADATA_BYTES_MAX } from "#formats/wire/cluster/archive.ts";
import { ARCHIVE_BYTES_MAX } from "#formats/wire/cluster/items.ts";

/** A request without an answer has failed then (`timeout_cluster_request`). */
export const REQUEST_TIMEOUT_MS = 20_000;
/** From the first byte of a frame to its last. */
export const FRAME_DEADLINE_MS = 30_000;
/** Between connection and hello; a worker says it at once. */
export const HELLO_DEADLINE_MS = 30_000;
/** Of one connection without an answer: as many as tasks at once, many times over. */
export const REQUESTS_OUTSTANDING_MAX = 1024;
/** Of those that are answered later, all of a connection: what one node has sent on to another must not be more than it is let hold. */
export const ASKED_BYTES_MAX = 64 * 1024 * 1024;
/** While so much waits to be sent on a connection, nothing more is read from it. */
export const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;

/** Of all connections together, of what is not yet handled or not yet read: several of the largest messages. */
export const HELD_BYTES_MAX = 1024 * 1024 * 1024;

/** From here on sealing (about 1.3 ms) and opening belong in a thread of their own. */
export const SEAL_INLINE_BYTES_MAX = 256 * 1024;

/** A question about nodes, a report of a string: the names of all nodes there can be. It is read on the thread with the connections. */
export const SMALL_PAYLOAD_BYTES_MAX = 256 * 1024;

/** Strings of one connection that wait for the command that names them. */
export const STRINGS_MAX = 256;
/** From a part of a string to the next, or to the command that names it; whoever sends it waits `REQUEST_TIMEOUT_MS` for each answer. */
export const STRING_WAIT_MS = 120_000;
/** Of all those strings together, as declared; the peer allows as much for each. */
export const STRING_BYTES_MAX = 268_435_456;

/** Files of one connection that arrive or wait for the command that names them. */
export const FILES_MAX = 16;
/** Of one connection together: an archive at its limit and its metadata. */
export const FILE_BYTES_MAX = ARCHIVE_BYTES_MAX + 128 * 1024 * 1024;
/** The same of a worker, which sends its table and no files: what a hostile one fills of the master's disk is little. */
export const TABLE_FILE_BYTES_MAX = METADATA_BYTES_MAX + 1024 * 1024;
/** Of a file or string in one message. It is held several times over while it is sealed and sent, for each worker; the peer sends 5 MiB at once. */
export const TRANSFER_PART_BYTES = 512 * 1024;
/** From the promise of a file to the command that names it (`timeout_receiving_file`). */
export const FILE_WAIT_MS = 120_000;
/** Promises of one connection at once. */
export const FILE_PROMISES_MAX = 64;

/** Of one address; counts every worker behind one NAT (since 4.14.7). */
export const CONNECTIONS_PER_ADDRESS_MAX = 10;
/** In all: more workers than a master can serve. */
export const CONNECTIONS_MAX = 512;

/** Between two keepalives of a worker (`keep_alive`). */
export const KEEPALIVE_PERIOD_MS = 60_000;
/** So many in a row without an answer end the connection (`max_failed_keepalive_attempts`). */
export const KEEPALIVE_FAILURES_MAX = 2;
/** How often the master looks who fell silent (`check_worker_lastkeepalive`). */
export const KEEPALIVE_CHECK_PERIOD_MS = 60_000;
/** After so long without a keepalive the master closes the connection (`max_allowed_time_without_keepalive`). */
export const SILENCE_MS_MAX = 120_000;
/** Before a worker tries the master again (`connection_retry`). */
export const RECONNECT_MS = 10_000;

/** Programs at once on the local socket. */
export const LOCAL_CLIENTS_MAX = 256;
