/** Every bound of dispatching responses, with its reason. What happens at a bound is counted (`events.ts`). */

/**
 * Agents that are looked at and bytes that are sent in one go, and the pause behind it: sealing them takes the intake thread some 50 ms,
 * so events still have half of its time. A response of all agents reaches 20,000 of them in four seconds.
 */
export const TURN_AGENTS_MAX = 500;
export const TURN_BYTES_MAX = 1024 * 1024;
export const TURN_MS = 100;

/** Responses that wait for their turn; what comes beyond it is dropped, since a flood repeats itself. */
export const WAITING_RESPONSES_MAX = 10_000;
export const WAITING_BYTES_MAX = 16 * 1024 * 1024;
/** What could not be sent in this time is dropped: those of all agents could else hold up the others for hours. */
export const WAITING_MS_MAX = 60_000;

/** Records on their way to the main thread: thousands of usual ones. */
export const HANDOVER_CHARS_MAX = 4 * 1024 * 1024;

/** The same trouble is said once in this time, with the number of those that were not said. */
export const LOG_PERIOD_MS = 1000;
