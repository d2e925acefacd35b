/** What a campaign needs to know of one kind of input. */
import type { SeededRandom } from "#testing/random.ts";

/** Thrown by `run()` for what took too long, and is worth a second look without coverage, which makes hot loops ten times slower. */
export class TooSlow extends Error {}

export interface Target {
  /** An input of its own making. All inputs are texts with one char a byte. */
  make(random: SeededRandom): string;
  /** A changed copy of an input that got further than others; `other` is another one such. */
  change(random: SeededRandom, input: string, other: string): string;
  /** Throws when something does not hold that must hold of every input. */
  run(input: string): void;
  /** Whether the input holds what belongs to others and must not come into the repository. */
  isForeign?(input: string): boolean;
}
