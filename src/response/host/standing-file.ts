/**
 * What is in force, so that a restart of the manager undoes it in its time: one JSON line for each change, synced. At a start, and when
 * most lines are of the past, it is written anew. A torn last line is the change that was not made.
 */
import { CodedError } from "#kernel/errors.ts";
import type { Files, OpenFile } from "#kernel/ports/files.ts";
import type { Standing } from "./execd.ts";
import { SPARE_LINES_MAX } from "./limits.ts";
import { parseObject } from "./script-message.ts";

const VERSION = 1;

export class StandingFile {
  readonly #files: Files;
  readonly #path: string;
  #file: OpenFile | null = null;
  #lines = 0;

  constructor(files: Files, path: string) {
    this.#files = files;
    this.#path = path;
  }

  /** Throws `CodedError`. */
  read(): readonly Standing[] {
    if (this.#files.info(this.#path) === null) return [];
    const standing = new Map<string, Standing>();
    for (const line of this.#files.read(this.#path).toString("latin1").split("\n")) {
      const change = parseLine(line);
      if (change === null) continue;
      standing.delete(change.key);
      if (change.standing !== null) standing.set(change.key, change.standing);
    }
    return [...standing.values()];
  }

  /** False when it could not be written: a restart would not know of it. */
  stands(standing: Standing, all: () => readonly Standing[]): boolean {
    return this.#append({ version: VERSION, ...standing }, all);
  }

  over(key: string, all: () => readonly Standing[]): boolean {
    return this.#append({ version: VERSION, key, over: true }, all);
  }

  close(): void {
    this.#file?.close();
    this.#file = null;
  }

  #append(change: object, all: () => readonly Standing[]): boolean {
    try {
      const current = all();
      if (this.#file === null || this.#lines > 2 * current.length + SPARE_LINES_MAX) this.#begin(current);
      else {
        this.#file.write(lineOf(change));
        this.#lines++;
      }
      this.#file?.sync();
      return true;
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#file = null;
      return false;
    }
  }

  #begin(current: readonly Standing[]): void {
    this.close();
    const lines = current.map((standing) => lineOf({ version: VERSION, ...standing }));
    this.#files.replace(this.#path, Buffer.concat(lines));
    this.#file = this.#files.open(this.#path, "append");
    this.#lines = lines.length;
  }
}

function lineOf(change: object): Buffer {
  return Buffer.from(`${JSON.stringify(change)}\n`, "latin1");
}

function parseLine(line: string): { readonly key: string; readonly standing: Standing | null } | null {
  const { version, key, executable, sinceMs, timeoutSeconds, undo, over } = parseObject(line) ?? {};
  if (version !== VERSION || typeof key !== "string") return null;
  if (over === true) return { key, standing: null };
  if (typeof executable !== "string" || typeof undo !== "string") return null;
  if (typeof sinceMs !== "number" || typeof timeoutSeconds !== "number") return null;
  return { key, standing: { key, executable, sinceMs, timeoutSeconds, undo } };
}
