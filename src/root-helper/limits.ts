/** Every bound of the helper and of who asks it, with its reason. */

/** A request holds a path of 4,095 bytes and who asks; what is longer is none. */
export const LINE_BYTES_MAX = 16 * 1024;

/** Who asks, as it stands in the audit. */
export const ASKER_CHARS_MAX = 256;

/** Requests that wait for an answer; one more is refused at once. */
export const WAITING_MAX = 256;

/** A program that has not ended by then is ended. */
export const PROGRAM_MS_MAX = 10_000;

/** From a request to its answer: those before it are done one after the other, each with a few programs. */
export const ANSWER_MS_MAX = 60_000;

/** What a program says of a mistake, as it is passed on. */
export const ERROR_CHARS_MAX = 300;

/** A process that does not end when it is asked to is ended by force after this time, looked at this often. */
export const PROCESS_END_MS_MAX = 5000;
export const PROCESS_LOOK_MS = 50;

/** From the answer to the signal that ends the manager: who asked for the restart hears of it. */
export const MANAGER_NOTICE_MS = 1000;

/** A manager that is to start again ends by itself within 10 s; looked at this often. */
export const MANAGER_STOP_MS_MAX = 20_000;
export const MANAGER_LOOK_MS = 100;

/** Steps from a process up to the first one; a deeper family is taken for a circle. */
export const ANCESTORS_MAX = 1024;
