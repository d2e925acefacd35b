/** Every bound of running responses on this host, with its reason. What happens at a bound is counted. */

/** Names and executables: a file name of Linux. */
export const NAME_CHARS_MAX = 255;

/** What a program answers is one line of keys; what is longer is none. */
export const SCRIPT_LINE_BYTES_MAX = 64 * 1024;
/** A key is an address or a name, with others in front of it. */
export const KEY_CHARS_MAX = 512;

/** Responses that are in force; with as many the host is not what is attacked. Each is kept with its alert. */
export const STANDING_MAX = 10_000;
export const STANDING_BYTES_MAX = 32 * 1024 * 1024;

/** Keys whose repetitions are counted; the one that was not seen for longest goes. */
export const OFFENDERS_MAX = 10_000;

/** Programs at a time, and messages that wait for one to end; what comes beyond it is dropped, since a flood repeats itself. */
export const RUNS_MAX = 32;
export const WAITING_MAX = 1000;

/** A program that has not ended by then is ended: an hour of scanning is for the program to put into the background. */
export const RUN_MS_MAX = 10 * 60_000;

/** How often it is looked what is over (wazuh v4.14.7: src/os_execd/execd.c). */
export const LOOK_MS = 1000;

/** What is undone at a stop is waited for so long, of the time that the whole manager has. */
export const STOP_MS_MAX = 4000;

/** The file of what is in force is written anew when it has so many lines more than are needed. */
export const SPARE_LINES_MAX = 1000;
