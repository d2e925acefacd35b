/**
 * A file system in memory that can lose power and fill up.
 *
 * `losePower()` leaves of each file what was synced. Directory changes count as durable at once, but for the names of files that
 * were made by opening them: those last from the next sync of their directory on, for who asks. Hard links share their content.
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

/** Bytes that grow at their end without being copied each time. */
class GrowingBytes {
  #memory: Buffer;
  #count: number;
  /** What changed lies from here on. */
  changedFrom = 0;

  constructor(bytes: Uint8Array = Buffer.alloc(0)) {
    this.#memory = Buffer.from(bytes);
    this.#count = bytes.length;
  }

  get count(): number {
    return this.#count;
  }

  get view(): Buffer {
    return this.#memory.subarray(0, this.#count);
  }

  write(bytes: Uint8Array, at: number): void {
    const end = Math.max(this.#count, at + bytes.length);
    if (end > this.#memory.length) {
      const grown = Buffer.alloc(end * 2);
      this.view.copy(grown);
      this.#memory = grown;
    }
    this.#memory.set(bytes, at);
    this.#count = end;
    this.changedFrom = Math.min(this.changedFrom, at);
  }

  truncate(count: number): void {
    if (count >= this.#count) return;
    this.#memory.fill(0, count, this.#count);
    this.#count = count;
    this.changedFrom = Math.min(this.changedFrom, count);
  }

  /** Becomes equal to `other`, of which the part before its `changedFrom` is known here. */
  follow(other: GrowingBytes): void {
    const from = Math.min(other.changedFrom, other.count);
    this.truncate(from);
    this.write(other.view.subarray(from), from);
    other.changedFrom = other.count;
  }
}

type Content = {
  readonly bytes: GrowingBytes;
  readonly synced: GrowingBytes;
  mode: number;
  readonly inode: number;
  modifiedMs: number;
  changedMs: number;
  /** Its name is on the disk. */
  named: boolean;
};

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
    return Buffer.from(content.bytes.view);
  }

  info(path: string): FileInfo | null {
    const content = this.#files.get(path);
    if (content !== undefined) return this.#infoOf(content);
    if (!this.#directories.has(path)) return null;
    return { kind: "directory", bytes: 0, modifiedMs: 0, changedMs: 0, inode: 0, mode: 0o750 };
  }

  /** As `touch` does: the content is said to be of another time. */
  setModified(path: string, modifiedMs: number): void {
    const content = this.#files.get(path);
    if (content === undefined) throw failure("file_not_found", path);
    content.modifiedMs = modifiedMs;
    content.changedMs = this.nowMs;
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
    content.named = true;
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
    content.named = true;
    this.#files.set(path, content);
  }

  replace(path: string, bytes: Uint8Array, permissions = 0o640): void {
    this.#checkAccess(path);
    if (bytes.length > this.freeSpace) throw failure("file_disk_full", path);
    this.freeSpace -= bytes.length;
    const content = this.#create(path, permissions);
    content.bytes.write(bytes, 0);
    content.synced.follow(content.bytes);
    content.named = true;
  }

  freeBytes(): number {
    return this.freeSpace;
  }

  /** Every write under `path` is refused from here on. */
  deny(path: string): void {
    this.#denied.add(path);
  }

  /**
   * Of the bytes that each file had beyond its last sync, `survivors` says how many reached the disk all the same; of a new file whose
   * directory was not synced, `nameSurvives` says whether it is there.
   */
  losePower(
    survivors: (unsyncedBytes: number) => number = () => 0,
    nameSurvives: (path: string) => boolean = () => true,
  ): void {
    for (const [path, content] of this.#files) {
      if (!content.named && !nameSurvives(path)) this.#files.delete(path);
      content.named = true;
      const { bytes, synced } = content;
      const unsyncedBytes = bytes.count - synced.count;
      const kept = unsyncedBytes > 0 ? survivors(unsyncedBytes) : 0;
      const tail = Buffer.from(bytes.view.subarray(synced.count, synced.count + kept));
      bytes.truncate(0);
      bytes.write(synced.view, 0);
      bytes.write(tail, synced.count);
      synced.follow(bytes);
    }
  }

  write(path: string, text: string): void {
    const content = this.#create(path, 0o640);
    content.bytes.write(Buffer.from(text, "latin1"), 0);
    content.named = true;
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
    const content: Content = {
      bytes: new GrowingBytes(),
      synced: new GrowingBytes(),
      mode,
      inode: this.#inode++,
      modifiedMs: this.nowMs,
      changedMs: this.nowMs,
      named: false,
    };
    this.#files.set(path, content);
    return content;
  }

  #infoOf(content: Content): FileInfo {
    return {
      kind: "file",
      bytes: content.bytes.count,
      modifiedMs: content.modifiedMs,
      changedMs: content.changedMs,
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
    const sync = (): void => this.#nameFilesOf(path);
    return { read: refuse, write: refuse, truncate: refuse, sync, info, close: () => {} };
  }

  #nameFilesOf(directory: string): void {
    for (const [path, content] of this.#files)
      if (path.slice(0, path.lastIndexOf("/")) === directory) content.named = true;
  }

  #handle(path: string, content: Content, mode: OpenMode): OpenFile {
    return {
      read: (into, position) =>
        position < content.bytes.count ? content.bytes.view.copy(into, 0, position) : 0,
      write: (bytes, position) => {
        const at = mode === "append" || position === undefined ? content.bytes.count : position;
        const fits = Math.min(bytes.length, this.freeSpace);
        content.bytes.write(bytes.subarray(0, fits), at);
        content.modifiedMs = this.nowMs;
        content.changedMs = this.nowMs;
        this.freeSpace -= fits;
        if (fits < bytes.length) throw failure("file_disk_full", path);
      },
      truncate: (bytes) => {
        content.bytes.truncate(bytes);
      },
      sync: () => {
        content.synced.follow(content.bytes);
      },
      info: () => this.#infoOf(content),
      close: () => {},
    };
  }
}
