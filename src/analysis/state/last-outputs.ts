/** `check_diff`: the last output of a command on a host, by rule. */

/** The peer compares no longer output. */
const OUTPUT_BYTES_MAX = 65_535;
/** Hosts times rules; at 64 KiB each this bounds the worst case, in practice outputs are small. The oldest goes. */
const OUTPUTS_MAX = 1024;

export class LastOutputs {
  readonly #outputs = new Map<string, string>();

  /** The earlier output when this one differs from it; null the first time and when nothing changed. */
  changedFrom(host: string, ruleId: number, output: string): string | null {
    if (output.length > OUTPUT_BYTES_MAX) return null;
    const key = `${host}/${ruleId}`;
    const previous = this.#outputs.get(key);
    if (previous === output) return null;
    this.#outputs.delete(key);
    this.#outputs.set(key, output);
    if (this.#outputs.size > OUTPUTS_MAX) {
      for (const oldest of this.#outputs.keys()) {
        this.#outputs.delete(oldest);
        break;
      }
    }
    return previous ?? null;
  }

  snapshot(): readonly (readonly [key: string, output: string])[] {
    return [...this.#outputs];
  }

  restore(entries: readonly (readonly [key: string, output: string])[]): void {
    for (const [key, output] of entries) this.#outputs.set(key, output);
  }
}
