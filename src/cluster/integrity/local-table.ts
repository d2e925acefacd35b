/** Which synchronised files this node holds. */
import { contentHash, FILES_MAX, type FileEntry, type FileTable } from "#formats/wire/cluster/file-table.ts";
import { belongsTo, SYNCED_ITEMS, type SyncedItem } from "#formats/wire/cluster/items.ts";
import { isSafeName } from "#formats/wire/cluster/paths.ts";
import { CodedError } from "#kernel/errors.ts";
import type { DirectoryEntry, Files } from "#kernel/ports/files.ts";

/** A link to a directory above itself would lead down for ever. */
const DEPTH_MAX = 32;
/** Of lines about files that cannot be read; the rest is the same problem. */
const PROBLEMS_MAX = 100;

export type LocalTable = { readonly table: FileTable; readonly problems: readonly string[] };

/**
 * A file whose time of change is that of its entry in `previous` is not read again. What cannot be read keeps its entry: workers would remove what the master's
 * table lacks.
 */
export function readLocalTable(files: Files, home: string, previous: FileTable): LocalTable {
  const walk = new Walk(files, home, previous);
  for (const item of SYNCED_ITEMS) walk.enter(item, item.key, DEPTH_MAX);
  return { table: walk.table, problems: walk.problems };
}

class Walk {
  readonly table = new Map<string, FileEntry>();
  readonly problems: string[] = [];
  readonly #files: Files;
  readonly #home: string;
  readonly #previous: FileTable;

  constructor(files: Files, home: string, previous: FileTable) {
    this.#files = files;
    this.#home = home;
    this.#previous = previous;
  }

  /** `directory` ends with its slash. */
  enter(item: SyncedItem, directory: string, depthLeft: number): void {
    for (const { name, kind } of this.#list(directory)) {
      if (!isSafeName(name)) continue;
      const path = directory + name;
      if (kind === "directory") {
        if (item.isRecursive && depthLeft > 0) this.enter(item, `${path}/`, depthLeft - 1);
      } else if (kind === "file" && belongsTo(item, path)) this.#take(item, path);
    }
  }

  #list(directory: string): readonly DirectoryEntry[] {
    try {
      return this.#files.list(`${this.#home}/${directory.slice(0, -1)}`);
    } catch (error) {
      // A new node lacks some of the directories.
      if (isCoded(error, "file_not_found")) return [];
      this.#problem(error, "Error getting file status: ");
      for (const [path, entry] of this.#previous) if (path.startsWith(directory)) this.table.set(path, entry);
      return [];
    }
  }

  #take(item: SyncedItem, path: string): void {
    if (this.table.size >= FILES_MAX) {
      if (this.table.size === FILES_MAX)
        this.#say(`More than ${FILES_MAX} files; the rest is not synchronised`);
      return;
    }
    const absolute = `${this.#home}/${path}`;
    try {
      const info = this.#files.info(absolute);
      if (info === null) return; // removed since the directory was read
      const modifiedSeconds = info.modifiedMs / 1000;
      const known = this.#previous.get(path);
      const isUnchanged = known !== undefined && known.modifiedSeconds === modifiedSeconds;
      const hash = isUnchanged ? known.hash : contentHash(this.#files.read(absolute));
      this.table.set(path, { modifiedSeconds, itemKey: item.key, hash });
    } catch (error) {
      if (isCoded(error, "file_not_found")) return;
      this.#problem(error, `Can't read metadata from file ${path}: `);
      const known = this.#previous.get(path);
      if (known !== undefined) this.table.set(path, known);
    }
  }

  #problem(error: unknown, prefix: string): void {
    if (!(error instanceof CodedError)) throw error;
    this.#say(prefix + error.message);
  }

  #say(text: string): void {
    if (this.problems.length < PROBLEMS_MAX) this.problems.push(text);
  }
}

function isCoded(error: unknown, code: string): boolean {
  return error instanceof CodedError && error.code === code;
}
