/** The host's file system. */
import {
  closeSync,
  constants,
  fchownSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  type Stats,
  statfsSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { CodedError, errnoOf, messageOf } from "../errors.ts";
import type {
  DirectoryEntry,
  FileErrorCode,
  FileInfo,
  FileKind,
  Files,
  OpenFile,
  OpenMode,
} from "../ports/files.ts";

/** Secrets and logs are for the owner and its group only. */
const FILE_PERMISSIONS = 0o640;
const DIRECTORY_PERMISSIONS = 0o750;
const ROOT = 0;
const GROUP_WRITES = 0o020;
const DIRECTORY_FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const OPEN_FLAGS: Readonly<Record<OpenMode, string>> = {
  read: "r",
  append: "a",
  create: "wx+",
  update: "r+",
};

function fileErrorCode(error: unknown): FileErrorCode {
  switch (errnoOf(error)) {
    case "ENOENT":
    case "ENOTDIR":
      return "file_not_found";
    case "EEXIST":
      return "file_exists";
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return "file_access_denied";
    case "ENOSPC":
    case "EDQUOT":
      return "file_disk_full";
    default:
      return "file_other";
  }
}

function guarded<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    const text = messageOf(error);
    // What goes through a descriptor does not say which file it is.
    const message = text.includes(path) ? text : `${text}: ${path}`;
    throw new CodedError(fileErrorCode(error), message, { path }, error);
  }
}

function kindOf(entry: { isFile(): boolean; isDirectory(): boolean }): FileKind {
  if (entry.isFile()) return "file";
  return entry.isDirectory() ? "directory" : "other";
}

function infoOf(stats: Stats): FileInfo {
  return {
    kind: kindOf(stats),
    bytes: stats.size,
    modifiedMs: stats.mtimeMs,
    changedMs: stats.ctimeMs,
    inode: stats.ino,
    mode: stats.mode & 0o7777,
  };
}

class SystemOpenFile implements OpenFile {
  readonly #path: string;
  readonly #descriptor: number;

  constructor(path: string, descriptor: number) {
    this.#path = path;
    this.#descriptor = descriptor;
  }

  read(into: Uint8Array, position: number): number {
    return guarded(this.#path, () => readSync(this.#descriptor, into, 0, into.length, position));
  }

  write(bytes: Uint8Array, position?: number): void {
    guarded(this.#path, () => {
      let written = 0;
      while (written < bytes.length) {
        const at = position === undefined ? null : position + written;
        written += writeSync(this.#descriptor, bytes, written, bytes.length - written, at);
      }
    });
  }

  truncate(bytes: number): void {
    guarded(this.#path, () => ftruncateSync(this.#descriptor, bytes));
  }

  sync(): void {
    guarded(this.#path, () => fdatasyncSync(this.#descriptor));
  }

  info(): FileInfo {
    return guarded(this.#path, () => infoOf(fstatSync(this.#descriptor)));
  }

  close(): void {
    guarded(this.#path, () => closeSync(this.#descriptor));
  }
}

function withOpen(path: string, flags: number | string, use: (descriptor: number) => void): void {
  const descriptor = openSync(path, flags);
  try {
    use(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function syncDirectory(directory: string): void {
  withOpen(directory, "r", fsyncSync);
}

type Owners = { readonly uid: number; readonly gid: number };

/**
 * What root makes belongs to whom the file that it replaces belonged to, or the folder: a command that root runs must leave nothing in a
 * home that its manager cannot use.
 */
function belongTo({ uid, gid }: Owners, descriptor: number): void {
  if (process.geteuid?.() !== ROOT) return;
  const made = fstatSync(descriptor);
  const isOurs = made.uid === ROOT && (made.isDirectory() || made.nlink === 1);
  if (isOurs && (uid !== made.uid || gid !== made.gid)) fchownSync(descriptor, uid, gid);
}

/** The group of a folder of root's that it may not write into is nobody to show secrets to. */
function ownersWithin(directory: string): Owners {
  const { uid, gid, mode } = statSync(directory);
  return { uid, gid: uid === ROOT && (mode & GROUP_WRITES) === 0 ? ROOT : gid };
}

function openFile(path: string, mode: OpenMode, permissions: number): number {
  const descriptor = openSync(path, OPEN_FLAGS[mode], permissions);
  const isNew = mode === "create" || (mode === "append" && fstatSync(descriptor).size === 0);
  if (isNew) belongTo(ownersWithin(dirname(path)), descriptor);
  return descriptor;
}

function replaceFile(path: string, bytes: Uint8Array, permissions: number): void {
  const temporary = `${path}.tmp`;
  rmSync(temporary, { force: true });
  const descriptor = openSync(temporary, "wx", permissions);
  try {
    belongTo(lstatSync(path, { throwIfNoEntry: false }) ?? ownersWithin(dirname(path)), descriptor);
    let written = 0;
    while (written < bytes.length) written += writeSync(descriptor, bytes, written);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporary, path);
  syncDirectory(dirname(path));
}

function linkOver(existing: string, path: string): void {
  const temporary = `${path}.tmp`;
  rmSync(temporary, { force: true });
  linkSync(existing, temporary);
  renameSync(temporary, path);
  // When both names were the same file already, rename leaves the temporary name behind.
  rmSync(temporary, { force: true });
}

/** Level by level: Node's own recursion never ends where the system says that a parent which is there is not (below /proc). */
function makeWithParents(directory: string, permissions: number): void {
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true) return;
  const parent = dirname(directory);
  if (parent !== directory) makeWithParents(parent, permissions);
  try {
    mkdirSync(directory, { mode: permissions });
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
    return;
  }
  withOpen(directory, DIRECTORY_FLAGS, (descriptor) => belongTo(ownersWithin(parent), descriptor));
}

function listDirectory(directory: string): readonly DirectoryEntry[] {
  return readdirSync(directory, { withFileTypes: true }).map((entry) => {
    const followed = entry.isSymbolicLink()
      ? statSync(`${directory}/${entry.name}`, { throwIfNoEntry: false })
      : entry;
    return { name: entry.name, kind: followed === undefined ? "other" : kindOf(followed) };
  });
}

export const systemFiles: Files = {
  open: (path, mode, permissions = FILE_PERMISSIONS) =>
    guarded(path, () => new SystemOpenFile(path, openFile(path, mode, permissions))),
  read: (path) => guarded(path, () => readFileSync(path)),
  info: (path) =>
    guarded(path, () => {
      const stats = statSync(path, { throwIfNoEntry: false });
      return stats === undefined ? null : infoOf(stats);
    }),
  list: (directory) => guarded(directory, () => listDirectory(directory)),
  rename: (from, to) => guarded(from, () => renameSync(from, to)),
  remove: (path) => guarded(path, () => unlinkSync(path)),
  removeTree: (directory) => guarded(directory, () => rmSync(directory, { recursive: true, force: true })),
  makeDirectory: (directory, permissions = DIRECTORY_PERMISSIONS) => {
    guarded(directory, () => makeWithParents(directory, permissions));
  },
  link: (existing, path) => guarded(path, () => linkOver(existing, path)),
  replace: (path, bytes, permissions = FILE_PERMISSIONS) =>
    guarded(path, () => replaceFile(path, bytes, permissions)),
  freeBytes: (directory) =>
    guarded(directory, () => {
      const stats = statfsSync(directory);
      return stats.bavail * stats.bsize;
    }),
};
