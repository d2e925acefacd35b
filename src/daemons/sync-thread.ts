/** The sync thread: `fdatasync` of the journal, where it can wait without making anyone else wait. */
import { workerData } from "node:worker_threads";
import { SharedProgress } from "#journal/shared-progress.ts";
import { runSyncLoop } from "#journal/sync-loop.ts";
import { SystemClock } from "#kernel/platform/clock.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { giveBackMemory } from "./give-back-memory.ts";
import { ThreadLink } from "./thread-link.ts";

export type SyncThreadData = { readonly directory: string; readonly progress: SharedArrayBuffer };

const { directory, progress }: SyncThreadData = workerData;
const link = new ThreadLink<never>();
try {
  giveBackMemory();
  link.ready("");
  runSyncLoop({
    files: systemFiles,
    clock: new SystemClock(),
    directory,
    progress: new SharedProgress(progress),
  });
  link.stopped();
} catch (error) {
  link.failed(error);
}
