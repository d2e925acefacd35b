/** Patterns of each language and subjects for them, small alphabets on purpose: they meet more often. Most are valid. */
import type { PatternKind } from "#formats/patterns/pattern.ts";
import type { SeededRandom } from "#testing/random.ts";

export const PATTERN_KINDS: readonly PatternKind[] = ["osregex", "osmatch", "pcre2", "string"];

const OS_REGEX_ITEMS = [
  ..."aabxX-1 .+*",
  ..."\\d \\w \\s \\t \\p \\S \\D \\W \\. \\( \\) \\| \\$ \\< \\\\ \\q".split(" "),
  ..."\\d+ \\w+ \\w* \\s+ \\s* \\S+ \\S* \\.+ \\.* \\d* \\p+ \\W+ \\(* \\$+".split(" "),
];
const PCRE2_ATOMS = [
  ..."a b A 1 \\d \\w+ \\s . .* [ab] [^a] [a-z]+ [[:digit:]] a* b+? a? a{2} a{1,3} a{2,}? (?i)b ^ $ \\b \\B \\n \\x41 \\x{e9} \\Q.*\\E".split(
    " ",
  ),
  " ",
  "\\R",
  "\\h",
  "\\v",
  "\\A",
  "\\z",
  "\\Z",
  "\\1",
  "(?m)^",
  "(?s).",
  "(?x) a b",
  "\\N{U+E9}",
  "[\\d\\-x]",
  "\xe9",
];
const PCRE2_OPENERS = ["(", "(?:", "(?i:", "(?=", "(?!", "(?<=", "(?<!", "(?>", "(?<n>", "(?P<m>"];
const PCRE2_QUANTIFIERS = ["", "", "", "*", "+", "?", "{2}", "*?", "++", "{0,9}", "{3,}"];

function repeated(random: SeededRandom, most: number, make: () => string): string {
  return Array.from({ length: random.below(most + 1) }, make).join("");
}

function osRegexText(random: SeededRandom): string {
  const alternative = (): string => {
    let open = false;
    let text = random.below(3) === 0 ? "^" : "";
    for (let count = random.below(7); count > 0; count--) {
      if (random.below(4) === 0) {
        text += open ? ")" : "(";
        open = !open;
      }
      text += random.pick(OS_REGEX_ITEMS);
    }
    return `${text}${open ? ")" : ""}${random.below(4) === 0 ? "$" : ""}`;
  };
  return random.below(4) === 0 ? `${alternative()}|${alternative()}` : alternative();
}

function pcre2Text(random: SeededRandom, depth: number): string {
  const branch = (): string =>
    repeated(random, 4, () => {
      if (depth === 0 || random.below(3) > 0) return random.pick(PCRE2_ATOMS);
      return `${random.pick(PCRE2_OPENERS)}${pcre2Text(random, depth - 1)})${random.pick(PCRE2_QUANTIFIERS)}`;
    });
  return random.below(3) === 0 ? `${branch()}|${branch()}` : branch();
}

export function patternText(random: SeededRandom, kind: PatternKind): string {
  if (kind === "osregex") return osRegexText(random);
  if (kind === "pcre2") return pcre2Text(random, 3);
  return repeated(random, 8, () => random.pick([..."aAbBxX1 ^$|!\\.\xc3\xe3"]));
}

export function subjectText(random: SeededRandom): string {
  const text = repeated(random, 14, () => random.pick([..."aaAbBxX-11 .  (|$\\\n\r\t\xc3\xe9\0"]));
  return random.below(200) === 0 ? text.repeat(4000) : text;
}
