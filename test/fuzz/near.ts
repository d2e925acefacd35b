/** Texts that match a pattern, or nearly: as far into a rule set as its own words lead. */
import type { SeededRandom } from "#testing/random.ts";
import type { KnownPattern } from "./rule-sets.ts";

const WORDS = [
  "root",
  "admin",
  "10.0.0.1",
  "203.0.113.9",
  "::1",
  "22",
  "4411",
  "/bin/sh",
  "x",
  "-",
  "a b",
  "failed",
];

/** What stands for a class of any of the languages. */
function ofClass(random: SeededRandom, letter: string, repeated: boolean): string {
  const count = repeated ? 1 + random.below(4) : 1;
  switch (letter) {
    case "d":
      return String(random.below(10 ** count));
    case "s":
      return " ".repeat(count);
    case "t":
      return "\t";
    case "p":
      return random.pick([..."!\"'()*+,-./:;<=>?[]_|"]);
    case "w":
    case "S":
    case "D":
    case "W":
      return repeated ? random.pick(WORDS) : random.pick([..."aZ0-"]);
    case ".":
      return repeated ? `${random.pick(WORDS)} ${random.pick(WORDS)}` : "x";
    default:
      return letter;
  }
}

/** A dot is any byte in PCRE2 and itself elsewhere; brackets and groups are read loosely. */
export function nearText(random: SeededRandom, { kind, text }: KnownPattern): string {
  const alternative = random.pick(text.split("|"));
  if (kind === "osmatch" || kind === "string") return alternative.replace(/^[!^]+|\$$/g, "");
  const items =
    /\\(.)([+*?]?)|(\[\^?(?:\\.|[^\]\\])*\])|\(\?[^)(]{0,20}[:>)=!]|([()^$*+?])|(\.)([+*]?)|([\s\S])/g;
  return alternative.replace(items, (...found) => {
    const [, letter, repeat, set, operator, dot, dotRepeat, plain] = found.map((part) =>
      typeof part === "string" ? part : undefined,
    );
    if (letter !== undefined) return ofClass(random, letter, repeat !== undefined && repeat !== "");
    if (set !== undefined) return set.replace(/[[\]^\\]/g, "").charAt(0);
    if (operator !== undefined) return "";
    if (dot !== undefined) return kind === "pcre2" ? ofClass(random, ".", dotRepeat !== "") : ".";
    return plain ?? "";
  });
}
