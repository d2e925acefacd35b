/** Which synchronised files this node holds. */
import { contentHash, FILES_MAX, type FileEntry } from "#formats/wire/cluster/file-table.ts";
import { belongsTo, SYNCED_ITEMS, type SyncedItem } from "#formats/wire/cluster/items.ts";
import { isSafeName } from "#formats/wire/cluster/paths.ts";
import { CodedError } from "#kernel/errors.ts";
import type { DirectoryEntry, FileInfo, Files } from "#kernel/ports/files.ts";

/** A link to a directory above itself would lead down for ever. */
const DEPTH_MAX = 32;
/** Of lines about files that cannot be read; the rest is the same problem. */
const PROBLEMS_MAX = 100;

/** A file written again within the tick of its file system's clock keeps its time of change; the coarsest (FAT) has one of 2 s. */
const TICK_MS_MAX = 2_000;

/** What says, without reading it, that a file is still as it was. */
export type LocalEntry = FileEntry & {
  readonly bytes: number;
  readonly inode: number;
  readonly changedMs: number;
  /** When it was read, by the wall clock, or shortly before. */
  readonly readMs: number;
};
export type LocalTable = ReadonlyMap<string, LocalEntry>;
export type LocalReading = {
  readonly table: LocalTable;
  /** False when every entry is that of `previous`. */
  readonly isChanged: boolean;
  readonly problems: readonly string[];
};

/**
 * A file that looks like its entry in `previous` is not read again. What cannot be read keeps its entry: workers would remove what the master's table lacks.
 * `nowMs` is the wall clock's, which the files' times of change are held against.
 */
export function readLocalTable(
  files: Files,
  home: string,
  previous: LocalTable,
  nowMs: number,
): LocalReading {
  const walk = new Walk(files, home, previous, nowMs);
  for (const item of SYNCED_ITEMS) walk.enter(item, item.key, DEPTH_MAX);
  const { table, problems } = walk;
  const isChanged =
    table.size !== previous.size || [...table].some(([path, entry]) => previous.get(path) !== entry);
  return { table, isChanged, problems };
}

/** `known` is what was read of the file then. */
function isAsRead(known: LocalEntry, info: FileInfo, nowMs: number): boolean {
  if (nowMs < known.readMs || info.changedMs > known.readMs - TICK_MS_MAX) return false;
  return info.changedMs === known.changedMs && info.bytes === known.bytes && info.inode === known.inode;
}

class Walk {
  readonly table = new Map<string, LocalEntry>();
  readonly problems: string[] = [];
  readonly #files: Files;
  readonly #home: string;
  readonly #previous: LocalTable;
  readonly #nowMs: number;

  constructor(files: Files, home: string, previous: LocalTable, nowMs: number) {
    this.#files = files;
    this.#home = home;
    this.#previous = previous;
    this.#nowMs = nowMs;
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
      const known = this.#previous.get(path);
      const isKnown = known !== undefined && isAsRead(known, info, this.#nowMs);
      this.table.set(path, isKnown ? known : this.#readEntry(item, absolute, info));
    } catch (error) {
      if (isCoded(error, "file_not_found")) return;
      this.#problem(error, `Can't read metadata from file ${path}: `);
      const known = this.#previous.get(path);
      if (known !== undefined) this.table.set(path, known);
    }
  }

  #readEntry(
    { key }: SyncedItem,
    absolute: string,
    { modifiedMs, changedMs, bytes, inode }: FileInfo,
  ): LocalEntry {
    const hash = contentHash(this.#files.read(absolute));
    return {
      modifiedSeconds: modifiedMs / 1000,
      itemKey: key,
      hash,
      bytes,
      inode,
      changedMs,
      readMs: this.#nowMs,
    };
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
