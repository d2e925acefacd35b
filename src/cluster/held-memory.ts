/**
 * What all connections hold of what others have sent and they have not yet handled, or of answers that nobody reads. One connection may hold much, and
 * who has the key may open many: when all together are too much, the one that holds most goes.
 */
import { HELD_BYTES_MAX } from "./limits.ts";

export interface Holder {
  /** Holds nothing any more afterwards. */
  giveUp(): void;
}

export class HeldMemory {
  readonly #bytesMax: number;
  readonly #held = new Map<Holder, number>();
  #totalBytes = 0;

  constructor(bytesMax = HELD_BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  get totalBytes(): number {
    return this.#totalBytes;
  }

  set(holder: Holder, bytes: number): void {
    this.#totalBytes += bytes - (this.#held.get(holder) ?? 0);
    if (bytes === 0) this.#held.delete(holder);
    else this.#held.set(holder, bytes);
    if (this.#totalBytes > this.#bytesMax) this.#largest()?.giveUp();
  }

  #largest(): Holder | null {
    let largest: Holder | null = null;
    let mostBytes = 0;
    for (const [holder, bytes] of this.#held) {
      if (bytes <= mostBytes) continue;
      largest = holder;
      mostBytes = bytes;
    }
    return largest;
  }
}
