/**
 * `etc/client.keys` on the disk: reads it, appends to it, rewrites it, and remembers the highest id ever given out.
 *
 * What a method wrote is on stable storage when it returns. A purged agent leaves no line, so its number would be forgotten with
 * the next start; it is kept in a small file of our own (`version 1 highest <n>`) before the line goes.
 */
import {
  type ClientKeys,
  formatClientKeys,
  formatKeyEntry,
  type KeyEntry,
  type ReadResult,
  readClientKeys,
} from "#formats/client-keys/client-keys.ts";
import type { FileInfo, Files } from "#kernel/ports/files.ts";
import { readOrEmpty } from "./read-or-empty.ts";

/** The file holds every agent's key. */
const PERMISSIONS = 0o640;
const HIGHEST_ID_FILE = /^version 1 highest (?<highest>\d{1,8})\n$/;

export type KeyFilePaths = { readonly keys: string; readonly highestId: string };

export class KeyFile {
  readonly #files: Files;
  readonly #paths: KeyFilePaths;
  #endsWithNewline = true;
  /** Of the lines in the key file, and what the other file says. */
  #highestInFile = 0;
  #highestStored = 0;

  constructor(files: Files, paths: KeyFilePaths) {
    this.#files = files;
    this.#paths = paths;
  }

  info(): FileInfo | null {
    return this.#files.info(this.#paths.keys);
  }

  /** An absent file is an empty one: a new manager has none. */
  read(): ReadResult {
    const result = readClientKeys(readOrEmpty(this.#files, this.#paths.keys));
    this.#endsWithNewline = result.endsWithNewline;
    this.#highestInFile = result.highestId;
    const stored = HIGHEST_ID_FILE.exec(readOrEmpty(this.#files, this.#paths.highestId).toString("latin1"));
    this.#highestStored = Number(stored?.groups?.["highest"] ?? 0);
    return { ...result, highestId: Math.max(result.highestId, this.#highestStored) };
  }

  /** Adds lines; returns what the file should look like now. After a throw it is as before, or `rewrite` must follow. */
  append(entries: readonly KeyEntry[], before: FileInfo): FileInfo {
    const text = `${this.#endsWithNewline ? "" : "\n"}${entries.map(formatKeyEntry).join("")}`;
    const bytes = Buffer.from(text, "latin1");
    const file = this.#files.open(this.#paths.keys, "append", PERMISSIONS);
    try {
      file.write(bytes);
      file.sync();
      this.#endsWithNewline = true;
      for (const { id } of entries) this.#highestInFile = Math.max(this.#highestInFile, Number(id));
      // The expected length, not the found one: what somebody else appended meanwhile must look like a change.
      return { ...file.info(), bytes: before.bytes + bytes.length };
    } catch (error) {
      file.truncate(before.bytes);
      throw error;
    } finally {
      file.close();
    }
  }

  rewrite(keys: ClientKeys): void {
    let highest = 0;
    for (const { id } of [...keys.entries, ...keys.removed]) highest = Math.max(highest, Number(id));
    this.#rememberHighest(keys.highestId, highest);
    this.#files.replace(this.#paths.keys, Buffer.from(formatClientKeys(keys), "latin1"), PERMISSIONS);
    this.#endsWithNewline = true;
    this.#highestInFile = highest;
  }

  /** Called when somebody else took lines away, and before we do. */
  rememberHighest(highestId: number): void {
    this.#rememberHighest(highestId, this.#highestInFile);
  }

  #rememberHighest(highestId: number, highestInFile: number): void {
    if (highestId <= Math.max(highestInFile, this.#highestStored)) return;
    const line = Buffer.from(`version 1 highest ${highestId}\n`, "latin1");
    this.#files.replace(this.#paths.highestId, line, PERMISSIONS);
    this.#highestStored = highestId;
  }
}
