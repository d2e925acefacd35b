/** Those who asked for the rule set to be read again and wait for what came of it. */
import type { Clock } from "#kernel/ports/clock.ts";
import type { RulesOutcome } from "./thread-messages.ts";

/** Events that came before are analysed first. */
const RELOAD_MS_MAX = 60_000;

export class RulesetReloads {
  readonly #clock: Clock;
  readonly #reload: () => void;
  #waiting: ((errors: readonly string[]) => void)[] = [];

  constructor(clock: Clock, reload: () => void) {
    this.#clock = clock;
    this.#reload = reload;
  }

  /** The errors of the next loading that ends; empty when its rules are in use. */
  async ask(): Promise<readonly string[]> {
    const { promise, resolve } = Promise.withResolvers<readonly string[]>();
    const text = `The rule set was not read again within ${RELOAD_MS_MAX / 1000} s`;
    const deadline = this.#clock.after(RELOAD_MS_MAX, () => resolve([text]));
    this.#waiting.push(resolve);
    this.#reload();
    const errors = await promise;
    deadline.cancel();
    this.#waiting = this.#waiting.filter((waiting) => waiting !== resolve);
    return errors;
  }

  loaded({ errors }: RulesOutcome): void {
    for (const resolve of this.#waiting) resolve(errors);
  }
}
