/**
 * The dynamic fields that some rule asks for, by number: a field name is resolved once per event, not once per rule.
 *
 * One instance serves one engine; `clear` starts the next event.
 */
import { ownCopy } from "./own-copy.ts";

/** Names come from outside (JSON keys); beyond this many the memo starts again. 8,192 names of 64 bytes are half a megabyte. */
const NAMES_REMEMBERED_MAX = 8192;
const NOT_ASKED_FOR = -1;

export class FieldSlots {
  readonly #slotOfLowerName = new Map<string, number>();
  readonly #slotOfName = new Map<string, number>();
  readonly #touched: number[] = [];
  #longestName = 0;
  readonly values: (string | undefined)[] = [];

  /** The number of a field, made when the rule set is compiled. Names compare without case. */
  slotOf(name: string): number {
    const lowerName = name.toLowerCase();
    this.#longestName = Math.max(this.#longestName, lowerName.length);
    let slot = this.#slotOfLowerName.get(lowerName);
    if (slot === undefined) {
      slot = this.values.length;
      this.#slotOfLowerName.set(lowerName, slot);
      this.values.push(undefined);
    }
    return slot;
  }

  offer(name: string, value: string): void {
    // A hostile name of many KB costs nothing.
    if (name.length > this.#longestName) return;
    let slot = this.#slotOfName.get(name);
    if (slot === undefined) {
      slot = this.#slotOfLowerName.get(name.toLowerCase()) ?? NOT_ASKED_FOR;
      if (this.#slotOfName.size >= NAMES_REMEMBERED_MAX) this.#slotOfName.clear();
      this.#slotOfName.set(ownCopy(name), slot);
    }
    if (slot === NOT_ASKED_FOR || this.values[slot] !== undefined) return;
    this.values[slot] = value;
    this.#touched.push(slot);
  }

  clear(): void {
    for (const slot of this.#touched) this.values[slot] = undefined;
    this.#touched.length = 0;
  }
}
