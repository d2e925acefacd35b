/** Signals to the manager that holds a home directory. */
import type { LockHolder } from "#daemons/home.ts";
import { CodedError, errnoOf } from "#kernel/errors.ts";

/** Throws a `CodedError` when the manager is another user's. One that ended meanwhile is not told any more. */
export function signalManager(
  { pid }: LockHolder,
  signal: "SIGTERM" | "SIGHUP",
  kill: (pid: number, signal: string) => void = process.kill,
): void {
  try {
    kill(pid, signal);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ESRCH") return;
    if (errno !== "EPERM") throw error;
    const text = `The manager (pid ${pid}) is another user's: call this as root or as that user`;
    throw new CodedError("manager_of_other", text, { pid }, error);
  }
}
