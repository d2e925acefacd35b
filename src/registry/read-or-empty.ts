/** A file that may not be there yet: a new manager has neither keys nor timestamps. */
import { CodedError } from "#kernel/errors.ts";
import type { Files } from "#kernel/ports/files.ts";

export function readOrEmpty(files: Files, path: string): Buffer {
  try {
    return files.read(path);
  } catch (error) {
    if (error instanceof CodedError && error.code === "file_not_found") return Buffer.alloc(0);
    throw error;
  }
}
