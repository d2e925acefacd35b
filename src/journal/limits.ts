/** The journal's limits, all in one place because they depend on each other. */

/** A new segment begins at this size: large enough to be rare, small enough that discarding one frees space in useful steps. */
export const SEGMENT_BYTES = 64 * 1024 * 1024;
/** What the journal may hold that nobody has released yet: days of a small site, minutes of a large one under attack. */
export const JOURNAL_BYTES_MAX = 4 * 1024 * 1024 * 1024;
/** From this share of the limit on the sources are asked to read less. */
export const SOFT_LIMIT_SHARE = 0.9;
/** The journal stops before the disk is full: other programs and our own alerts need space too. */
export const FREE_BYTES_MIN = 256 * 1024 * 1024;
/** How old the knowledge of the free space may be. */
export const FREE_CHECK_PERIOD_MS = 1000;

/** What may be written and not synced: more means that the disk is slower than the input. */
export const UNSYNCED_BYTES_MAX = 64 * 1024 * 1024;
/**
 * Every start goes on this far behind the last byte found. A loss of power takes back at most `UNSYNCED_BYTES_MAX`, so no position
 * that was ever given to an event, and may stand in an alert, is given to another one.
 */
export const RESTART_GAP_BYTES = UNSYNCED_BYTES_MAX;

/** A block is written when its first event is this old, however small it is. */
export const FLUSH_DELAY_MS = 5;
/** How often a full journal tries again. */
export const RETRY_PERIOD_MS = 100;
/** Finished blocks that a full journal keeps in memory: what the sources had in hand when it filled up. */
export const WAITING_BYTES_MAX = 4 * 1024 * 1024;
/** The same trouble is said once in this time. */
export const LOG_PERIOD_MS = 60_000;

/** The longest time between two syncs: the bound of the delay between accepted and durable. */
export const SYNC_PERIOD_MS = 50;

/** What a reader takes from the disk at once: a few blocks when it lags behind, never more than is there. */
export const READ_BYTES = 256 * 1024;
