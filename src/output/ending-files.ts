/**
 * For this folder's tests: a disk on which the process ends at a chosen operation; that one is not done, or half done when it is
 * a write.
 */
import type { Files, OpenFile } from "#kernel/ports/files.ts";

/** The process ends here: no error that the code could handle. */
export class ProcessEnd extends Error {}

/** Counts what changes the disk and ends the process at one operation: from there on nothing is done any more. */
export class EndingFiles implements Files {
  readonly #files: Files;
  readonly #endAt: number;
  #operation = 0;

  constructor(files: Files, endAt = Number.POSITIVE_INFINITY) {
    this.#files = files;
    this.#endAt = endAt;
  }

  get operations(): number {
    return this.#operation;
  }

  open(...args: Parameters<Files["open"]>): OpenFile {
    if (args[1] !== "read") this.#count();
    const file = this.#files.open(...args);
    return {
      read: (into, position) => file.read(into, position),
      write: (bytes, position) => {
        this.#count(() => file.write(bytes.subarray(0, bytes.length / 2), position));
        file.write(bytes, position);
      },
      truncate: (bytes) => {
        this.#count();
        file.truncate(bytes);
      },
      sync: () => {
        this.#count();
        file.sync();
      },
      info: () => file.info(),
      close: () => file.close(),
    };
  }

  read(...args: Parameters<Files["read"]>): ReturnType<Files["read"]> {
    return this.#files.read(...args);
  }

  info(...args: Parameters<Files["info"]>): ReturnType<Files["info"]> {
    return this.#files.info(...args);
  }

  list(...args: Parameters<Files["list"]>): ReturnType<Files["list"]> {
    return this.#files.list(...args);
  }

  rename(...args: Parameters<Files["rename"]>): void {
    this.#count();
    this.#files.rename(...args);
  }

  remove(...args: Parameters<Files["remove"]>): void {
    this.#count();
    this.#files.remove(...args);
  }

  removeTree(...args: Parameters<Files["removeTree"]>): void {
    this.#files.removeTree(...args);
  }

  makeDirectory(...args: Parameters<Files["makeDirectory"]>): void {
    this.#files.makeDirectory(...args);
  }

  link(...args: Parameters<Files["link"]>): void {
    this.#count();
    this.#files.link(...args);
  }

  replace(...args: Parameters<Files["replace"]>): void {
    this.#count();
    this.#files.replace(...args);
  }

  freeBytes(...args: Parameters<Files["freeBytes"]>): number {
    return this.#files.freeBytes(...args);
  }

  #count(half: () => void = () => {}): void {
    const operation = this.#operation++;
    if (operation < this.#endAt) return;
    if (operation === this.#endAt) half();
    throw new ProcessEnd("end of the process");
  }
}
