/** Times of the integrity synchronisation (wazuh v4.14.7: framework/wazuh/core/cluster/cluster.json), and how its lines write them. */

/** From the end of one calculation of the master's table to the next (`recalculate_integrity`). */
export const RECALCULATE_MS = 8_000;
/** From the end of one check of a worker to the next (`sync_integrity`). */
export const CHECK_PERIOD_MS = 9_000;
/** A lock that was held longer was forgotten (`max_locked_integrity_time`). */
export const LOCK_MS_MAX = 1_000_000;
/** A transfer faster than this raises a limit that was lowered before: the time a file is waited for, less the tolerance. */
export const FAST_TRANSFER_MS = 96_000;

export function secondsText(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(3)}s`;
}
