/** Every bound of remote upgrades, with its reason. */

/** Bytes of a package in one request (wazuh v4.14.7: `agent-upgrade` `chunk_size`); as Base64 they fit a message. */
export const CHUNK_BYTES = 32_768;

/** Agents that are sent a package at a time (wazuh v4.14.7: `agent-upgrade` `max_threads`). Each holds a chunk. */
export const TRANSFERS_MAX = 8;

/** Tries to open the file on an agent, whose upgrade module may not be ready (wazuh v4.14.7: WM_UPGRADE_WPK_OPEN_ATTEMPTS). */
export const OPEN_ATTEMPTS_MAX = 10;
export const OPEN_RETRY_MS = 1000;

/** A waiting task whose agent is not active fails after that time: at a start of the manager agents need some to come back. */
export const INACTIVE_MS_MAX = 300_000;

/** Of an agent's words that are kept with its task. */
export const DETAIL_CHARS_MAX = 200;

/** Campaigns that are remembered; beyond it the oldest that has ended is forgotten, and without one no other begins. */
export const CAMPAIGNS_MAX = 100;

/** Agents of one campaign. */
export const TASKS_MAX = 50_000;

/** How long campaigns that have ended are remembered (wazuh v4.14.7: `task-manager` `cleanup_time`). */
export const REMEMBERED_MS = 7 * 86_400_000;

/** How often running campaigns are looked at. */
export const LOOK_PERIOD_MS = 1000;
