/** Every bound of the local sockets, with its reason. What happens at a bound is counted. */

/** Clients of one socket at a time, each holding at most one request; one more is closed without an answer. */
export const CLIENTS_MAX = 1024;

/** Connections that the system holds until they are accepted (wazuh v4.14.7: OS_BindUnixDomain). */
export const BACKLOG = 128;

/** From the connection to the whole request: it is written at once. */
export const REQUEST_MS_MAX = 10_000;

/** From the answer to the end of the connection. */
export const ANSWER_MS_MAX = 60_000;

/** An answer on our own socket, in frames of `PAYLOAD_BYTES_MAX`: the tasks of 100,000 agents. */
export const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

/** Of the text that a test of the configuration answers with (wazuh v4.14.7: wcom_check_manager_config). */
export const CHECK_CHARS_MAX = 4068;

/** Agents in one answer about agents; with as many the peer's clients ask on (wazuh v4.14.7: REM_MAX_NUM_AGENTS_STATS). */
export const AGENTS_PER_ANSWER_MAX = 150;

/** Agents that one command asks at a time: the others wait, so that requests of upgrades find their place beside them. */
export const AGENTS_ASKED_MAX = 64;

/** Owner and group (wazuh v4.14.7: OS_BindUnixDomain). */
export const SOCKET_PERMISSIONS = 0o660;

/** How soon senders of events that wait for the journal are looked after. */
export const PRESSURE_LOOK_MS = 100;

/** Messages of one socket that the main thread is handed in one go, and the pause behind it: those that say more wait. */
export const RELAYED_MAX = 100;
export const RELAY_PERIOD_MS = 100;

/** The same trouble is said once in this time. */
export const LOG_PERIOD_MS = 1000;
