/**
 * PCRE2 pattern text to syntax tree, as the library reads it without options: bytes, C locale, case-sensitive. Names of groups
 * are resolved and `(?i)` is gone from the result: letters that match in both cases are sets of two bytes.
 */
import { characterEscape, parseBrackets } from "./pcre2-brackets.ts";
import { Cursor } from "./pcre2-cursor.ts";
import { fixedWidth } from "./pcre2-facts.ts";
import {
  ANY,
  type Assertion,
  type ByteSet,
  bothCases,
  bytesBetween,
  bytesOf,
  CLASS_OF_ESCAPE,
  LINE_BREAK,
  NOT_NEWLINE,
  type Node,
} from "./pcre2-tree.ts";

export type Tree = {
  readonly root: Node;
  readonly groupCount: number;
  /** The pattern began with `(*UTF)`: a subject that is no valid UTF-8 does not match. */
  readonly utf: boolean;
};

/** pcre2api(3): the default of PCRE2_PARENS_NEST_LIMIT; it also bounds the recursion here. */
const GROUP_DEPTH_MAX = 250;
/** pcre2pattern(3), "Repetition". */
const REPEAT_COUNT_MAX = 65_535;

type Options = {
  readonly caseless: boolean;
  readonly multiline: boolean;
  readonly dotAll: boolean;
  /** 1 for `(?x)`, 2 for `(?xx)`. */
  readonly extended: 0 | 1 | 2;
  readonly ungreedy: boolean;
  readonly namedOnly: boolean;
};

const NO_OPTIONS: Options = {
  caseless: false,
  multiline: false,
  dotAll: false,
  extended: 0,
  ungreedy: false,
  namedOnly: false,
};

const ASSERTION_OF_ESCAPE: ReadonlyMap<string, Assertion> = new Map([
  ["A", "subject-start"],
  ["G", "subject-start"], // the engine always begins at offset 0
  ["Z", "end-or-newline"],
  ["z", "subject-end"],
  ["b", "word-boundary"],
  ["B", "no-word-boundary"],
]);

const UNSUPPORTED_ESCAPES: ReadonlyMap<string, string> = new Map([
  ["K", "'\\K'"],
  ["X", "'\\X'"],
  ["p", "a Unicode property"],
  ["P", "a Unicode property"],
]);

/** `\r\n` as one, never torn apart by backtracking. */
const NEWLINE_SEQUENCE: Node = {
  kind: "atomic",
  body: {
    kind: "choice",
    branches: [
      { kind: "sequence", items: [bytes("\r"), bytes("\n")] },
      { kind: "bytes", set: LINE_BREAK },
    ],
  },
};

/** What `(?i)` is parsed to; it never gets into a tree. */
const OPTION_SETTING: Node = { kind: "sequence", items: [] };

type Reference = { kind: "reference"; group: number; caseless: boolean };
type PendingReference = { readonly node: Reference; readonly name: string | null; readonly offset: number };

export function parsePcre2(text: string): Tree {
  return new Parser(text).parse();
}

function bytes(text: string): Node {
  return { kind: "bytes", set: bytesOf(text) };
}

class Parser {
  readonly #cursor: Cursor;
  readonly #names = new Map<string, number>();
  readonly #references: PendingReference[] = [];
  #options = NO_OPTIONS;
  #groupCount = 0;
  #depth = 0;
  #quoted = false; // between \Q and \E
  readonly #utf: boolean;

  constructor(text: string) {
    this.#cursor = new Cursor(text);
    this.#utf = this.#cursor.take("(*UTF)");
  }

  parse(): Tree {
    const root = this.#parseChoice();
    if (!this.#cursor.atEnd) this.#cursor.syntax("')' without '('");
    for (const { node, name, offset } of this.#references) {
      node.group = name === null ? node.group : (this.#names.get(name) ?? 0);
      if (node.group < 1 || node.group > this.#groupCount)
        this.#cursor.syntax("reference to a group that does not exist", offset);
    }
    return { root, groupCount: this.#groupCount, utf: this.#utf };
  }

  #parseChoice(): Node {
    const first = this.#parseSequence();
    if (!this.#cursor.sees("|")) return first;
    const branches = [first];
    while (this.#cursor.take("|")) branches.push(this.#parseSequence());
    return { kind: "choice", branches };
  }

  #parseSequence(): Node {
    const items: Node[] = [];
    for (;;) {
      this.#skipIgnored();
      if (this.#cursor.atEnd || (!this.#quoted && (this.#cursor.sees("|") || this.#cursor.sees(")")))) break;
      const group = !this.#quoted && this.#cursor.sees("(");
      const atom = this.#parseAtom();
      this.#skipIgnored();
      const repeatable = atom !== OPTION_SETTING && (group || atom.kind !== "assertion");
      const item = this.#quoted ? atom : this.#parseQuantifier(atom, repeatable);
      if (item !== OPTION_SETTING) items.push(item);
    }
    const [only] = items;
    return items.length === 1 && only !== undefined ? only : { kind: "sequence", items };
  }

  /** Comments, blanks under `(?x)` and the quoting marks: they also may stand between an item and its quantifier. */
  #skipIgnored(): void {
    const cursor: Cursor = this.#cursor;
    for (;;) {
      if (this.#quoted) {
        if (!cursor.take("\\E")) return;
        this.#quoted = false;
      } else if (cursor.take("\\Q")) {
        this.#quoted = true;
      } else if (cursor.sees("(?#")) {
        if (cursor.takeMatch(/[^)]*\)/y) === null) cursor.syntax("missing ')' of a comment");
      } else if (
        !cursor.take("\\E") &&
        (this.#options.extended === 0 || cursor.takeMatch(/[\t-\r ]+|#[^\n]*(?:\n|$)/y) === null)
      ) {
        return;
      }
    }
  }

  #parseAtom(): Node {
    const cursor: Cursor = this.#cursor;
    const start = cursor.at;
    const char = cursor.next();
    if (this.#quoted) return this.#literal(char);
    const { multiline, dotAll, caseless, extended } = this.#options;
    switch (char) {
      case "\\":
        return this.#parseEscape(start);
      case "(":
        return this.#parseGroup(start);
      case "[":
        if (cursor.takeMatch(/([:.=])[^\\\]]*?\1\]/y) !== null)
          cursor.syntax("POSIX class outside of brackets", start);
        return this.#bytes(parseBrackets(cursor, caseless, extended === 2), start);
      case ".":
        return this.#bytes(dotAll ? ANY : NOT_NEWLINE, start);
      case "^":
        return { kind: "assertion", assertion: multiline ? "line-start" : "subject-start" };
      case "$":
        return { kind: "assertion", assertion: multiline ? "line-end" : "end-or-newline" };
      case "*":
      case "+":
      case "?":
        return cursor.syntax("quantifier without an item", start);
      case "{":
        if (/\d+(?:,\d*)?\}/y.test(cursor.text.slice(cursor.at)))
          cursor.syntax("quantifier without an item", start);
        return this.#literal(char);
      default:
        return this.#literal(char);
    }
  }

  #parseQuantifier(atom: Node, repeatable: boolean): Node {
    const cursor: Cursor = this.#cursor;
    const start = cursor.at;
    const found = cursor.takeMatch(/[*+?]|\{(\d+)(,?)(\d*)\}/y);
    if (found === null) return atom;
    if (!repeatable) cursor.syntax("quantifier without an item", start);
    const [sign = "", low = "", comma, high = ""] = found;
    const min = sign === "+" ? 1 : Number(low);
    const max =
      sign === "?"
        ? 1
        : comma === "," || low === ""
          ? high === ""
            ? Number.POSITIVE_INFINITY
            : Number(high)
          : min;
    if (Math.max(min, Number(high)) > REPEAT_COUNT_MAX)
      cursor.syntax(`repeat count above ${REPEAT_COUNT_MAX}`, start);
    if (max < min) cursor.syntax("repeat counts out of order", start);
    this.#skipIgnored();
    const possessive = !this.#quoted && cursor.take("+");
    const lazy = !possessive && (!this.#quoted && cursor.take("?")) !== this.#options.ungreedy;
    // An assertion is obeyed at most once, however often it is repeated.
    const counts = atom.kind === "look" ? { min: Math.min(min, 1), max: Math.min(max, 1) } : { min, max };
    const repeat: Node = { kind: "repeat", body: atom, ...counts, lazy };
    return possessive ? { kind: "atomic", body: repeat } : repeat;
  }

  #literal(char: string): Node {
    const code = char.charCodeAt(0);
    if (!this.#utf || code < 0x80) return this.#character(code, this.#cursor.at - 1);
    this.#cursor.at--;
    const sequence = this.#cursor.takeMatch(
      /[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}/y,
    )?.[0];
    if (sequence === undefined) this.#cursor.syntax("invalid UTF-8");
    const points = Buffer.from(sequence, "latin1").toString("utf8");
    return this.#character(points.codePointAt(0) ?? 0, this.#cursor.at - sequence.length);
  }

  /** One character: a byte, or under `(*UTF)` the bytes of its UTF-8 form. */
  #character(code: number, start: number): Node {
    if (code < 0x80 || (code <= 0xff && !this.#utf)) {
      const set = bytesBetween(code, code);
      return { kind: "bytes", set: this.#options.caseless ? bothCases(set) : set };
    }
    if (!this.#utf) this.#cursor.syntax("character code above 0xFF", start);
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
      this.#cursor.syntax("no Unicode character", start);
    if (this.#options.caseless)
      this.#cursor.unsupported("(*UTF) with (?i) and a character beyond ASCII", start);
    const encoded = Buffer.from(String.fromCodePoint(code), "utf8").toString("latin1");
    return { kind: "sequence", items: Array.from(encoded, bytes) };
  }

  #bytes(set: ByteSet, start: number): Node {
    if (this.#utf && set.indexOf(1, 0x80) >= 0)
      this.#cursor.unsupported("(*UTF) with a class beyond ASCII", start);
    return { kind: "bytes", set };
  }

  #parseEscape(start: number): Node {
    const cursor: Cursor = this.#cursor;
    const code = characterEscape(cursor);
    if (code !== null) return this.#character(code, start);
    const letter = cursor.next();
    const set = CLASS_OF_ESCAPE.get(letter);
    if (set !== undefined) return this.#bytes(set, start);
    const assertion = ASSERTION_OF_ESCAPE.get(letter);
    if (assertion !== undefined) return { kind: "assertion", assertion };
    if (/[1-9]/.test(letter)) return this.#parseDigits(start);
    const unsupported = UNSUPPORTED_ESCAPES.get(letter);
    if (unsupported !== undefined) cursor.unsupported(unsupported, start);
    if (letter === "N") return this.#parseNotNewline(start);
    if (letter === "R") return NEWLINE_SEQUENCE;
    if (letter === "C") return this.#bytes(ANY, start);
    if (letter === "g" || letter === "k") return this.#parseNamedReference(letter, start);
    return cursor.syntax(`unknown escape '\\${letter}'`, start);
  }

  /** `\1` … `\9` are references; more digits are one when there are that many groups so far, octal otherwise. */
  #parseDigits(start: number): Node {
    const cursor: Cursor = this.#cursor;
    cursor.at--;
    const digits = cursor.takeMatch(/\d+/y)?.[0] ?? "";
    const group = Number(digits);
    if (group < 10 || /^[89]/.test(digits) || group <= this.#groupCount)
      return this.#reference(group, null, start);
    cursor.at -= digits.length;
    return this.#character(Number.parseInt(cursor.takeMatch(/[0-7]{1,3}/y)?.[0] ?? "", 8), start);
  }

  #parseNotNewline(start: number): Node {
    const named = this.#cursor.takeMatch(/\{U\+([0-9A-Fa-f]+)\}/y);
    if (named !== null) {
      if (!this.#utf) this.#cursor.syntax("'\\N{U+...}' without (*UTF)", start);
      return this.#character(Number.parseInt(named[1] ?? "", 16), start);
    }
    if (this.#cursor.takeMatch(/\{(?!\d+(?:,\d*)?\})/y) !== null)
      this.#cursor.syntax("unknown '\\N{...}'", start);
    return this.#bytes(NOT_NEWLINE, start);
  }

  /** Behind `\g` or `\k`. */
  #parseNamedReference(letter: string, start: number): Node {
    const cursor: Cursor = this.#cursor;
    if (letter === "g") {
      if (cursor.sees("<") || cursor.sees("'")) cursor.unsupported("recursion", start);
      const numbered = cursor.takeMatch(/([+-]?)(\d+)(?!\d)|\{([+-]?)(\d+)\}/y);
      if (numbered !== null) {
        const sign = `${numbered[1]}${numbered[3]}`;
        const number = Number(`${numbered[2]}${numbered[4]}`);
        const group =
          sign === "-" ? this.#groupCount + 1 - number : sign === "+" ? this.#groupCount + number : number;
        return this.#reference(group, null, start);
      }
    }
    const named = cursor.takeMatch(letter === "g" ? /\{(\w+)\}/y : /<(\w+)>|'(\w+)'|\{(\w+)\}/y);
    if (named === null) cursor.syntax(`'\\${letter}' without a group`, start);
    return this.#reference(0, named.slice(1).join(""), start);
  }

  #reference(group: number, name: string | null, offset: number): Node {
    const node: Reference = { kind: "reference", group, caseless: this.#options.caseless };
    this.#references.push({ node, name, offset });
    return node;
  }

  #parseGroup(start: number): Node {
    const cursor: Cursor = this.#cursor;
    if (cursor.takeMatch(/\*[A-Za-z:]/y) !== null) cursor.unsupported("a verb '(*...)'", start);
    if (++this.#depth > GROUP_DEPTH_MAX) cursor.syntax(`groups nested deeper than ${GROUP_DEPTH_MAX}`, start);
    const outer = this.#options;
    const node = cursor.take("?") ? this.#parseSpecialGroup(start, outer) : this.#parseCapture(null, start);
    // An option set in a group ends with it; `(?i)` alone has no end of its own and holds on.
    if (node !== OPTION_SETTING) this.#options = outer;
    this.#depth--;
    return node;
  }

  /** Behind `(?`. */
  #parseSpecialGroup(start: number, outer: Options): Node {
    const cursor: Cursor = this.#cursor;
    if (cursor.take(":")) return this.#parseBody(start);
    if (cursor.take(">")) return { kind: "atomic", body: this.#parseBody(start) };
    if (cursor.take("=")) return { kind: "look", negated: false, body: this.#parseBody(start) };
    if (cursor.take("!")) return { kind: "look", negated: true, body: this.#parseBody(start) };
    if (cursor.take("<=")) return this.#parseLookBehind(false, start);
    if (cursor.take("<!")) return this.#parseLookBehind(true, start);
    const named = cursor.takeMatch(/P?<([A-Za-z_]\w{0,31})>|'([A-Za-z_]\w{0,31})'/y);
    if (named !== null) return this.#parseCapture(`${named[1]}${named[2]}`, start);
    const reference = cursor.takeMatch(/P=(\w+)\)/y);
    if (reference !== null) return this.#reference(0, reference[1] ?? "", start);
    if (cursor.takeMatch(/R|P>|&|[+-]?\d/y) !== null) cursor.unsupported("recursion", start);
    if (cursor.sees("(")) cursor.unsupported("a conditional group", start);
    if (cursor.sees("|")) cursor.unsupported("a branch reset group", start);
    if (cursor.sees("C")) cursor.unsupported("a callout", start);
    if (cursor.sees("*") || cursor.sees("<*")) cursor.unsupported("a non-atomic assertion", start);
    const letters = cursor.takeMatch(/(\^?)([imsxnJU]*)(?:-([imsxnJU]*))?([:)])/y);
    if (letters === null) cursor.syntax("unknown group '(?'", start);
    const [, reset = "", on = "", off = "", end] = letters;
    if (`${on}${off}`.includes("J")) cursor.unsupported("(?J)", start);
    this.#options = changed(reset === "" ? outer : { ...NO_OPTIONS, ungreedy: outer.ungreedy }, on, off);
    return end === ":" ? this.#parseBody(start) : OPTION_SETTING;
  }

  #parseCapture(name: string | null, start: number): Node {
    if (name === null && this.#options.namedOnly) return this.#parseBody(start);
    const index = ++this.#groupCount;
    if (name !== null) {
      if (this.#names.has(name)) this.#cursor.syntax(`two groups have the name '${name}'`, start);
      this.#names.set(name, index);
    }
    return { kind: "capture", index, body: this.#parseBody(start) };
  }

  #parseLookBehind(negated: boolean, start: number): Node {
    const body = this.#parseBody(start);
    const branches = (body.kind === "choice" ? body.branches : [body]).map((branch): Node => {
      const width = fixedWidth(branch);
      if (width === null) this.#cursor.syntax("look-behind without a fixed length", start);
      return { kind: "sequence", items: [{ kind: "back", bytes: width }, branch] };
    });
    return { kind: "look", negated, body: { kind: "choice", branches } };
  }

  #parseBody(start: number): Node {
    const body = this.#parseChoice();
    if (!this.#cursor.take(")")) this.#cursor.syntax("missing ')'", start);
    return body;
  }
}

function changed(options: Options, on: string, off: string): Options {
  const is = (letter: string, before: boolean): boolean =>
    (before || on.includes(letter)) && !off.includes(letter);
  const extended = off.includes("x") ? 0 : on.includes("xx") ? 2 : on.includes("x") ? 1 : options.extended;
  return {
    caseless: is("i", options.caseless),
    multiline: is("m", options.multiline),
    dotAll: is("s", options.dotAll),
    extended,
    ungreedy: is("U", options.ungreedy),
    namedOnly: is("n", options.namedOnly),
  };
}
