/**
 * Fuzzing of one target for a while: first what is kept, then inputs of the fixed seeds, then of a fresh one. Inputs that reach new
 * blocks of code are changed further.
 *
 * The inputs of a seed depend on those before them too, so what failed is kept as a file, made smaller where it can be.
 */
import { SeededRandom } from "#testing/random.ts";
import type { KeptInput } from "./corpus.ts";
import type { Coverage } from "./coverage.ts";
import { reduceInput } from "./reduce.ts";
import { type Target, TooSlow } from "./target.ts";

/** Half of the time is theirs: what they find is found again on every machine of the same speed. */
const FIXED_SEEDS = [1, 2, 3] as const;
/** Inputs that are changed further; above it a random one makes room. */
const POOL_MAX = 400;
/** Reducing a failing input ends after this time, whatever is reached. */
const REDUCE_MS_MAX = 15_000;

const SLOW_RUNS = 3;

export type CampaignNeeds = {
  readonly target: Target;
  readonly kept: readonly KeptInput[];
  readonly coverage: Coverage;
  readonly milliseconds: number;
  readonly freshSeed: number;
  /** Called before each input is run. */
  readonly beginning: (input: string) => void;
  /** Called for each input that reached something new. */
  readonly reached: (input: string) => void;
};

function nameOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.constructor.name : typeof thrown;
}

export type Failure = { readonly input: string; readonly seed: number | string; readonly error: unknown };

export class Campaign {
  readonly #needs: CampaignNeeds;
  readonly #pool: string[] = [];
  inputs = 0;
  seed: number | string = "corpus";

  constructor(needs: CampaignNeeds) {
    this.#needs = needs;
  }

  /** Null when nothing failed. */
  run(): Failure | null {
    for (const { name, input } of this.#needs.kept) {
      this.seed = name;
      const failure = this.#try(input);
      if (failure !== null) return failure;
      this.#pool.push(input);
    }
    const { milliseconds, freshSeed } = this.#needs;
    const share = milliseconds / 2 / FIXED_SEEDS.length;
    for (const seed of FIXED_SEEDS) {
      const failure = this.#runSeed(seed, share);
      if (failure !== null) return failure;
    }
    return this.#runSeed(freshSeed, milliseconds / 2);
  }

  #runSeed(seed: number, milliseconds: number): Failure | null {
    const { target } = this.#needs;
    this.seed = seed;
    const random = new SeededRandom(seed);
    const endMs = performance.now() + milliseconds;
    while (performance.now() < endMs) {
      const changes = this.#pool.length > 0 && random.below(2) === 0;
      const input = changes
        ? target.change(random, random.pick(this.#pool), random.pick(this.#pool))
        : target.make(random);
      const failure = this.#try(input, random);
      if (failure !== null) return failure;
    }
    return null;
  }

  #try(input: string, random: SeededRandom | null = null): Failure | null {
    const { beginning, coverage, reached } = this.#needs;
    this.inputs++;
    beginning(input);
    const error = this.#errorOf(input);
    if (error !== null) {
      coverage.stop();
      const stays = !(error.thrown instanceof TooSlow) || this.#isAlwaysSlow(input);
      if (stays) return this.#failure(input, error);
      coverage.start();
    }
    if (coverage.takeNew() > 0 && random !== null) {
      reached(input);
      if (this.#pool.length < POOL_MAX) this.#pool.push(input);
      else this.#pool[random.below(POOL_MAX)] = input;
    }
    return null;
  }

  /** Code that V8 has not compiled yet, or compiled for coverage, is slow the first times. */
  #isAlwaysSlow(input: string): boolean {
    return Array.from({ length: SLOW_RUNS }, () => this.#errorOf(input)).every((error) => error !== null);
  }

  #errorOf(input: string): { readonly thrown: unknown } | null {
    try {
      this.#needs.target.run(input);
      return null;
    } catch (thrown) {
      return { thrown };
    }
  }

  #failure(input: string, { thrown }: { readonly thrown: unknown }): Failure {
    const endMs = performance.now() + REDUCE_MS_MAX;
    const smaller = reduceInput(
      input,
      (candidate) => {
        this.#needs.beginning(candidate);
        const error = this.#errorOf(candidate);
        return error !== null && nameOf(error.thrown) === nameOf(thrown);
      },
      () => performance.now() < endMs,
    );
    return { input: smaller, seed: this.seed, error: this.#errorOf(smaller)?.thrown ?? thrown };
  }
}
