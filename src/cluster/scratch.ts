/** The directory with the scratch directories of all nodes, and the daemon's local socket among them. */
import { SCRATCH_DIRECTORY } from "#formats/wire/cluster/paths.ts";
import type { Files } from "#kernel/ports/files.ts";

export const LOCAL_SOCKET_NAME = "c-internal.sock";

/** At the start nothing in there is anybody's any more. */
export function emptyScratch(files: Files, home: string): void {
  const directory = `${home}/${SCRATCH_DIRECTORY}`;
  files.makeDirectory(directory, 0o770);
  for (const { name } of files.list(directory)) {
    if (name !== LOCAL_SOCKET_NAME) files.removeTree(`${directory}/${name}`);
  }
}
