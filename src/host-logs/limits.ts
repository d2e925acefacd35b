/** The limits of log collection. */

/** The peer cuts lines here too (wazuh v4.14.7: OS_MAXSTR - 256), so that both give the same alert for a long line. */
export const LINE_BYTES_MAX = 65_280;
/** What is read at once: a line of the longest kind and the start of the next. */
export const READ_BYTES = 2 * 65_536;
/** Of one file before others have their turn. */
export const POLL_BYTES_MAX = 1_048_576;
/** Files are looked at this often while nothing is new … */
export const POLL_PERIOD_MS = 1000;
/** … and this soon again while there is more to read. */
export const BUSY_DELAY_MS = 20;
/** A rotated file is left when its successor has content: at the second look, for its writer may be between the two. */
export const SUCCESSOR_POLLS = 2;
/** A file that was renamed or removed and has no successor is left after this many looks (a minute). */
export const ORPHAN_POLLS_MAX = 60;
/** How often wildcards are matched against the directory again. */
export const DISCOVER_PERIOD_MS = 10_000;
/** How often the positions are kept: what was read since is read again after a crash. */
export const SAVE_PERIOD_MS = 5000;
/** The peer's limit (logcollector.max_files). */
export const FILES_MAX = 1000;

/** One journald entry as JSON. */
export const ENTRY_BYTES_MAX = 1_048_576;
export const RESTART_DELAY_MS_MIN = 1000;
export const RESTART_DELAY_MS_MAX = 60_000;
/** A cursor with which journalctl ended so often without giving an entry is taken for a bad one. */
export const CURSOR_FAILURES_MAX = 3;
