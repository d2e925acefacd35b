/**
 * The disk of a simulated host: files that outlive processes, operations that fail, and processes that end in the middle of one.
 *
 * Content and loss of power are `#testing/files.ts`; here is what goes wrong. What fails is asked at each operation, so a trouble
 * that lasts is a number between two times.
 */
import { CodedError } from "#kernel/errors.ts";
import type { Files, OpenFile } from "#kernel/ports/files.ts";
import { FakeFiles } from "#testing/files.ts";
import type { ProcessEnding, SimulatedProcess, World } from "./world.ts";

/** `write` and `rename` leave a part, or nothing; `sync` may have lost what it was to keep. */
export type DiskOperation = "open" | "write" | "sync" | "rename";

/** Share of the operations that fail, by operation. */
export type DiskTroubles = Readonly<Record<DiskOperation, number>>;

export const NO_TROUBLES: DiskTroubles = { open: 0, write: 0, sync: 0, rename: 0 };

export class SimulatedDisk {
  readonly content = new FakeFiles();
  readonly #world: World;
  troubles: DiskTroubles = NO_TROUBLES;
  /** The process that does the operation after so many others ends in it; null: nobody does. */
  ending: { operationsLeft: number; readonly how: ProcessEnding } | null = null;

  constructor(world: World) {
    this.#world = world;
  }

  /** The disk as a process sees it until it ends. */
  filesOf(process: SimulatedProcess): Files {
    process.atEnd((ending) => {
      if (ending === "power_loss") this.#losePower();
    });
    return new ProcessFiles(this, process, this.#world);
  }

  /** Of what was not synced, nothing, all or something between reached the disk; the last block may be torn. */
  #losePower(): void {
    const { random } = this.#world;
    this.content.losePower(
      (unsyncedBytes) => random.pick([0, unsyncedBytes, random.below(unsyncedBytes + 1)]),
      () => random.below(2) === 0,
    );
  }
}

class ProcessFiles implements Files {
  readonly #disk: SimulatedDisk;
  readonly #process: SimulatedProcess;
  readonly #world: World;

  constructor(disk: SimulatedDisk, process: SimulatedProcess, world: World) {
    this.#disk = disk;
    this.#process = process;
    this.#world = world;
  }

  open(...args: Parameters<Files["open"]>): OpenFile {
    const [path, mode] = args;
    if (mode !== "read") this.#operation("open", path);
    if (!this.#process.alive) return NOWHERE;
    const file = this.#content.open(...args);
    return {
      read: (into, position) => file.read(into, position),
      write: (bytes, position) => {
        const part = (): void => file.write(bytes.subarray(0, this.#world.below(bytes.length + 1)), position);
        this.#operation("write", path, part);
        if (this.#process.alive) file.write(bytes, position);
      },
      truncate: (bytes) => {
        this.#operation("write", path);
        if (this.#process.alive) file.truncate(bytes);
      },
      sync: () => {
        this.#operation("sync", path);
        if (this.#process.alive) file.sync();
      },
      info: () => file.info(),
      close: () => file.close(),
    };
  }

  read(path: string): Buffer {
    return this.#content.read(path);
  }

  info(path: string): ReturnType<Files["info"]> {
    return this.#content.info(path);
  }

  list(directory: string): ReturnType<Files["list"]> {
    return this.#content.list(directory);
  }

  rename(from: string, to: string): void {
    this.#operation("rename", to);
    if (this.#process.alive) this.#content.rename(from, to);
  }

  remove(path: string): void {
    this.#operation("rename", path);
    if (this.#process.alive) this.#content.remove(path);
  }

  removeTree(directory: string): void {
    if (this.#process.alive) this.#content.removeTree(directory);
  }

  makeDirectory(directory: string): void {
    if (this.#process.alive) this.#content.makeDirectory(directory);
  }

  link(existing: string, path: string): void {
    this.#operation("rename", path);
    if (this.#process.alive) this.#content.link(existing, path);
  }

  replace(...args: Parameters<Files["replace"]>): void {
    this.#operation("rename", args[0]);
    if (this.#process.alive) this.#content.replace(...args);
  }

  freeBytes(): number {
    return this.#content.freeBytes();
  }

  get #content(): FakeFiles {
    this.#disk.content.nowMs = Math.floor(this.#world.wallMs);
    return this.#disk.content;
  }

  /** Ends the process here, or throws, or does neither; `part` is what is done of the operation then. */
  #operation(operation: DiskOperation, path: string, part: () => void = () => {}): void {
    if (!this.#process.alive) return;
    const { ending, troubles } = this.#disk;
    if (ending !== null && ending.operationsLeft-- <= 0) {
      this.#disk.ending = null;
      this.#world.note(`${this.#process.name} ends (${ending.how}) in ${operation} of ${path}`);
      part();
      this.#process.end(ending.how);
      return;
    }
    const share = troubles[operation];
    if (share === 0 || !this.#world.chance(share)) return;
    part();
    throw new CodedError("file_other", `EIO: i/o error, ${operation} '${path}'`, { path });
  }
}

/** What a process that has ended opens. */
const NOWHERE: OpenFile = {
  read: () => 0,
  write: () => {},
  truncate: () => {},
  sync: () => {},
  info: () => ({ kind: "file", bytes: 0, modifiedMs: 0, changedMs: 0, inode: 0, mode: 0 }),
  close: () => {},
};
