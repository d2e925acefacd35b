/** A file of lines that others may follow; when it is large it becomes `<path>.1`, in the place of the one before. */
import { CodedError } from "#kernel/errors.ts";
import type { Files, OpenFile } from "#kernel/ports/files.ts";

/** Weeks of usual responses. */
const BYTES_MAX = 16 * 1024 * 1024;

export class BoundedLog {
  readonly #files: Files;
  readonly #path: string;
  #file: OpenFile | null = null;

  constructor(files: Files, path: string) {
    this.#files = files;
    this.#path = path;
  }

  /** Without its newline; one char a byte. What a full disk does not take is lost. */
  write(line: string): void {
    try {
      this.#file ??= this.#files.open(this.#path, "append");
      this.#file.write(Buffer.from(`${line}\n`, "latin1"));
      if (this.#file.info().bytes < BYTES_MAX) return;
      this.close();
      this.#files.rename(this.#path, `${this.#path}.1`);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.close();
    }
  }

  close(): void {
    this.#file?.close();
    this.#file = null;
  }
}
