/**
 * What all patterns together may spend on going back over one event. A pattern that goes back exponentially often is stopped by it,
 * and fifty of them are stopped no later than one: what is left for the next is what those before it did not take.
 *
 * Counted, not timed: a replay of the event gives the same answers.
 */

class Budget {
  readonly #whole: number;
  #left: number;

  constructor(whole: number) {
    this.#whole = whole;
    this.#left = whole;
  }

  renew(): void {
    this.#left = this.#whole;
  }

  get left(): number {
    return this.#left;
  }

  spend(amount: number): void {
    this.#left = Math.max(0, this.#left - amount);
  }

  /** Spends the amount when there is as much. */
  affords(amount: number): boolean {
    if (amount > this.#left) return false;
    this.#left -= amount;
    return true;
  }
}

class Effort {
  /** Steps of our PCRE2 machine, 60 ns each: 5 ms. Other engines pay for their work in such steps. */
  readonly steps = new Budget(80_000);
  /**
   * Bytes that V8 may go over for OS_Regex patterns that can explode, 1 µs each when they do: 2 ms. Beyond it our own machine takes
   * them, which is slower on ordinary lines and counts its steps.
   */
  readonly nativeBytes = new Budget(2048);

  /** Another event. */
  renew(): void {
    this.steps.renew();
    this.nativeBytes.renew();
  }
}

/** Of the thread: patterns are matched one after the other. */
export const effort = new Effort();
