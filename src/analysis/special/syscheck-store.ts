/** What agents before 3.11 said of their files the last time, and of their scans. */
import { ownCopy } from "../own-copy.ts";
import type { AgentState } from "./agent-states.ts";

/** What a file costs beside its path and its sum. */
const FILE_OVERHEAD_BYTES = 128;
/** What is known of scans. */
const SCANS_BYTES = 64;

export type StoredSum = {
  readonly sum: string;
  /** Of late, for `auto_ignore`. */
  readonly changes: number;
  readonly changedSeconds: number;
};

export type FimFilesSnapshot = {
  readonly scans: readonly number[];
  readonly files: readonly (readonly [
    path: string,
    sum: string,
    changes: number,
    changedSeconds: number,
    seenSeconds: number,
  ])[];
};

type File = StoredSum & { seenSeconds: number };

/** Of one agent. */
export class FimFiles implements AgentState {
  readonly #files = new Map<string, File>();
  readonly #bytesMax: number;
  #bytes = 0;
  /** Seconds; 0 is never. */
  #scanStart = 0;
  #scanEnd = 0;
  /** When the last three first scans began: what none of them saw is gone. */
  #firstScans: readonly [last: number, before: number, beforeThat: number] = [0, 0, 0];

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get weight(): number {
    return this.#bytes + (this.#scanStart > 0 || this.#scanEnd > 0 ? SCANS_BYTES : 0);
  }

  /** The end of the last scan; 0 before the first: additions are then the baseline. */
  get scanEnd(): number {
    return this.#scanEnd;
  }

  find(path: string): StoredSum | undefined {
    return this.#files.get(path);
  }

  seen(path: string, nowSeconds: number): void {
    const file = this.#files.get(path);
    if (file !== undefined) file.seenSeconds = nowSeconds;
  }

  /** False when there is no room for another file. */
  store(path: string, stored: StoredSum, nowSeconds: number): boolean {
    const earlier = this.#files.get(path);
    const bytesBefore = earlier === undefined ? 0 : bytesOf(path, earlier.sum);
    const bytes = this.#bytes - bytesBefore + bytesOf(path, stored.sum);
    if (bytes > this.#bytesMax) return false;
    this.#bytes = bytes;
    const file = { ...stored, sum: ownCopy(stored.sum), seenSeconds: nowSeconds };
    this.#files.set(earlier === undefined ? ownCopy(path) : path, file);
    return true;
  }

  remove(path: string): void {
    const file = this.#files.get(path);
    if (file === undefined) return;
    this.#files.delete(path);
    this.#bytes -= bytesOf(path, file.sum);
  }

  scanStarted(nowSeconds: number, isFirst: boolean): void {
    this.#scanStart = nowSeconds;
    if (isFirst) this.#firstScans = [nowSeconds, this.#firstScans[0], this.#firstScans[1]];
  }

  /** False when no scan had begun. */
  scanEnded(nowSeconds: number, isFirst: boolean): boolean {
    if (this.#scanStart === 0) return false;
    this.completed(nowSeconds);
    if (isFirst) this.#removeUnseen();
    return true;
  }

  /** The agent's oldest kind says only this of a scan. */
  completed(nowSeconds: number): void {
    // Events of the scan can still come in the two seconds after the first one.
    this.#scanEnd = this.#scanEnd === 0 ? nowSeconds + 2 : nowSeconds;
  }

  #removeUnseen(): void {
    const [, , oldestScan] = this.#firstScans;
    for (const [path, { seenSeconds }] of this.#files) if (seenSeconds < oldestScan) this.remove(path);
  }

  snapshot(): FimFilesSnapshot {
    return {
      scans: [this.#scanStart, this.#scanEnd, ...this.#firstScans],
      files: Array.from(this.#files, ([path, { sum, changes, changedSeconds, seenSeconds }]) => {
        return [path, sum, changes, changedSeconds, seenSeconds];
      }),
    };
  }

  restore({ scans, files }: FimFilesSnapshot): void {
    const [scanStart = 0, scanEnd = 0, last = 0, before = 0, beforeThat = 0] = scans;
    this.#scanStart = scanStart;
    this.#scanEnd = scanEnd;
    this.#firstScans = [last, before, beforeThat];
    for (const [path, sum, changes, changedSeconds, seenSeconds] of files) {
      this.store(path, { sum, changes, changedSeconds }, seenSeconds);
    }
  }
}

function bytesOf(path: string, sum: string): number {
  return path.length + sum.length + FILE_OVERHEAD_BYTES;
}
