/** Every bound of the log test service, with its reason. What happens at a bound is counted (`events.ts`). */

/** wazuh v4.14.7: OS_MAXSTR less one. */
export const REQUEST_BYTES_MAX = 65_535;

/** Clients at a time, each holding at most one request; one more is closed without an answer. A request takes milliseconds. */
export const CLIENTS_MAX = 256;

/** From the connection to the whole request, and again from the answer to the end of the connection. */
export const CLIENT_MS_MAX = 10_000;

/** Messages of one answer (wazuh v4.14.7: ERRORLIST_MAXSIZE). The first ones stay, and the last one says how it ended. */
export const MESSAGES_MAX = 50;

/** The escaped location of an event (wazuh v4.14.7: OS_BUFFER_SIZE). */
export const LOCATION_BYTES_MAX = 2048;

/** Rule sets kept at a time, about 50 MB each with the peer's rules. For one more the sessions of the one used longest ago are closed. */
export const RULESETS_MAX = 3;

/** What all sessions together remember of events: as much as one may by default. Above it those used longest ago are closed. */
export const SESSIONS_BYTES_MAX = 64 * 1024 * 1024;

/** How often idle sessions and unused rule sets are looked for; a timeout of a year is longer than a timer can be. */
export const SWEEP_PERIOD_MS_MAX = 60_000;
