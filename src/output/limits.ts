/** Every bound of the output files, with its reason. */

/** How often day, age and size of the files are looked at, and how often a failed write is tried again; the peer looks every second too. */
export const TICK_MS = 1000;
/** The same trouble is said once in this time. */
export const LOG_PERIOD_MS = 60_000;

/** What is read at once while the last record of a file is searched. */
export const SEARCH_BYTES = 64 * 1024;
/** The longest last record that is read to know its position; above any alert (event limit 1 MiB, several events in one alert). */
export const TAIL_RECORD_BYTES_MAX = 64 * 1024 * 1024;

/** Days back in which files without checksum or not compressed are looked for at start: longer than a manager is down. */
export const CATCH_UP_DAYS_MAX = 366;
/** Hashed at once: about 3 ms, in which alerts wait. */
export const HASH_STEP_BYTES = 1024 * 1024;
/** Compressed at once: 1 to 7 ms. Bytes of one step are not compressed against those of another, which costs some percent of the size. */
export const GZIP_STEP_BYTES = 256 * 1024;
/** Between two steps, so that closing a day takes at most half of the thread's time. */
export const STEP_DELAY_MS = 5;
/** After a failure, as of a full disk. */
export const CLOSING_RETRY_MS = 600_000;
