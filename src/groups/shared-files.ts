/** The files of one shared folder that agents get, in the order of merged.mg, with what tells that one of them changed. */
import { compareMergedPaths, isMergedPath, MERGED_FILE_NAME } from "#formats/merged-mg/merged-mg.ts";
import type { DirectoryEntry, FileInfo, Files } from "#kernel/ports/files.ts";
import { SHARED_ENTRIES_MAX, SHARED_PATH_BYTES_MAX } from "./limits.ts";

export type SharedFile = {
  /** Relative to the folder, one char a byte. */
  readonly path: string;
  /** Where it is. */
  readonly place: string;
  readonly bytes: number;
  /** Another one means other content. */
  readonly stamp: string;
};

export type SharedFolder = {
  readonly files: readonly SharedFile[];
  /** What was left out and why, for the log. */
  readonly left: readonly string[];
};

export function stampOf({ inode, bytes, modifiedMs }: FileInfo): string {
  return `${inode} ${bytes} ${modifiedMs}`;
}

type Walk = { readonly files: SharedFile[]; readonly left: string[]; entries: number };

/** `folder` is a path below the home directory; `name` how log lines call it, such as `etc/shared/web`. Throws `CodedError`. */
export function listSharedFiles(files: Files, folder: string, name: string): SharedFolder {
  const walk: Walk = { files: [], left: [], entries: 0 };
  listInto(walk, files, { folder, name, inside: "" });
  if (walk.entries > SHARED_ENTRIES_MAX)
    walk.left.push(`More than ${SHARED_ENTRIES_MAX} entries in '${name}': the others are left out`);
  walk.files.sort((a, b) => compareMergedPaths(a.path, b.path));
  return walk;
}

/** `inside` is where the walk stands: empty, or a path that ends in a slash. */
type Step = { readonly folder: string; readonly name: string; readonly inside: string };

function listInto(walk: Walk, files: Files, { folder, name, inside }: Step): void {
  for (const entry of files.list(folder)) {
    // Folders count too: links may lead back to where they stand.
    if (++walk.entries > SHARED_ENTRIES_MAX) return;
    if (isSkipped(entry)) continue;
    const place = `${folder}/${entry.name}`;
    const path = inside + Buffer.from(entry.name, "utf8").toString("latin1");
    const shown = `${name}/${path}`;
    if (shown.length > SHARED_PATH_BYTES_MAX) walk.left.push(`Path too long '${shown}'`);
    else if (!isMergedPath(path)) walk.left.push(`Invalid name of a shared file: ${JSON.stringify(shown)}`);
    else if (entry.kind === "directory") listInto(walk, files, { folder: place, name, inside: `${path}/` });
    else if (entry.kind === "file") addFile(walk, files, path, place);
  }
}

function isSkipped({ name }: DirectoryEntry): boolean {
  return name.startsWith(".") || name.startsWith(MERGED_FILE_NAME);
}

/** One that is gone meanwhile is no file of the folder. */
function addFile(walk: Walk, files: Files, path: string, place: string): void {
  const info = files.info(place);
  if (info?.kind === "file") walk.files.push({ path, place, bytes: info.bytes, stamp: stampOf(info) });
}
