/** Archives as files: written for another node, read from one. */
import {
  ARCHIVE_LIMITS,
  type ArchiveFailure,
  type ArchiveLimits,
  encodeMember,
  encodeMetadata,
  MEMBER_BYTES_MAX,
  METADATA_NAME,
  readArchive,
} from "#formats/wire/cluster/archive.ts";
import {
  type FileChanges,
  type FileEntry,
  type FileTable,
  fileChangesJson,
  fileTableJson,
  readFileChanges,
  readFileTable,
} from "#formats/wire/cluster/file-table.ts";
import { itemHolding } from "#formats/wire/cluster/items.ts";
import { type JsonValue, parseJson } from "#formats/wire/cluster/json-value.ts";
import { CodedError } from "#kernel/errors.ts";
import type { Files, OpenFile } from "#kernel/ports/files.ts";

const WINDOW_BYTES = 10 * 1024 * 1024;

/** Only the table, no file. */
export function writeTableArchive(files: Files, path: string, table: FileTable): void {
  const file = files.open(path, "create");
  try {
    file.write(encodeMetadata(fileTableJson(table)));
  } finally {
    file.close();
  }
}

export type WrittenChanges = {
  /** What is really in the archive, and what the worker is told to remove. */
  readonly changes: FileChanges;
  /** Lines by the file they are about. */
  readonly warnings: readonly (readonly [string, string])[];
};

/** The files that a worker lacks or has otherwise, up to `bytesMax` packed. Those left out follow at the next check. */
export function writeChangesArchive(
  files: Files,
  home: string,
  path: string,
  changes: FileChanges,
  bytesMax: number,
): WrittenChanges {
  const file = files.open(path, "create");
  try {
    const writer = new ChangesWriter(files, home, file, bytesMax);
    const missing = writer.add(changes.missing);
    const unreadable = new Map<string, FileEntry>();
    const shared = writer.add(changes.shared, unreadable);
    const extra = new Map([...changes.extra, ...unreadable]);
    const written = { missing, shared, extra };
    file.write(encodeMetadata(fileChangesJson(written)));
    return { changes: written, warnings: writer.warnings };
  } finally {
    file.close();
  }
}

class ChangesWriter {
  readonly warnings: (readonly [string, string])[] = [];
  readonly #files: Files;
  readonly #home: string;
  readonly #archive: OpenFile;
  readonly #bytesMax: number;
  #bytes = 0;
  #isFull = false;

  constructor(files: Files, home: string, archive: OpenFile, bytesMax: number) {
    this.#files = files;
    this.#home = home;
    this.#archive = archive;
    this.#bytesMax = bytesMax;
  }

  /** Those that are in the archive now. What is gone here goes to `unreadable`: the worker removes it. */
  add(table: FileTable, unreadable?: Map<string, FileEntry>): FileTable {
    const written = new Map<string, FileEntry>();
    for (const [path, entry] of table) {
      const content = this.#read(path);
      if (content === "unreadable") unreadable?.set(path, entry);
      else if (content !== null && this.#write(path, content)) written.set(path, entry);
    }
    return written;
  }

  /** Null when it does not fit by its size alone. */
  #read(path: string): Buffer | "unreadable" | null {
    if (this.#isFull) return null;
    const absolute = `${this.#home}/${path}`;
    try {
      const bytes = this.#files.info(absolute)?.bytes;
      if (bytes === undefined) return "unreadable";
      if (bytes <= Math.min(this.#bytesMax, MEMBER_BYTES_MAX)) return this.#files.read(absolute);
      this.warnings.push([path, `File too large to be synced: ${absolute}`]);
      return null;
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.warnings.push([path, error.message]);
      return "unreadable";
    }
  }

  #write(path: string, content: Buffer): boolean {
    const member = encodeMember(path, content);
    if (member === null) {
      this.warnings.push([path, `File cannot be packed: ${this.#home}/${path}`]);
      return false;
    }
    if (this.#bytes + member.length > this.#bytesMax) {
      this.#isFull = true;
      const text = "Maximum zip size exceeded. Not all files will be compressed during this sync.";
      this.warnings.push([path, text]);
      return false;
    }
    this.#archive.write(member);
    this.#bytes += member.length;
    return true;
  }
}

/** What another node's archive is refused for; nothing of it was applied. */
export type ArchiveRefusal = { readonly code: string; readonly what: string };

export function readTableArchive(files: Files, path: string): FileTable | ArchiveRefusal {
  const metadata = unpack(files, path, () => false);
  if ("code" in metadata) return metadata;
  return readFileTable(metadata.json);
}

/** `contents` says where the files of the archive lie, by their paths. */
export type UnpackedChanges = {
  readonly changes: FileChanges;
  readonly contents: ReadonlyMap<string, string>;
};

/**
 * The files are directly in `directory` afterwards, under numbers: making and removing a directory for each costs several times as much as the files. The
 * metadata says what they are for.
 */
export function readChangesArchive(
  files: Files,
  path: string,
  directory: string,
  limits: ArchiveLimits = ARCHIVE_LIMITS,
): UnpackedChanges | ArchiveRefusal {
  const contents = new Map<string, string>();
  files.makeDirectory(directory, 0o770);
  const save = (member: string, content: Buffer): boolean => {
    const item = itemHolding(member);
    if (item === null) return true; // the metadata cannot name it either
    const target = `${directory}/${contents.size}`;
    const file = files.open(target, "create", item.permissions);
    try {
      file.write(content);
      if (item.mustSurvive) file.sync();
    } finally {
      file.close();
    }
    contents.set(member, target);
    return true;
  };
  const metadata = unpack(files, path, save, limits);
  if ("code" in metadata) return metadata;
  const changes = readFileChanges(metadata.json);
  return "code" in changes ? changes : { changes, contents };
}

/** `take` is given every file and says whether files are wanted at all. */
function unpack(
  files: Files,
  path: string,
  take: (member: string, content: Buffer) => boolean,
  limits = ARCHIVE_LIMITS,
): { readonly json: JsonValue } | ArchiveRefusal {
  const file = files.open(path, "read");
  try {
    const reading = readArchive(windowsOf(file), limits);
    for (;;) {
      const step = reading.next();
      if (step.done === true) return refusalOf(step.value);
      const { path: member, content } = step.value;
      if (member === METADATA_NAME) {
        const json = parseJson(content);
        return json === undefined ? { code: "bad_metadata", what: member } : { json };
      }
      if (!take(member, content)) return { code: "unexpected_file", what: member };
    }
  } finally {
    file.close();
  }
}

function refusalOf(failure: ArchiveFailure | null): ArchiveRefusal {
  return { code: failure?.code ?? "no_metadata", what: failure?.path ?? "" };
}

function* windowsOf(file: OpenFile): Generator<Buffer> {
  // Most archives are tables of a few kilobytes; a full window for each keeps the collector busy.
  const windowBytes = Math.min(WINDOW_BYTES, file.info().bytes + 1);
  let position = 0;
  for (;;) {
    const window = Buffer.allocUnsafe(windowBytes);
    const bytes = file.read(window, position);
    if (bytes === 0) return;
    position += bytes;
    yield window.subarray(0, bytes);
  }
}
