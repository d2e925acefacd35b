/** `check_diff`: the last output of a command on a host, by rule. */
import { ownCopy } from "../own-copy.ts";

/** The peer compares no longer output. */
const OUTPUT_BYTES_MAX = 65_535;
/** Hosts times rules. The outputs that did not change for longest go. */
export const OUTPUTS_MAX = 1024;
/** Of all outputs and their keys: in practice outputs are small. */
export const OUTPUTS_BYTES_MAX = 16 * 1024 * 1024;

export type LastOutputsSnapshot = readonly (readonly [key: string, output: string])[];

export class LastOutputs {
  /** In order of the last change. */
  readonly #outputs = new Map<string, string>();
  #bytes = 0;

  /** The earlier output when this one differs from it; null the first time and when nothing changed. */
  changedFrom(host: string, ruleId: number, output: string): string | null {
    if (output.length > OUTPUT_BYTES_MAX) return null;
    const key = `${host}/${ruleId}`;
    const previous = this.#outputs.get(key);
    if (previous === output) return null;
    this.#remove(key);
    this.#add(ownCopy(key), ownCopy(output));
    return previous ?? null;
  }

  get size(): number {
    return this.#outputs.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  snapshot(): LastOutputsSnapshot {
    return [...this.#outputs];
  }

  restore(entries: LastOutputsSnapshot): void {
    for (const [key, output] of entries) this.#add(key, output);
  }

  #add(key: string, output: string): void {
    this.#outputs.set(key, output);
    this.#bytes += key.length + output.length;
    for (const oldest of this.#outputs.keys()) {
      if (this.#outputs.size <= OUTPUTS_MAX && this.#bytes <= OUTPUTS_BYTES_MAX) return;
      this.#remove(oldest);
    }
  }

  #remove(key: string): void {
    const output = this.#outputs.get(key);
    if (output === undefined) return;
    this.#bytes -= key.length + output.length;
    this.#outputs.delete(key);
  }
}
