/** Ways to make something wrong of something right. Texts have one char a byte. */
import type { SeededRandom } from "#testing/random.ts";

const HUGE_BYTES = 65_000;
/** Deeper than any stack. */
const DEEP = 100_000;

const ODD_BYTES = [
  "\0",
  "\t",
  "\r",
  "\n",
  "\x1b[2J",
  "\x7f",
  "\x80",
  "\xff",
  "\xc3\xa9",
  "\xed\xa0\x80",
  "\xf0\x9f\x92\xa9",
  "\\",
  "\\u0000",
  "\\ud800",
  "|",
  ":",
  '"',
  "'",
  "<",
  ">",
  "&lt;",
  "{",
  "}",
  "[",
  "%n%s",
  "$(id)",
  "../",
  "** Alert 1.1: - x\n",
  "\n\n** Alert 1795249255.5967: mail  - a,\n2026 Nov 21 06:44:10 a->b\nRule: 1 (level 15) -> 'x'\n",
  "__proto__",
  "constructor",
  "NaN",
  "-0",
  "1e999",
  "2147483648",
  "4294967296",
  "9007199254740993",
];

export function oddText(random: SeededRandom): string {
  return random.pick(ODD_BYTES);
}

/** A piece of the text again and again, up to the longest event. */
function swollen(random: SeededRandom, text: string): string {
  const at = random.below(text.length + 1);
  const piece = text.slice(at, at + 1 + random.below(12)) || "x";
  return text.slice(0, at) + piece.repeat(Math.ceil(HUGE_BYTES / piece.length)) + text.slice(at);
}

/** One to three kinds of damage; words of `words` get into places where they do not belong. */
export function damagedText(random: SeededRandom, text: string, words: readonly string[]): string {
  let damaged = text;
  for (let round = 1 + random.below(3); round > 0; round--) {
    const at = random.below(damaged.length + 1);
    const kind = random.below(12);
    if (kind < 4) damaged = random.mutate(Buffer.from(damaged, "latin1")).toString("latin1");
    else if (kind < 7 && words.length > 0)
      damaged = damaged.slice(0, at) + random.pick(words) + damaged.slice(at + random.below(12));
    else if (kind < 10)
      damaged = damaged.slice(0, at) + oddText(random) + damaged.slice(at + random.below(3));
    else if (kind < 11) damaged = damaged.slice(0, at);
    else if (random.below(4) === 0) damaged = swollen(random, damaged);
  }
  return damaged;
}

/** The lines of two texts, each up to a place of its own. */
export function splicedLines(random: SeededRandom, first: string, second: string): string {
  const [head, tail] = [first, second].map((text) => text.split("\n"));
  if (head === undefined || tail === undefined) return first;
  const kept = head.slice(0, 1 + random.below(head.length));
  return [...kept, ...tail.slice(random.below(tail.length))].join("\n");
}

/** JSON that may hold a name twice. */
type Tree =
  | { readonly kind: "object"; readonly members: readonly (readonly [name: string, value: Tree])[] }
  | { readonly kind: "array"; readonly items: readonly Tree[] }
  | { readonly kind: "raw"; readonly text: string };

function treeOf(value: unknown): Tree {
  if (Array.isArray(value)) return { kind: "array", items: value.map(treeOf) };
  if (typeof value !== "object" || value === null) return { kind: "raw", text: JSON.stringify(value) };
  return {
    kind: "object",
    members: Object.entries(value).map(([name, inner]) => [name, treeOf(inner)] as const),
  };
}

function printed(tree: Tree): string {
  if (tree.kind === "raw") return tree.text;
  if (tree.kind === "array") return `[${tree.items.map(printed).join(",")}]`;
  return `{${tree.members.map(([name, value]) => `${JSON.stringify(name)}:${printed(value)}`).join(",")}}`;
}

/** What may stand in the place of any value. */
function wrongValue(random: SeededRandom, value: Tree): Tree {
  const raw = (text: string): Tree => ({ kind: "raw", text });
  switch (random.below(12)) {
    case 0:
      return raw("null");
    case 1:
      return raw(random.pick(["true", "false"]));
    case 2:
      return raw(
        random.pick(["0", "-1", "-1.5", "1e300", "1e999", "2147483648", "9007199254740993", "00", "-"]),
      );
    case 3:
      return raw('""');
    case 4:
      return raw(JSON.stringify("x".repeat(1 + random.below(HUGE_BYTES))));
    case 5:
      return raw(JSON.stringify(random.pick(["\xf0\x9f\x92\xa9", "\xc3\xa9"]).repeat(random.below(1000))));
    case 6:
      return raw(random.pick(["[]", "{}", "[[[]]]", '{"":{"":""}}', '[null,{"a":[1]}]']));
    case 7:
      return raw(random.below(8) === 0 ? random.pick(["[", '{"a":']).repeat(DEEP) : "[".repeat(50));
    case 8:
      return { kind: "array", items: [value, value] };
    case 9:
      return { kind: "object", members: [["type", value]] };
    case 10:
      // The escapes of JSON itself, not those of what it holds.
      return raw(
        `"${random.pick(["\\u0000", "\\ud800", "\\udc00\\ud800", "\\x", "\\", "\n", "\0", "\xff"])}"`,
      );
    default:
      return raw(JSON.stringify(oddText(random)));
  }
}

function damagedTree(random: SeededRandom, tree: Tree): Tree {
  if (tree.kind === "raw" || random.below(15) === 0) return wrongValue(random, tree);
  if (tree.kind === "array") {
    const at = random.below(tree.items.length);
    return {
      ...tree,
      items: tree.items.map((item, index) => (index === at ? damagedTree(random, item) : item)),
    };
  }
  const { members } = tree;
  const at = random.below(members.length);
  const chosen = members[at];
  if (chosen === undefined) return wrongValue(random, tree);
  const [name, value] = chosen;
  const others = members.filter((_, index) => index !== at);
  switch (random.below(7)) {
    case 0:
      return { kind: "object", members: others };
    case 1:
      return { kind: "object", members: [...members, [name, wrongValue(random, value)]] };
    case 2:
      return {
        kind: "object",
        members: [[name.replace(/[a-z]/g, (letter) => letter.toUpperCase()), value], ...others],
      };
    case 3:
      return { kind: "object", members: [[oddText(random), value], ...members] };
    default:
      return {
        kind: "object",
        members: members.map((member, index) => (index === at ? [name, damagedTree(random, value)] : member)),
      };
  }
}

/** JSON with members missing, null, of a wrong kind, huge, doubled or nested without end; a text that is no JSON is damaged as such. */
export function damagedJson(random: SeededRandom, json: string): string {
  let tree: Tree;
  try {
    tree = treeOf(JSON.parse(json));
  } catch {
    return damagedText(random, json, []);
  }
  for (let round = 1 + random.below(3); round > 0; round--) tree = damagedTree(random, tree);
  return printed(tree);
}
