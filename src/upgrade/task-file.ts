/**
 * The task file: one JSON line for each change, so that campaigns go on after a restart. Synced line by line; a torn last line is the
 * change that was not made. At a start it is written anew with what still matters.
 */
import { CodedError } from "#kernel/errors.ts";
import type { Files, OpenFile } from "#kernel/ports/files.ts";
import { formatRecord, parseRecord, type TaskRecord } from "./tasks.ts";

export class TaskFile {
  readonly #files: Files;
  readonly #path: string;
  #file: OpenFile | null = null;

  constructor(files: Files, path: string) {
    this.#files = files;
    this.#path = path;
  }

  /** What it holds, in its order. Throws `CodedError`. */
  read(): { readonly records: readonly TaskRecord[]; readonly damagedLines: number } {
    if (this.#files.info(this.#path) === null) return { records: [], damagedLines: 0 };
    const lines = this.#files.read(this.#path).toString("utf8").split("\n");
    const parsed = lines.filter((line) => line !== "").map(parseRecord);
    const records = parsed.filter((record) => record !== null);
    return { records, damagedLines: parsed.length - records.length };
  }

  /** Writes it anew and keeps it open for what follows. Throws `CodedError`. */
  begin(records: readonly TaskRecord[]): void {
    this.#files.makeDirectory(this.#path.slice(0, this.#path.lastIndexOf("/")));
    this.close();
    this.#files.replace(this.#path, bytesOf(records));
    this.#file = this.#files.open(this.#path, "append");
  }

  /** False when it could not be written; after a restart the change is not known. */
  append(records: readonly TaskRecord[]): boolean {
    try {
      this.#file?.write(bytesOf(records));
      this.#file?.sync();
      return true;
    } catch (error) {
      if (error instanceof CodedError) return false;
      throw error;
    }
  }

  close(): void {
    this.#file?.close();
    this.#file = null;
  }
}

function bytesOf(records: readonly TaskRecord[]): Buffer {
  return Buffer.from(records.map((record) => `${formatRecord(record)}\n`).join(""), "utf8");
}
