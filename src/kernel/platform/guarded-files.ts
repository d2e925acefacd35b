/**
 * Guarded moves on Linux: every directory on the way is opened by its own name in the one before it, and names are used below such an
 * open directory only (`/proc/self/fd/<n>/<name>`, Node's way to openat and renameat).
 */
import {
  type BigIntStats,
  closeSync,
  constants,
  copyFileSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { CodedError, errnoOf, messageOf } from "../errors.ts";
import type { GuardedFiles, MovedFile } from "../ports/guarded-files.ts";

const PRIVATE_MODE = 0o700;
const PRIVATE_FILE_MODE = 0o600;
/** What is copied between file systems holds up all that waits behind it. */
const COPIED_BYTES_MAX = 1024 * 1024 * 1024;
const DIRECTORY_FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** Opening a pipe or a device must neither wait nor do anything. */
const FILE_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;

const CODES: Readonly<Record<string, string>> = {
  ELOOP: "path_has_link",
  ENOTDIR: "path_has_link",
  ENOENT: "file_not_found",
  ENXIO: "not_regular",
  EEXIST: "file_exists",
  EACCES: "file_access_denied",
  EPERM: "file_access_denied",
  EROFS: "file_access_denied",
  ENOSPC: "file_disk_full",
};

export const guardedFiles: GuardedFiles = {
  realPath: (path) => {
    try {
      return realpathSync(path);
    } catch {
      return null;
    }
  },
  writePrivate: (directory, name, bytes) =>
    guarded(directory, () =>
      withPrivate(directory, (opened) =>
        writeFileSync(`${opened}/${name}`, bytes, { flag: "wx", mode: PRIVATE_FILE_MODE }),
      ),
    ),
  readPrivate: (directory, name) =>
    guarded(`${directory}/${name}`, () =>
      withPrivate(directory, (opened) => readFileSync(`${opened}/${name}`)),
    ),
  removePrivate: (directory, name) =>
    guarded(directory, () => withPrivate(directory, (opened) => unlinkSync(`${opened}/${name}`))),
  takeAway: (path, directory, nameOf) =>
    guarded(path, () =>
      withPrivate(directory, (to) =>
        withParent(path, (parent, name) => takeAway({ parent, name, to }, nameOf)),
      ),
    ),
  putBack: ({ directory, name }, path) =>
    guarded(path, () =>
      withPrivate(directory, (from) =>
        withParent(path, (parent, last) => putBack(`${from}/${name}`, `${parent}/${last}`)),
      ),
    ),
};

function guarded<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof CodedError) throw error;
    const code = CODES[errnoOf(error) ?? ""] ?? "file_other";
    throw new CodedError(code, `${messageOf(error).replace(/,.*/s, "")}: ${path}`, { path }, error);
  }
}

/** `use` is given a name for the open directory that stays right whatever is renamed meanwhile. */
function withDirectory<T>(path: string, use: (name: string) => T): T {
  const descriptor = openSync(path, DIRECTORY_FLAGS);
  try {
    return use(`/proc/self/fd/${descriptor}`);
  } finally {
    closeSync(descriptor);
  }
}

function withParent<T>(path: string, use: (parent: string, name: string) => T): T {
  const parts = path.split("/").slice(1);
  const name = parts.pop() ?? "";
  const walk = (from: string, at: number): T => {
    const part = parts[at];
    return part === undefined
      ? use(from, name)
      : withDirectory(`${from}/${part}`, (next) => walk(next, at + 1));
  };
  return withDirectory("/", (root) => walk(root, 0));
}

function withPrivate<T>(directory: string, use: (name: string) => T): T {
  return withParent(directory, (parent, name) => {
    try {
      mkdirSync(`${parent}/${name}`, { mode: PRIVATE_MODE });
    } catch (error) {
      if (errnoOf(error) !== "EEXIST") throw error;
    }
    return withDirectory(`${parent}/${name}`, (opened) => {
      const { uid, mode } = lstatSync(`${opened}/.`);
      if (uid !== process.geteuid?.() || (mode & 0o077) !== 0)
        throw new CodedError("directory_unsafe", `${directory} is not this user's alone (mode 0700)`);
      return use(opened);
    });
  });
}

/** The open file keeps its inode from being given to another file. */
function withRegular<T>(path: string, use: (stats: BigIntStats, descriptor: number) => T): T {
  const descriptor = openSync(path, FILE_FLAGS);
  try {
    const stats = fstatSync(descriptor, { bigint: true });
    if (!stats.isFile()) throw new CodedError("not_regular", "Only a regular file is moved");
    // The other name would stay, and with it what was to go away.
    if (stats.nlink !== 1n) throw new CodedError("hard_linked", "The file has other names, which would stay");
    return use(stats, descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function takeAway(
  { parent, name, to }: { readonly parent: string; readonly name: string; readonly to: string },
  nameOf: (file: MovedFile) => string,
): MovedFile {
  const from = `${parent}/${name}`;
  return withRegular(from, (stats, descriptor) => {
    const moved = movedFile(stats);
    const target = `${to}/${nameOf(moved)}`;
    move({ from, target, descriptor, stats });
    return moved;
  });
}

function putBack(from: string, target: string): void {
  withRegular(from, (stats, descriptor) => {
    try {
      // Unlike rename, a link takes nobody's place.
      linkSync(from, target);
    } catch (error) {
      if (errnoOf(error) !== "EXDEV") throw error;
      copy({ target, descriptor, stats });
    }
    unlinkSync(from);
  });
}

type Move = {
  readonly from: string;
  readonly target: string;
  readonly descriptor: number;
  readonly stats: BigIntStats;
};

function move({ from, target, descriptor, stats }: Move): void {
  try {
    renameSync(from, target);
  } catch (error) {
    if (errnoOf(error) !== "EXDEV") throw error;
    copy({ target, descriptor, stats });
    if (!isSame(from, stats)) {
      unlinkSync(target);
      throw new CodedError("changed_meanwhile", "Another file took its place meanwhile");
    }
    unlinkSync(from);
    return;
  }
  if (isSame(target, stats)) return;
  renameSync(target, from);
  throw new CodedError("changed_meanwhile", "Another file took its place meanwhile");
}

function copy({ target, descriptor, stats }: Omit<Move, "from">): void {
  if (stats.size > BigInt(COPIED_BYTES_MAX))
    throw new CodedError("file_too_large", "Too large to be copied to the other file system");
  copyFileSync(`/proc/self/fd/${descriptor}`, target, constants.COPYFILE_EXCL);
  const copied = openSync(target, FILE_FLAGS);
  try {
    fchownSync(copied, Number(stats.uid), Number(stats.gid));
    fchmodSync(copied, Number(stats.mode) & 0o7777);
  } finally {
    closeSync(copied);
  }
}

function isSame(path: string, { ino, dev }: BigIntStats): boolean {
  const there = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return there !== undefined && there.ino === ino && there.dev === dev;
}

function movedFile({ size, mode, uid, gid, ino }: BigIntStats): MovedFile {
  return {
    bytes: Number(size),
    mode: Number(mode) & 0o7777,
    userId: Number(uid),
    groupId: Number(gid),
    inode: Number(ino),
  };
}
