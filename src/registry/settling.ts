/**
 * Tells when a file that others edit has come to rest.
 *
 * Pure. An editor may truncate a file and write it in pieces; who reads in between sees agents missing that are not gone. So a
 * change counts when the file has looked the same for a while, or when it never comes to rest.
 */
import type { FileInfo } from "#kernel/ports/files.ts";

/** Longer than the pause between two writes of an editor or `cp`. */
export const SETTLE_MS = 1000;
/** A file that somebody appends to all the time is taken as it is. */
export const SETTLE_MS_MAX = 5000;

type Restless = { readonly info: FileInfo | null; readonly sinceMs: number; readonly firstMs: number };

export class Settling {
  #known: FileInfo | null = null;
  #restless: Restless | null = null;

  /** What the file looks like after our own reading or writing; null when it is absent. */
  accept(info: FileInfo | null): void {
    this.#known = info;
    this.#restless = null;
  }

  /** `known`: as we left it; `moving`: look again later; `settled`: read it. */
  look(info: FileInfo | null, nowMs: number): "known" | "moving" | "settled" {
    if (sameFile(info, this.#known)) {
      this.#restless = null;
      return "known";
    }
    const before = this.#restless;
    const resting = before !== null && sameFile(info, before.info);
    const now = {
      info,
      sinceMs: resting ? before.sinceMs : nowMs,
      firstMs: before?.firstMs ?? nowMs,
    };
    this.#restless = now;
    const settled = nowMs - now.sinceMs >= SETTLE_MS || nowMs - now.firstMs >= SETTLE_MS_MAX;
    return settled ? "settled" : "moving";
  }
}

function sameFile(left: FileInfo | null, right: FileInfo | null): boolean {
  if (left === null || right === null) return left === right;
  return left.inode === right.inode && left.modifiedMs === right.modifiedMs && left.bytes === right.bytes;
}
