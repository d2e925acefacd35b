/** Files that the other side sends piece by piece into the scratch directory of the connection, and nowhere else. */
import { createHash, type Hash, timingSafeEqual } from "node:crypto";
import { scratchDirectory, scratchName } from "#formats/wire/cluster/paths.ts";
import type { Files, OpenFile } from "#kernel/ports/files.ts";
import { FILES_MAX } from "./limits.ts";

type Arriving = {
  readonly path: string;
  readonly hash: Hash;
  bytes: number;
  /** Null when the file is whole. */
  open: OpenFile | null;
  /** Empty until then. */
  digest: string;
};

export type ReceivedFile = {
  /** Absolute. */
  readonly path: string;
  /** The SHA-256 of the content, hex. */
  readonly digest: string;
};

export type BeginResult = "ready" | "not_allowed" | "too_many";
export type AppendResult = "updated" | "unknown" | "too_large";
export type FinishResult = "received" | "unknown" | "corrupt";

export class ReceivedFiles {
  readonly #files: Files;
  readonly #home: string;
  readonly #workerName: string;
  readonly #bytesMax: number;
  readonly #arriving = new Map<string, Arriving>();

  /** `bytesMax`: of all files that are not taken yet. */
  constructor(files: Files, home: string, workerName: string, bytesMax: number) {
    this.#files = files;
    this.#home = home;
    this.#workerName = workerName;
    this.#bytesMax = bytesMax;
    // Not through a link, should somebody have put one in its place.
    files.removeTree(this.directory);
    files.makeDirectory(this.directory, 0o770);
  }

  get directory(): string {
    return `${this.#home}/${scratchDirectory(this.#workerName)}`;
  }

  begin(path: string): BeginResult {
    const name = scratchName(path, this.#workerName);
    if (name === null) return "not_allowed";
    this.#discard(name);
    if (this.#arriving.size >= FILES_MAX) return "too_many";
    const absolute = `${this.directory}/${name}`;
    if (this.#files.info(absolute) !== null) this.#files.remove(absolute);
    // It must not exist, so nothing is written through a link that somebody left here.
    const open = this.#files.open(absolute, "create");
    this.#arriving.set(name, { path: absolute, hash: createHash("sha256"), bytes: 0, open, digest: "" });
    return "ready";
  }

  /** Throws what the disk does; the file is gone then. */
  append(path: string, bytes: Uint8Array): AppendResult {
    const [name, file] = this.#find(path);
    if (file === undefined || file.open === null) return "unknown";
    if (this.#bytes + bytes.length > this.#bytesMax) {
      this.#discard(name);
      return "too_large";
    }
    try {
      file.open.write(bytes, file.bytes);
    } catch (error) {
      this.#discard(name);
      throw error;
    }
    file.bytes += bytes.length;
    file.hash.update(bytes);
    return "updated";
  }

  /** `digest` is the SHA-256 of the content. A file that is not as it was sent is removed. */
  finish(path: string, digest: Uint8Array): FinishResult {
    const [name, file] = this.#find(path);
    if (file === undefined || file.open === null) return "unknown";
    file.open.close();
    file.open = null;
    const own = file.hash.digest();
    file.digest = own.toString("hex");
    if (digest.length === own.length && timingSafeEqual(digest, own)) return "received";
    this.#discard(name);
    return "corrupt";
  }

  /** A whole file; it is the caller's then, who removes it. Null when there is none. */
  take(path: string): ReceivedFile | null {
    const [name, file] = this.#find(path);
    if (file === undefined || file.open !== null) return null;
    this.#arriving.delete(name);
    return { path: file.path, digest: file.digest };
  }

  /** The connection is over: all that arrived goes. */
  clear(): void {
    for (const name of [...this.#arriving.keys()]) this.#discard(name);
    this.#files.removeTree(this.directory);
  }

  get #bytes(): number {
    return this.#arriving.values().reduce((sum, { bytes }) => sum + bytes, 0);
  }

  #find(path: string): [string, Arriving | undefined] {
    const name = scratchName(path, this.#workerName) ?? "";
    return [name, this.#arriving.get(name)];
  }

  #discard(name: string): void {
    const file = this.#arriving.get(name);
    if (file === undefined) return;
    this.#arriving.delete(name);
    file.open?.close();
    if (this.#files.info(file.path) !== null) this.#files.remove(file.path);
  }
}
