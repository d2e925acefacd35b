/** How much is done here at the same time, and how much may wait for it: in the order of coming. */
export type RunLimits = { readonly running: number; readonly waiting: number };

export class Runs {
  readonly #limits: RunLimits;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(limits: RunLimits) {
    this.#limits = limits;
  }

  /** Of both. */
  get pending(): number {
    return this.#running + this.#waiting.length;
  }

  /** Null when too many wait already. Rejects with what the work rejects with. */
  run<T>(work: () => Promise<T>): Promise<T> | null {
    if (this.#running < this.#limits.running) {
      this.#running++;
      return this.#do(work);
    }
    if (this.#waiting.length >= this.#limits.waiting) return null;
    return new Promise<void>((turn) => this.#waiting.push(turn)).then(() => this.#do(work));
  }

  async #do<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } finally {
      // Whoever is next takes over this place.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}
