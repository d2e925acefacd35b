/**
 * A file system in memory that can lose power and fill up.
 *
 * `losePower()` leaves of each file what was synced, and of the directories what was synced by `replace`, `rename`, `link` and
 * `remove` (directory changes count as durable at once; only file content can be lost). Hard links share their content.
 */
import { CodedError } from "#kernel/errors.ts";
import type {
  DirectoryEntry,
  FileErrorCode,
  FileInfo,
  Files,
  OpenFile,
  OpenMode,
} from "#kernel/ports/files.ts";

type Content = { bytes: Buffer; synced: Buffer; mode: number; readonly inode: number; modifiedMs: number };

function failure(code: FileErrorCode, path: string): CodedError {
  return new CodedError(code, `${code}: ${path}`, { path });
}

export class FakeFiles implements Files {
  readonly #files = new Map<string, Content>();
  readonly #directories = new Set<string>(["/"]);
  readonly #denied = new Set<string>();
  #inode = 1;
  /** Bytes that still fit; writes beyond it store what fits and throw `file_disk_full`. */
  freeSpace = Number.POSITIVE_INFINITY;
  nowMs = 0;

  open(path: string, mode: OpenMode, permissions = 0o640): OpenFile {
    this.#checkAccess(path);
    if (mode === "read" && this.#directories.has(path)) return this.#directoryHandle(path);
    const known = this.#files.get(path);
    if (mode === "create" && known !== undefined) throw failure("file_exists", path);
    if ((mode === "read" || mode === "update") && known === undefined) throw failure("file_not_found", path);
    const content = known ?? this.#create(path, permissions);
    return this.#handle(path, content, mode);
  }

  read(path: string): Buffer {
    this.#checkAccess(path);
    const content = this.#files.get(path);
    if (content === undefined) throw failure("file_not_found", path);
    return Buffer.from(content.bytes);
  }

  info(path: string): FileInfo | null {
    const content = this.#files.get(path);
    if (content !== undefined) return this.#infoOf(content);
    if (!this.#directories.has(path)) return null;
    return { kind: "directory", bytes: 0, modifiedMs: 0, inode: 0, mode: 0o750 };
  }

  list(directory: string): readonly DirectoryEntry[] {
    if (!this.#directories.has(directory)) throw failure("file_not_found", directory);
    const prefix = directory === "/" ? "/" : `${directory}/`;
    const direct = (path: string) =>
      path.startsWith(prefix) && path !== directory && !path.slice(prefix.length).includes("/");
    const name = (path: string) => path.slice(prefix.length);
    return [
      ...[...this.#directories]
        .filter(direct)
        .map((path): DirectoryEntry => ({ name: name(path), kind: "directory" })),
      ...[...this.#files.keys()]
        .filter(direct)
        .map((path): DirectoryEntry => ({ name: name(path), kind: "file" })),
    ];
  }

  rename(from: string, to: string): void {
    const content = this.#files.get(from);
    if (content === undefined) throw failure("file_not_found", from);
    this.#files.set(to, content);
    this.#files.delete(from);
  }

  remove(path: string): void {
    if (!this.#files.delete(path)) throw failure("file_not_found", path);
  }

  removeTree(directory: string): void {
    const inside = (path: string) => path === directory || path.startsWith(`${directory}/`);
    for (const path of [...this.#files.keys()]) if (inside(path)) this.#files.delete(path);
    for (const path of [...this.#directories]) if (inside(path)) this.#directories.delete(path);
  }

  makeDirectory(directory: string): void {
    this.#checkAccess(directory);
    const parts = directory.split("/");
    for (let count = 2; count <= parts.length; count++)
      this.#directories.add(parts.slice(0, count).join("/"));
  }

  link(existing: string, path: string): void {
    const content = this.#files.get(existing);
    if (content === undefined) throw failure("file_not_found", existing);
    this.#files.set(path, content);
  }

  replace(path: string, bytes: Uint8Array, permissions = 0o640): void {
    this.#checkAccess(path);
    if (bytes.length > this.freeSpace) throw failure("file_disk_full", path);
    this.freeSpace -= bytes.length;
    const content = this.#create(path, permissions);
    content.bytes = Buffer.from(bytes);
    content.synced = content.bytes;
  }

  freeBytes(): number {
    return this.freeSpace;
  }

  /** Every write under `path` is refused from here on. */
  deny(path: string): void {
    this.#denied.add(path);
  }

  /** Of the bytes that each file had beyond its last sync, `survivors` says how many reached the disk all the same. */
  losePower(survivors: (unsyncedBytes: number) => number = () => 0): void {
    for (const content of this.#files.values()) {
      const unsyncedBytes = content.bytes.length - content.synced.length;
      const kept = unsyncedBytes > 0 ? survivors(unsyncedBytes) : 0;
      const tail = content.bytes.subarray(content.synced.length, content.synced.length + kept);
      content.bytes = Buffer.concat([content.synced, tail]);
      content.synced = content.bytes;
    }
  }

  write(path: string, text: string): void {
    this.#create(path, 0o640).bytes = Buffer.from(text, "latin1");
  }

  text(path: string): string {
    return this.read(path).toString("latin1");
  }

  paths(): string[] {
    return [...this.#files.keys()].sort();
  }

  #checkAccess(path: string): void {
    for (const denied of this.#denied) {
      if (path === denied || path.startsWith(`${denied}/`)) throw failure("file_access_denied", path);
    }
  }

  #create(path: string, mode: number): Content {
    const empty = Buffer.alloc(0);
    const content: Content = {
      bytes: empty,
      synced: empty,
      mode,
      inode: this.#inode++,
      modifiedMs: this.nowMs,
    };
    this.#files.set(path, content);
    return content;
  }

  #infoOf(content: Content): FileInfo {
    return {
      kind: "file",
      bytes: content.bytes.length,
      modifiedMs: content.modifiedMs,
      inode: content.inode,
      mode: content.mode,
    };
  }

  /** A directory is opened to be synced only. */
  #directoryHandle(path: string): OpenFile {
    const refuse = (): never => {
      throw failure("file_other", path);
    };
    const info = (): FileInfo => this.info(path) ?? refuse();
    return { read: refuse, write: refuse, truncate: refuse, sync: () => {}, info, close: () => {} };
  }

  #handle(path: string, content: Content, mode: OpenMode): OpenFile {
    return {
      read: (into, position) => (position < content.bytes.length ? content.bytes.copy(into, 0, position) : 0),
      write: (bytes, position) => {
        const at = mode === "append" || position === undefined ? content.bytes.length : position;
        const fits = Math.min(bytes.length, this.freeSpace);
        const end = Math.max(content.bytes.length, at + fits);
        const grown = Buffer.alloc(end);
        content.bytes.copy(grown);
        grown.set(bytes.subarray(0, fits), at);
        content.bytes = grown;
        content.modifiedMs = this.nowMs;
        this.freeSpace -= fits;
        if (fits < bytes.length) throw failure("file_disk_full", path);
      },
      truncate: (bytes) => {
        content.bytes = Buffer.from(content.bytes.subarray(0, bytes));
      },
      sync: () => {
        content.synced = Buffer.from(content.bytes);
      },
      info: () => this.#infoOf(content),
      close: () => {},
    };
  }
}
