/** What starting left behind is given back to the system once, instead of being kept for a growth that may never come. */

/** Does nothing where the launcher's `--expose-gc` is missing. */
export function giveBackMemory(): void {
  globalThis.gc?.({ type: "major", execution: "sync", flavor: "last-resort" });
}
