/** A worker becomes like the master: files are put in place, others removed. */
import type { FileChanges, FileTable } from "#formats/wire/cluster/file-table.ts";
import { belongsTo, isExcludedName, itemOf } from "#formats/wire/cluster/items.ts";
import { CodedError } from "#kernel/errors.ts";
import type { Files } from "#kernel/ports/files.ts";

/** Of lines about single files. */
const PROBLEMS_MAX = 100;

export type AppliedChanges = {
  readonly problems: readonly string[];
  readonly failedUpdates: number;
  readonly failedCreations: number;
  readonly failedRemovals: number;
};

/**
 * `directory` holds the files under their paths; they are moved, so that each is there whole or as it was. What fails for one file does not stop
 * the others. The changes were read by `readFileChanges`, so every path belongs to its item.
 */
export function applyChanges(
  files: Files,
  home: string,
  directory: string,
  changes: FileChanges,
): AppliedChanges {
  const problems: string[] = [];
  const each = (
    kind: "missing" | "shared" | "extra",
    act: (path: string, itemKey: string) => void,
  ): number => {
    let failures = 0;
    for (const [path, { itemKey }] of changes[kind]) {
      try {
        act(path, itemKey);
      } catch (error) {
        if (!(error instanceof CodedError)) throw error;
        failures++;
        if (problems.length < PROBLEMS_MAX) {
          problems.push(`Error processing ${kind} file '${path}': ${error.message}`);
        }
      }
    }
    return failures;
  };
  const place = (path: string, itemKey: string) => placeFile(files, home, directory, path, itemKey);
  const failedUpdates = each("shared", place);
  const failedCreations = each("missing", place);
  const failedRemovals = each("extra", (path) => removeFile(files, home, path));
  removeEmptyDirectories(files, home, changes.extra);
  return { problems, failedUpdates, failedCreations, failedRemovals };
}

function placeFile(files: Files, home: string, directory: string, path: string, itemKey: string): void {
  const item = itemOf(itemKey);
  if (item === null || !belongsTo(item, path)) {
    throw new CodedError("cluster_path_outside_item", `not a file of ${itemKey}`);
  }
  const target = `${home}/${path}`;
  files.makeDirectory(target.slice(0, target.lastIndexOf("/")), 0o770);
  files.rename(`${directory}/${path}`, target);
}

function removeFile(files: Files, home: string, path: string): void {
  if (files.info(`${home}/${path}`) !== null) files.remove(`${home}/${path}`);
}

/** Directories that held a removed file and hold nothing worth keeping now; never the item's own. */
function removeEmptyDirectories(files: Files, home: string, removed: FileTable): void {
  for (const [path, { itemKey }] of removed) {
    if (itemOf(itemKey)?.removesEmptyDirectories !== true) continue;
    const directory = path.slice(0, path.lastIndexOf("/"));
    if (directory.length < itemKey.length) continue;
    try {
      const isEmpty = files
        .list(`${home}/${directory}`)
        .every(({ name, kind }) => kind === "file" && isExcludedName(name));
      if (isEmpty) files.removeTree(`${home}/${directory}`);
    } catch (error) {
      // It is gone already, or stays.
      if (!(error instanceof CodedError)) throw error;
    }
  }
}
