/** Times of agent-info and agent-groups (wazuh v4.14.7: framework/wazuh/core/cluster/cluster.json), and how much goes at once. */

/** From the end of one turn of a worker to the next (`sync_agent_info`). */
export const AGENT_INFO_PERIOD_MS = 10_000;
/** From the end of one turn of the master to the next (`sync_agent_groups`). */
export const AGENT_GROUPS_PERIOD_MS = 10_000;
/** Workers connect meanwhile (`agent_group_start_delay`). */
export const AGENT_GROUPS_DELAY_MS = 30_000;
/** For writing all of one string into the registry (`timeout_agent_info`, `timeout_agent_groups`). */
export const APPLY_MS_MAX = 40_000;
/** So many differences in a row and a worker asks for all groups (`agent_groups_mismatch_limit`). */
export const GROUP_MISMATCHES_MAX = 5;

/** Of one string of agent-info, about 7 MB; what is left follows at once. */
export const AGENTS_PER_STRING_MAX = 10_000;
/** Rows read in one step, about 2 ms. */
export const ROWS_AT_ONCE = 200;
