/** Every bound of remote upgrades, with its reason. */

/** Tries to open the file on an agent, whose upgrade module may not be ready (wazuh v4.14.7: WM_UPGRADE_WPK_OPEN_ATTEMPTS). */
export const OPEN_ATTEMPTS_MAX = 10;
export const OPEN_RETRY_MS = 1000;

/** A waiting task whose agent is not active fails after that time: at a start of the manager agents need some to come back. */
export const INACTIVE_MS_MAX = 300_000;

/** Of an agent's words that are kept with its task. */
export const DETAIL_CHARS_MAX = 200;

/** Of the names of a node and of its part, as another node gives them; a node's name has 255 at most. */
export const NAME_CHARS_MAX = 255;

/** Campaigns that are remembered; beyond it the oldest that has ended is forgotten, and without one no other begins. */
export const CAMPAIGNS_MAX = 100;

/** Time for an agent to be back, in orders over the peer's socket (wazuh v4.14.7: `task-manager` `task_timeout`). */
export const PEER_HEALTH_SECONDS = 900;

/** Agents of one campaign. */
export const TASKS_MAX = 50_000;

/** How long campaigns that have ended are remembered (wazuh v4.14.7: `task-manager` `cleanup_time`). */
export const REMEMBERED_MS = 7 * 86_400_000;

/** How often running campaigns are looked at. */
export const LOOK_PERIOD_MS = 1000;

/** Of a repository's file `versions`; a version is a line of 50 bytes (wazuh v4.14.7: WM_UPGRADE_MAX_RESPONSE_SIZE). */
export const VERSIONS_BYTES_MAX = 64 * 1024;
export const VERSIONS_MS_MAX = 60_000;

/** Of a download. A server that sends nothing for so long, or not all in so long, is gone. */
export const SILENCE_MS_MAX = 30_000;
export const DOWNLOAD_MS_MAX = 30 * 60_000;

/** Tries to get a package (wazuh v4.14.7: WM_UPGRADE_WPK_DOWNLOAD_ATTEMPTS), a second longer apart each. */
export const DOWNLOAD_ATTEMPTS_MAX = 5;

/** Packages of one order: every kind of platform that the repository has. Agents say what they are, so they could name any number. */
export const PLACES_MAX = 12;

/** Packages that stay in `var/upgrade` beside those that are wanted now. A hundred megabytes each at the most. */
export const CACHED_PACKAGES_MAX = 8;

export const HASH_BUFFER_BYTES = 1024 * 1024;
export const PROGRESS_PERIOD_MS = 500;
