/** The syntax tree of a PCRE2 pattern and the sets of bytes in it. */

/** 256 entries, 1 for each byte that belongs to the set. */
export type ByteSet = Uint8Array;

export type Assertion =
  | "subject-start"
  | "subject-end"
  /** `$` without `m`, and `\Z`: the end, or before a newline that ends the subject. */
  | "end-or-newline"
  | "line-start"
  | "line-end"
  | "word-boundary"
  | "no-word-boundary";

export type Node =
  | { readonly kind: "bytes"; readonly set: ByteSet }
  | { readonly kind: "sequence"; readonly items: readonly Node[] }
  | { readonly kind: "choice"; readonly branches: readonly Node[] }
  /** `max` is Infinity when unbounded. */
  | {
      readonly kind: "repeat";
      readonly body: Node;
      readonly min: number;
      readonly max: number;
      readonly lazy: boolean;
    }
  | { readonly kind: "capture"; readonly index: number; readonly body: Node }
  /** Once matched, never entered again: `(?>…)` and possessive quantifiers. */
  | { readonly kind: "atomic"; readonly body: Node }
  /** A look-behind's branches begin with a `back`. */
  | { readonly kind: "look"; readonly negated: boolean; readonly body: Node }
  | { readonly kind: "back"; readonly bytes: number }
  | { readonly kind: "reference"; readonly group: number; readonly caseless: boolean }
  | { readonly kind: "assertion"; readonly assertion: Assertion };

/** A rule set has some 20,000 sets, of which a few hundred differ. Beyond the limit the next ones begin anew. */
const SHARED_SETS_MAX = 4096;
const sharedSets = new Map<string, ByteSet>();

/** The one copy of a set: nobody writes to a set once it is made. */
function shared(set: ByteSet): ByteSet {
  const key = Buffer.from(set.buffer, set.byteOffset, set.length).toString("latin1");
  const known = sharedSets.get(key);
  if (known !== undefined) return known;
  if (sharedSets.size >= SHARED_SETS_MAX) sharedSets.clear();
  sharedSets.set(key, set);
  return set;
}

export function bytesWhere(contains: (byte: number) => boolean): ByteSet {
  const set = new Uint8Array(256);
  for (let byte = 0; byte < 256; byte++) if (contains(byte)) set[byte] = 1;
  return shared(set);
}

export function bytesOf(text: string): ByteSet {
  const set = new Uint8Array(256);
  for (let index = 0; index < text.length; index++) set[text.charCodeAt(index)] = 1;
  return shared(set);
}

export function bytesBetween(first: number, last: number): ByteSet {
  return shared(new Uint8Array(256).fill(1, first, last + 1));
}

export function complement(set: ByteSet): ByteSet {
  return shared(set.map((member) => 1 - member));
}

export function union(sets: readonly ByteSet[]): ByteSet {
  return bytesWhere((byte) => sets.some((set) => set[byte] === 1));
}

/** With the other case of each ASCII letter. */
export function bothCases(set: ByteSet): ByteSet {
  return bytesWhere((byte) => set[byte] === 1 || (isLetter(byte) && set[byte ^ 0x20] === 1));
}

function isLetter(byte: number): boolean {
  const folded = byte | 0x20;
  return folded >= 0x61 && folded <= 0x7a;
}

/** The byte that the set stands for when ASCII case is ignored (folded), or null when it stands for several. */
export function foldedByte(set: ByteSet): number | null {
  let found: number | null = null;
  for (let byte = 0; byte < 256; byte++) {
    if (set[byte] !== 1) continue;
    const folded = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
    if (found !== null && found !== folded) return null;
    found = folded;
  }
  return found;
}

/** The only byte of the set, or null. */
export function singleByte(set: ByteSet): number | null {
  const first = set.indexOf(1);
  return first >= 0 && set.indexOf(1, first + 1) < 0 ? first : null;
}

// The classes of PCRE2 in the C locale (pcre2pattern(3), "Generic character types" and "POSIX character classes").
const DIGIT = bytesBetween(0x30, 0x39);
const LOWER = bytesBetween(0x61, 0x7a);
const UPPER = bytesBetween(0x41, 0x5a);
const ALPHA = union([LOWER, UPPER]);
const ALNUM = union([ALPHA, DIGIT]);
const GRAPH = bytesBetween(0x21, 0x7e);
const SPACE = union([bytesBetween(0x09, 0x0d), bytesOf(" ")]);
export const WORD = union([ALNUM, bytesOf("_")]);
export const NOT_NEWLINE = complement(bytesOf("\n"));
export const ANY = bytesBetween(0x00, 0xff);
/** What `\R` matches besides `\r\n`. */
export const LINE_BREAK = union([bytesBetween(0x0a, 0x0d), bytesOf("\x85")]);

const HORIZONTAL = bytesOf("\t \xa0");
/** Escapes that mean the same inside and outside of brackets; the capital letter is the complement. */
export const CLASS_OF_ESCAPE: ReadonlyMap<string, ByteSet> = new Map([
  ["d", DIGIT],
  ["D", complement(DIGIT)],
  ["w", WORD],
  ["W", complement(WORD)],
  ["s", SPACE],
  ["S", complement(SPACE)],
  ["h", HORIZONTAL],
  ["H", complement(HORIZONTAL)],
  ["v", LINE_BREAK],
  ["V", complement(LINE_BREAK)],
]);

export const POSIX_CLASSES: ReadonlyMap<string, ByteSet> = new Map([
  ["alpha", ALPHA],
  ["lower", LOWER],
  ["upper", UPPER],
  ["alnum", ALNUM],
  ["ascii", bytesBetween(0x00, 0x7f)],
  ["blank", bytesOf(" \t")],
  ["cntrl", union([bytesBetween(0x00, 0x1f), bytesOf("\x7f")])],
  ["digit", DIGIT],
  ["graph", GRAPH],
  ["print", bytesBetween(0x20, 0x7e)],
  ["punct", bytesWhere((byte) => GRAPH[byte] === 1 && ALNUM[byte] !== 1)],
  ["space", SPACE],
  ["word", WORD],
  ["xdigit", union([DIGIT, bytesBetween(0x41, 0x46), bytesBetween(0x61, 0x66)])],
]);
