/**
 * The process of the root helper: requests on its standard input, answers on its standard output, one line each. It ends when the
 * manager does, and takes signals for the manager's: what is in force is undone after them.
 */
import { SystemClock } from "#kernel/platform/clock.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { guardedFiles } from "#kernel/platform/guarded-files.ts";
import { systemProcessTable } from "#kernel/platform/process-table.ts";
import { systemPrograms } from "#kernel/platform/programs.ts";
import { PROGRAM_FOLDERS, RootHelper } from "#root-helper/helper.ts";
import { WAITING_MAX } from "#root-helper/limits.ts";
import { FrameLines } from "#root-helper/request.ts";
import type { RootHelperStart } from "./root-helper-start.ts";

/** Files of the system keep the mode that they had; its own have one of their own. */
const FILE_MODE_MASK = 0o022;

const { home, programDirectory, ownUserIds, manager }: RootHelperStart = JSON.parse(process.argv[2] ?? "{}");
process.umask(FILE_MODE_MASK);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});

const helper = new RootHelper(
  {
    quarantine: `${home}/quarantine`,
    ownFolders: [home, programDirectory],
    ownProcesses: [process.pid, manager.pid],
    ownUserIds,
    manager,
    programFolders: PROGRAM_FOLDERS,
    prefix: null,
  },
  {
    clock: new SystemClock(),
    files: systemFiles,
    guarded: guardedFiles,
    processes: systemProcessTable,
    programs: systemPrograms,
  },
);

const lines = new FrameLines();
let waiting = 0;
process.stdin.on("data", (chunk: Buffer) => {
  const complete = lines.push(chunk);
  waiting += complete?.length ?? 0;
  if (complete === null || waiting > WAITING_MAX) {
    // Who sends that is not the manager: nothing more is read, and the process ends.
    process.stdin.destroy();
    return;
  }
  for (const line of complete)
    void helper.answer(line).then((answer) => {
      waiting--;
      process.stdout.write(answer);
    });
});
// The manager is gone: what it asked for is still done.
process.stdout.on("error", () => {});
