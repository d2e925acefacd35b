/** A worker becomes like the master: files are put in place, others removed. */
import type { FileTable } from "#formats/wire/cluster/file-table.ts";
import { belongsTo, isExcludedName, isOfRuleSet, itemOf } from "#formats/wire/cluster/items.ts";
import { CodedError } from "#kernel/errors.ts";
import type { Files } from "#kernel/ports/files.ts";
import type { UnpackedChanges } from "./archive-file.ts";

/** Of lines about single files. */
const PROBLEMS_MAX = 100;

export type AppliedChanges = {
  readonly problems: readonly string[];
  readonly failedUpdates: number;
  readonly failedCreations: number;
  readonly failedRemovals: number;
  /** Rules, decoders or lists are not as they were. */
  readonly changesRuleSet: boolean;
};

/**
 * `contents` says where the files lie, by their paths; they are moved, so that each is there whole or as it was. What fails for one file does not stop
 * the others. The changes were read by `readFileChanges`, so every path belongs to its item.
 *
 * Only the keys are synced to the disk: another file that a loss of power took is a difference that the first check after the next start finds, since that
 * check reads every file; syncing each costs more than all the rest.
 */
export function applyChanges(
  files: Files,
  home: string,
  { changes, contents }: UnpackedChanges,
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
  let madeDirectory = "";
  const place = (path: string, itemKey: string) => {
    const content = contents.get(path);
    if (content === undefined) throw new CodedError("cluster_file_absent", "not in the archive");
    const target = targetOf(home, path, itemKey);
    const directory = target.slice(0, target.lastIndexOf("/"));
    // Most files lie beside the one before.
    if (directory !== madeDirectory) files.makeDirectory(directory, 0o770);
    madeDirectory = directory;
    files.rename(content, target);
  };
  const failedUpdates = each("shared", place);
  const failedCreations = each("missing", place);
  const failedRemovals = each("extra", (path) => removeFile(files, home, path));
  const { shared, missing, extra } = changes;
  removeEmptyDirectories(files, home, extra);
  const changesRuleSet = [...shared.values(), ...missing.values(), ...extra.values()].some(({ itemKey }) =>
    isOfRuleSet(itemKey),
  );
  return { problems, failedUpdates, failedCreations, failedRemovals, changesRuleSet };
}

function targetOf(home: string, path: string, itemKey: string): string {
  const item = itemOf(itemKey);
  if (item === null || !belongsTo(item, path)) {
    throw new CodedError("cluster_path_outside_item", `not a file of ${itemKey}`);
  }
  return `${home}/${path}`;
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
