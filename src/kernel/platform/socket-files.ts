/** The files of sockets: what a process before left, and who may use them. */
import { lstatSync, rmSync, unlinkSync } from "node:fs";
import { CodedError, messageOf } from "../errors.ts";

/** Throws `CodedError` `socket_path_taken` when something else is there. */
export function removeStale(path: string): void {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return;
  if (!stats.isSocket()) throw new CodedError("socket_path_taken", `${path} is no socket`, { path });
  unlinkSync(path);
}

/** Somebody may have taken it away. */
export function unlinkIfThere(path: string): void {
  rmSync(path, { force: true });
}

/** What the system refuses is `listen_failed`. */
export function guarded<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof CodedError) throw error;
    throw new CodedError("listen_failed", messageOf(error), { path }, error);
  }
}
