/** How the manager is started again when it has ended. */
import type { Clock } from "#kernel/ports/clock.ts";
import type { ProcessTable } from "#kernel/ports/process-table.ts";
import type { Programs } from "#kernel/ports/programs.ts";
import { MANAGER_LOOK_MS, MANAGER_NOTICE_MS, MANAGER_STOP_MS_MAX } from "./limits.ts";

/** Given to the helper at its own start, while the manager could still be trusted with it: no request changes it. */
export type ManagerStart = {
  readonly pid: number;
  readonly startTicks: string;
  /** It runs as a unit, which systemd starts again. */
  readonly bySystemd: boolean;
  readonly path: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
};

type Needs = { readonly clock: Clock; readonly processes: ProcessTable; readonly programs: Programs };

/** False when the manager is not there. Otherwise it is told to stop in a moment, and started when it has, in the background. */
export function restartManager(manager: ManagerStart, { clock, processes, programs }: Needs): boolean {
  const isThere = () => processes.find(manager.pid)?.startTicks === manager.startTicks;
  if (!isThere()) return false;
  const untilMs = clock.monotonicMs() + MANAGER_NOTICE_MS + MANAGER_STOP_MS_MAX;
  const look = () => {
    if (isThere() && clock.monotonicMs() < untilMs) {
      clock.after(MANAGER_LOOK_MS, look);
      return;
    }
    // One that hangs is ended: its journal has all that it accepted.
    if (isThere()) processes.signal(manager.pid, "SIGKILL");
    programs.startApart({ ...manager, directory: "/", account: null });
  };
  clock.after(MANAGER_NOTICE_MS, () => {
    if (isThere()) processes.signal(manager.pid, "SIGTERM");
    look();
  });
  return true;
}
