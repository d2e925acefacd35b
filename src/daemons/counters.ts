/** The counters of a thread, sent to the main thread now and then. */
import type { Metrics } from "#kernel/ports/metrics.ts";

export class Counters implements Metrics {
  readonly #values = new Map<string, number>();

  add(name: string, amount = 1): void {
    this.#values.set(name, (this.#values.get(name) ?? 0) + amount);
  }

  set(name: string, value: number): void {
    this.#values.set(name, value);
  }

  get all(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#values);
  }
}
