/** Random JSON documents for tests. Text is ASCII, so that bytes and characters are the same. */
import type { SeededRandom } from "#testing/random.ts";

const NAMES = ["a", "b", "user", "srcip", "x.y", "", 'q"', "\\"];
const TEXTS = ["", "text", "[1, 2]", 'C:\\Windows\\"x"', "line\r\n\ttab", "\u0001\u001f/", "null"];

export type JsonDocument =
  | null
  | boolean
  | number
  | string
  | JsonDocument[]
  | { [name: string]: JsonDocument };

export function randomDocument(random: SeededRandom, depth = 0): JsonDocument {
  const kind = random.below(depth < 4 ? 8 : 6);
  switch (kind) {
    case 0:
      return random.pick([null, true, false]);
    case 1:
      return random.below(2 ** 32) - 2 ** 31;
    case 2:
      // Fifteen digits survive being written and read.
      return Number(((random.next() - 0.5) * 10 ** (random.below(40) - 20)).toPrecision(15));
    case 6:
      return Array.from({ length: random.below(4) }, () => randomDocument(random, depth + 1));
    case 7: {
      const names = Array.from({ length: random.below(6) }, () => random.pick(NAMES));
      return Object.fromEntries(names.map((name) => [name, randomDocument(random, depth + 1)]));
    }
    default:
      return random.pick(TEXTS) + random.pick(TEXTS);
  }
}
