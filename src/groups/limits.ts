/** Every bound of the groups, with its reason. What happens at a bound is said in the log (`events.ts`). */

/** Groups that are looked at; the peer's users have hundreds. */
export const GROUPS_MAX = 10_000;

/** Lists of several groups that agents have; each is a merged.mg of its own on the disk. */
export const MULTIGROUPS_MAX = 10_000;

/** Groups of one agent (wazuh v4.14.7: MAX_GROUPS_PER_MULTIGROUP). */
export const GROUPS_PER_AGENT_MAX = 128;

/** Entries of one group's folder, folders in it counted; one costs a look at the disk every `remoted.shared_reload` seconds. */
export const SHARED_ENTRIES_MAX = 10_000;

/** From `etc/shared/…` on, as the peer counts; a longer path is left out. */
export const SHARED_PATH_BYTES_MAX = 200;

/** Of one merged.mg. It is in memory while it is made and while it is sent: five times the largest that is planned for. */
export const MERGED_BYTES_MAX = 256 * 1024 * 1024;

/**
 * Between the end of a push and the next one of the same file to the same agent: one that cannot keep what it is sent would else be
 * sent it with every keepalive.
 */
export const PUSH_AGAIN_MS = 60_000;

/** Of all files that are being sent: two of the largest that are planned for and some. Those beyond it are sent later. */
export const LOADED_BYTES_MAX = 128 * 1024 * 1024;

/** Of `files.yml`. */
export const DOWNLOAD_LIST_BYTES_MAX = 1024 * 1024;
export const DOWNLOADED_FILES_MAX = 1000;

/** Agents that `files.yml` puts into groups: as many as a manager is planned for, twice. */
export const PLACED_AGENTS_MAX = 50_000;
/** Of them looked up in one go, and the pause behind it: what else the main thread does has its turn. */
export const PLACED_IN_ONE_GO = 200;
export const PLACING_PAUSE_MS = 20;

/** Of one file that is fetched; it is compared and merged in memory. */
export const DOWNLOADED_BYTES_MAX = 64 * 1024 * 1024;
export const DOWNLOAD_SILENCE_MS_MAX = 30_000;
export const DOWNLOAD_MS_MAX = 10 * 60_000;
