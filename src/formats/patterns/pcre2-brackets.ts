/** Bracket classes of PCRE2, `[…]`, and the escapes that name one character wherever they stand. */
import type { Cursor } from "./pcre2-cursor.ts";
import {
  type ByteSet,
  bothCases,
  bytesBetween,
  CLASS_OF_ESCAPE,
  complement,
  POSIX_CLASSES,
  union,
} from "./pcre2-tree.ts";

const CONTROL_ESCAPES: ReadonlyMap<string, number> = new Map([
  ["a", 0x07],
  ["e", 0x1b],
  ["f", 0x0c],
  ["n", 0x0a],
  ["r", 0x0d],
  ["t", 0x09],
]);

/**
 * Reads what follows a backslash when it names one character: its code, or null with nothing taken when it is a letter or digit
 * of another meaning. Octal without a leading zero is the caller's: outside of brackets it may be a reference.
 */
export function characterEscape(cursor: Cursor): number | null {
  const start = cursor.at - 1;
  const char = cursor.next();
  if (char === "") cursor.syntax("'\\' at the end of the pattern", start);
  const control = CONTROL_ESCAPES.get(char);
  if (control !== undefined) return control;
  if (char === "0") return Number.parseInt(`0${cursor.takeMatch(/[0-7]{0,2}/y)?.[0]}`, 8);
  if (char === "o") {
    const digits = cursor.takeMatch(/\{([0-7]+)\}/y);
    return digits === null
      ? cursor.syntax("'\\o' is not followed by octal digits in braces", start)
      : Number.parseInt(digits[1] ?? "", 8);
  }
  if (char === "x") {
    if (!cursor.sees("{")) return Number.parseInt(`0${cursor.takeMatch(/[0-9A-Fa-f]{0,2}/y)?.[0]}`, 16);
    const digits = cursor.takeMatch(/\{([0-9A-Fa-f]+)\}/y);
    return digits === null
      ? cursor.syntax("'\\x{' is not followed by hexadecimal digits and '}'", start)
      : Number.parseInt(digits[1] ?? "", 16);
  }
  if (char === "c") {
    const control = cursor.takeMatch(/[\x20-\x7e]/y);
    return control === null
      ? cursor.syntax("'\\c' is not followed by a printable character", start)
      : (control[0] ?? "").toUpperCase().charCodeAt(0) ^ 0x40;
  }
  if (!/[0-9A-Za-z]/.test(char)) return char.charCodeAt(0);
  cursor.at--;
  return null;
}

/** The set of a class whose `[` has been taken, up to and with its `]`. `skipBlanks` is the effect of `(?xx)`. */
export function parseBrackets(cursor: Cursor, caseless: boolean, skipBlanks: boolean): ByteSet {
  const start = cursor.at - 1;
  const negated = cursor.take("^");
  const sets: ByteSet[] = [];
  let quoted = false;
  let first = true;
  for (;;) {
    if (cursor.atEnd) cursor.syntax("missing ']' of a class", start);
    if (quoted ? cursor.take("\\E") : cursor.take("\\Q")) {
      quoted = !quoted;
      continue;
    }
    if (!quoted && cursor.take("\\E")) continue;
    if (!quoted && skipBlanks && (cursor.take(" ") || cursor.take("\t"))) continue;
    if (!quoted && !first && cursor.take("]")) break;
    first = false;
    const low = parseMember(cursor, caseless, quoted);
    if (typeof low !== "number") {
      sets.push(low);
      if (!quoted && cursor.sees("-") && !cursor.sees("-]"))
        cursor.syntax("range that begins with a class", cursor.at);
      continue;
    }
    if (quoted || !cursor.sees("-") || cursor.sees("-]")) {
      sets.push(bytesBetween(low, low));
      continue;
    }
    const rangeAt = cursor.at++;
    quoted = cursor.take("\\Q");
    const high = parseMember(cursor, caseless, quoted);
    if (typeof high !== "number") cursor.syntax("range that ends with a class", rangeAt);
    if (high < low) cursor.syntax("range out of order", rangeAt);
    sets.push(bytesBetween(low, high));
  }
  const set = caseless ? bothCases(union(sets)) : union(sets);
  return negated ? complement(set) : set;
}

/** One character (its code) or one class inside of brackets. */
function parseMember(cursor: Cursor, caseless: boolean, quoted: boolean): number | ByteSet {
  const start = cursor.at;
  const char = cursor.next();
  if (char === "") cursor.syntax("missing ']' of a class", start);
  if (quoted) return char.charCodeAt(0);
  if (char === "[") {
    const posix = cursor.takeMatch(/([:.=])(\^?)([^\\\]]*?)\1\]/y);
    if (posix === null) return char.charCodeAt(0);
    const [, mark, negated, name = ""] = posix;
    // Without regard to case "upper" and "lower" hold all letters, also when negated.
    const set = POSIX_CLASSES.get(caseless && (name === "upper" || name === "lower") ? "alpha" : name);
    if (mark === ":" && (name === "<" || name === ">"))
      cursor.unsupported("a word boundary in brackets", start);
    if (mark !== ":" || set === undefined) cursor.syntax(`unknown POSIX class '${posix[0]}'`, start);
    return negated === "^" ? complement(set) : set;
  }
  if (char !== "\\") return char.charCodeAt(0);
  const code = characterEscape(cursor);
  if (code !== null)
    return code <= 0xff ? code : cursor.unsupported("a character above 0xFF in brackets", start);
  const octal = cursor.takeMatch(/[0-7]{1,3}/y);
  if (octal !== null) return byteOf(Number.parseInt(octal[0] ?? "", 8), cursor, start);
  const letter = cursor.next();
  if (letter === "b") return 0x08;
  if (letter === "8" || letter === "9") return letter.charCodeAt(0);
  if (letter === "p" || letter === "P") cursor.unsupported("a Unicode property", start);
  return CLASS_OF_ESCAPE.get(letter) ?? cursor.syntax(`unknown escape '\\${letter}' in a class`, start);
}

function byteOf(code: number, cursor: Cursor, start: number): number {
  return code <= 0xff ? code : cursor.syntax("character code above 0xFF", start);
}
