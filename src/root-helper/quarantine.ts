/**
 * Files that are taken out of reach: moved into a folder that only root may enter, each beside a record of where it was
 * (`<item>.json`), from which it is put back.
 */
import { CodedError } from "#kernel/errors.ts";
import type { Clock } from "#kernel/ports/clock.ts";
import type { GuardedFiles } from "#kernel/ports/guarded-files.ts";
import { isPlainPath } from "#model/host-action.ts";

const RECORD_VERSION = 1;

/** What the system runs from or is no file of a disk: taking a part of it away does more harm than malware. */
const SYSTEM_FOLDERS: readonly string[] = [
  ...["/proc", "/sys", "/dev", "/run", "/boot", "/etc"],
  ...["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/usr/bin", "/usr/sbin"],
  ...["/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libx32", "/usr/libexec"],
];

export type QuarantineNeeds = {
  readonly clock: Clock;
  readonly guarded: GuardedFiles;
  /** Where files are kept. */
  readonly directory: string;
  /** The home, the program: nothing of them is moved. */
  readonly ownFolders: readonly string[];
};

export class Quarantine {
  readonly #needs: QuarantineNeeds;

  constructor(needs: QuarantineNeeds) {
    this.#needs = needs;
  }

  /** Throws `CodedError` when the file may not be moved. */
  check(path: string): void {
    const resolved = this.#needs.guarded.realPath(path);
    if (resolved === null) throw new CodedError("file_not_found", `There is no file ${path}`);
    if (resolved !== path)
      throw new CodedError("path_has_link", `${path} is or goes through a symbolic link`);
    this.#checkFolder(path);
  }

  /** Gives the name under which it can be released. Throws `CodedError`. */
  take(path: string): string {
    this.check(path);
    const { clock, guarded, directory } = this.#needs;
    const takenMs = clock.wallMs();
    const nameOf = ({ inode }: { readonly inode: number }) => `q${takenMs}-${inode}`;
    const { inode, bytes, mode, userId, groupId } = guarded.takeAway(path, directory, nameOf);
    const item = nameOf({ inode });
    const record = { version: RECORD_VERSION, path, bytes, mode, userId, groupId, takenMs };
    guarded.writePrivate(directory, recordName(item), Buffer.from(`${JSON.stringify(record)}\n`));
    return item;
  }

  /** Where the item was. Throws `CodedError`. */
  originOf(item: string): string {
    const { guarded, directory } = this.#needs;
    const path = parsePath(guarded.readPrivate(directory, recordName(item)).toString("utf8"));
    if (path === null)
      throw new CodedError("record_damaged", `The record of ${item} does not say where the file was`);
    this.#checkFolder(path);
    return path;
  }

  /** Gives the path where it is again. Throws `CodedError`. */
  release(item: string): string {
    const { guarded, directory } = this.#needs;
    const path = this.originOf(item);
    guarded.putBack({ directory, name: item }, path);
    guarded.removePrivate(directory, recordName(item));
    return path;
  }

  #checkFolder(path: string): void {
    const folder = [...SYSTEM_FOLDERS, ...this.#needs.ownFolders].find((each) => isWithin(path, each));
    if (folder !== undefined) throw new CodedError("path_protected", `Nothing below ${folder} is moved`);
  }
}

function recordName(item: string): string {
  return `${item}.json`;
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

function parsePath(text: string): string | null {
  try {
    const { version, path }: { readonly version?: unknown; readonly path?: unknown } = JSON.parse(text) ?? {};
    return version === RECORD_VERSION && typeof path === "string" && isPlainPath(path) ? path : null;
  } catch {
    return null;
  }
}
