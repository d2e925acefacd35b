/**
 * Files, synchronously: the threads that use them own their time, and an event is accepted only when `write` returned.
 *
 * Every method throws `CodedError` with one of `FileErrorCode`; `detail.path` says where.
 */

export type FileErrorCode =
  | "file_not_found"
  | "file_exists"
  | "file_access_denied"
  | "file_disk_full"
  | "file_other";

export type FileKind = "file" | "directory" | "other";

export type FileInfo = {
  readonly kind: FileKind;
  readonly bytes: number;
  readonly modifiedMs: number;
  /** When the content or what is written here of it changed last: unlike `modifiedMs` no program can set it. */
  readonly changedMs: number;
  readonly inode: number;
  readonly mode: number;
};

export type DirectoryEntry = { readonly name: string; readonly kind: FileKind };

/** `append` writes at the end whatever the position; `create` fails when the file exists; `update` reads and writes in place. */
export type OpenMode = "read" | "append" | "create" | "update";

export interface OpenFile {
  /** Reads up to `into.length` bytes at `position`; 0 at the end of the file. */
  read(into: Uint8Array, position: number): number;
  /** Writes all the bytes or throws; after a throw the file may hold a part of them. */
  write(bytes: Uint8Array, position?: number): void;
  truncate(bytes: number): void;
  /** Returns when the content is on stable storage (`fdatasync`). */
  sync(): void;
  info(): FileInfo;
  close(): void;
}

export interface Files {
  open(path: string, mode: OpenMode, permissions?: number): OpenFile;
  read(path: string): Buffer;
  /** Null when there is nothing at `path`. */
  info(path: string): FileInfo | null;
  list(directory: string): readonly DirectoryEntry[];
  rename(from: string, to: string): void;
  remove(path: string): void;
  /** Removes a directory with all it holds; nothing happens when it is absent. */
  removeTree(directory: string): void;
  /** Makes the directory and its parents. */
  makeDirectory(directory: string, permissions?: number): void;
  /** A hard link `path` to `existing`, replacing what was at `path`. */
  link(existing: string, path: string): void;
  /** Writes a temporary neighbour, syncs it, renames it over `path` and syncs the directory: old or new, never half. */
  replace(path: string, bytes: Uint8Array, permissions?: number): void;
  freeBytes(directory: string): number;
}
