/** The processes of this host as the kernel shows them. */

export type ProcessFacts = {
  readonly pid: number;
  readonly parentPid: number;
  /** Another number than `pid` for a thread, whose number signals its whole process. */
  readonly threadGroup: number;
  /** The kernel's start time in ticks since boot: with `pid` it names a process for good. */
  readonly startTicks: string;
  /** The same by the wall clock as it goes now, to a second or so. */
  readonly startedMs: number;
  readonly name: string;
};

export interface ProcessTable {
  /** Null when there is none. */
  find(pid: number): ProcessFacts | null;
  /** False when there is none any more, or it is not this user's. */
  signal(pid: number, signal: "SIGTERM" | "SIGKILL"): boolean;
}
