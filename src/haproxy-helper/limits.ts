/** Every bound and every pause of the helper, with its reason. Pauses are the peer's (wazuh v4.14.7: framework/wazuh/core/cluster/hap_helper). */

/** The peer's client waits so long for a connection and for each byte. */
export const SILENCE_MS_MAX = 5000;
/** A configuration of thousands of servers is checked and reloaded in this time. */
export const REQUEST_MS_MAX = 30_000;
/** Thousands of servers with all their fields. */
export const ANSWER_BYTES_MAX = 8 * 1024 * 1024;
/** What a client of the peer's follows. */
export const REDIRECTS_MAX = 20;
/** A message of HAProxy or its API goes into a line of the log. */
export const MESSAGE_CHARS_MAX = 500;

/** Workers try to connect again after this time, so a change of HAProxy is settled two seconds later. */
export const CONNECTION_RETRY_SECONDS = 10;
export const WORKERS_WAIT_SECONDS = CONNECTION_RETRY_SECONDS + 2;

/** Beyond 2^31 ms a timer of the host fires at once; frequencies are the operator's, `hard-stop-after` is HAProxy's. */
export const PAUSE_SECONDS_MAX = 2_000_000;

export const SERVER_CHECK_SECONDS = 1;
export const SERVER_CHECKS_MAX = 60;
/** Between draining servers, telling agents and taking the servers back. */
export const SERVER_STATE_SECONDS = 5;
/** Nodes tell the master their agents' states about this often. */
export const AGENT_STATUS_SYNC_SECONDS = 25;

/** Nodes of a cluster, servers of a backend; what is beyond them is no cluster. */
export const SERVERS_MAX = 5000;

/** A server's last sessions end a moment after they were told to. */
export const SERVER_REMOVALS_MAX = 50;
export const SERVER_REMOVAL_MS = 100;
