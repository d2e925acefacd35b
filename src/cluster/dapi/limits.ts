/** Limits and times of the distributed API. Those of the peer stand in wazuh v4.14.7: framework/wazuh/core/cluster/cluster.json, dapi/dapi.py. */

/** A list of 100,000 agents is 0.7 MB, a file for the rule set 10 MiB at most. */
export const REQUEST_BYTES_MAX = 12 * 1024 * 1024;
/** In a request of another node: agents and permissions for each of 100,000. What only this host's programs send, files, may have more. */
export const NODE_REQUEST_VALUES_MAX = 250_000;
/** Names, values and clauses that one list is filtered, searched and sorted by: each is looked for in every item. */
export const QUERY_PARTS_MAX = 1000;
/** Of `q`. */
export const QUERY_CHARS_MAX = 65_536;
/** Of brackets within brackets in `q`. */
export const QUERY_DEPTH_MAX = 16;
/** Requests that are carried out here at the same time. What waits for another node holds no place, so nodes cannot block each other. */
export const RUNS_MAX = 16;
/** Requests that wait for such a place; more are refused. */
export const RUNS_WAITING_MAX = 1024;
/** Requests of one connection that it has not been answered yet, wherever they run. */
export const UNANSWERED_MAX = 1024;
/** Answers that one node may still owe us. */
export const ASKED_MAX = 1024;

/** What a request may take where it runs; a larger time in the request wins (`intervals.request_timeout` of the API). */
export const RUN_SECONDS = 10;
/** What another node may take for its answer (`timeout_dapi_request`). */
export const NODE_ANSWER_MS = 200_000;
/** The same for a request that is waited for until it is complete, and the longest time a request may ask for. */
export const COMPLETE_SECONDS_MAX = 3600;

/** Item count of a page when the request names none, and at most. */
export const PAGE_ITEMS = 500;
export const PAGE_ITEMS_MAX = 100_000;
