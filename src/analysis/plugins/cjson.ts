/**
 * JSON as the peer's library reads it (cJSON 1.7.18), over latin1 text (one char a byte) without NUL.
 *
 * It reads more than the standard allows (control bytes in strings and as space, numbers such as `01`, text after the
 * document) and keeps repeated names in order. It is not for documents of our own: those use `JSON`.
 *
 * Memory is bounded by the text; depth by `JSON_DEPTH_MAX`, and with it the recursion: the deepest document was measured
 * to need less than 400 KB of stack.
 */
import { isSimpleEscape, unescaped } from "./cjson-string.ts";

/** Arrays and objects inside one another, the outermost included (cJSON.h: CJSON_NESTING_LIMIT). */
export const JSON_DEPTH_MAX = 1000;

/** Longer runs of number bytes are read up to here, and fail at the rest (cJSON.c: parse_number). */
const NUMBER_BYTES_MAX = 63;

/** Whole numbers of so few digits are exact while they are added up. */
const EXACT_DIGITS_MAX = 15;

const INT_MAX = 2_147_483_647;
const INT_MIN = -2_147_483_648;

const BYTE_ORDER_MARK = "\xef\xbb\xbf";
const SPACE = 0x20;
const QUOTE = 0x22;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const LOWER_E = 0x65;
const LOWER_F = 0x66;
const LOWER_N = 0x6e;
const LOWER_T = 0x74;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

export type CJsonValue = null | boolean | number | string | CJsonValue[] | CJsonObject;

/** Members in the order of the text. A name can occur more than once. */
export class CJsonObject {
  readonly names: string[] = [];
  readonly values: CJsonValue[] = [];
}

/** The value at the start of `text` and where it ends; whatever follows is ignored. Null when there is none. */
export function parseCJson(text: string): { readonly value: CJsonValue; readonly end: number } | null {
  const reader = new CJsonReader(text);
  const value = reader.value(0);
  return value === undefined ? null : { value, end: reader.at };
}

/** Whether a number equals the 32-bit number that cJSON keeps beside it. Minus zero does. */
export function isInt32(value: number): boolean {
  return Number.isInteger(value) && value <= INT_MAX && value >= INT_MIN;
}

/**
 * Reads values one by one at `at`. `undefined` means that the text is no JSON; `at` is then where the peer says that the mistake is,
 * or one byte behind the end of the text.
 * Callers that walk a document themselves look at `code()` and use the readers of single values.
 */
export class CJsonReader {
  readonly text: string;
  at: number;
  /** The backslash found last. */
  #backslashAt = -1;
  /** Some string holds a control byte, so others may. */
  #hasControlBytes = false;

  constructor(text: string) {
    this.text = text;
    this.at = text.length > BYTE_ORDER_MARK.length && text.startsWith(BYTE_ORDER_MARK) ? 3 : 0;
    this.skipSpace();
  }

  /** The byte at hand, NaN at the end. */
  code(): number {
    return this.text.charCodeAt(this.at);
  }

  skipSpace(): void {
    while (this.text.charCodeAt(this.at) <= SPACE) this.at++;
  }

  /** `depth` is the number of arrays and objects around the value. */
  value(depth: number): CJsonValue | undefined {
    const code = this.code();
    switch (code) {
      case QUOTE:
        return this.#string();
      case OPEN_OBJECT:
        return this.#object(depth);
      case OPEN_ARRAY:
        return this.array(depth);
      case LOWER_T:
        return this.#word("true") ? true : undefined;
      case LOWER_F:
        return this.#word("false") ? false : undefined;
      case LOWER_N:
        return this.#word("null") ? null : undefined;
      default:
        return this.#number();
    }
  }

  #word(word: string): boolean {
    if (!this.text.startsWith(word, this.at)) return false;
    this.at += word.length;
    return true;
  }

  array(depth: number): CJsonValue[] | undefined {
    if (depth >= JSON_DEPTH_MAX) return undefined;
    const elements: CJsonValue[] = [];
    if (!this.enters(CLOSE_ARRAY)) return elements;
    do {
      const element = this.value(depth + 1);
      if (element === undefined) return undefined;
      elements.push(element);
    } while (this.continues());
    return this.leaves(CLOSE_ARRAY) ? elements : undefined;
  }

  #object(depth: number): CJsonObject | undefined {
    if (depth >= JSON_DEPTH_MAX) return undefined;
    const object = new CJsonObject();
    if (!this.enters(CLOSE_OBJECT)) return object;
    do {
      const name = this.name();
      if (name === undefined) return undefined;
      const value = this.value(depth + 1);
      if (value === undefined) return undefined;
      object.names.push(name);
      object.values.push(value);
    } while (this.continues());
    return this.leaves(CLOSE_OBJECT) ? object : undefined;
  }

  /** Steps over the opening bracket. False: `close` follows at once, and it is stepped over too. */
  enters(close: number): boolean {
    this.at++;
    this.skipSpace();
    return !this.leaves(close);
  }

  /** Steps over the comma after an element, if there is one. */
  continues(): boolean {
    this.skipSpace();
    if (this.code() !== COMMA) return false;
    this.at++;
    this.skipSpace();
    return true;
  }

  leaves(close: number): boolean {
    if (this.code() !== close) return false;
    this.at++;
    return true;
  }

  /** A member's name with the colon after it; leaves `at` on the value. */
  name(): string | undefined {
    if (this.code() !== QUOTE) {
      this.at++;
      return undefined;
    }
    const name = this.#string();
    if (name === undefined) return undefined;
    this.skipSpace();
    if (this.code() !== COLON) return undefined;
    this.at++;
    this.skipSpace();
    return name;
  }

  /** Steps over a name with its colon, when they stand here exactly so, to the value; false when not. */
  skips(key: string): boolean {
    if (!this.text.startsWith(key, this.at)) return false;
    this.at += key.length;
    this.skipSpace();
    return true;
  }

  /** `at` is on the opening quote. */
  #string(): string | undefined {
    const text = this.text;
    const start = this.at + 1;
    const end = text.indexOf('"', start);
    if (end < 0) return this.#wrongAt(start);
    if (this.#backslashFrom(start) < end) return this.#escapedString(start, end);
    this.at = end + 1;
    return text.slice(start, end);
  }

  /** `firstQuote` is the first one behind `start`; it may be escaped. */
  #escapedString(start: number, firstQuote: number): string | undefined {
    const text = this.text;
    let end = firstQuote;
    let isSimple = true;
    // The end is the first quote that no backslash precedes, whatever the escapes turn out to be.
    for (let at = this.#backslashFrom(start); at < end; at = this.#backslashFrom(at + 2)) {
      if (!isSimpleEscape(text.charCodeAt(at + 1))) isSimple = false;
      if (at + 1 < end) continue;
      end = text.indexOf('"', at + 2);
      if (end < 0) return this.#wrongAt(start);
    }
    this.at = end + 1;
    const simple = isSimple ? this.#simpleString(start, end) : undefined;
    if (simple !== undefined) return simple;
    const value = unescaped(text, start, end);
    return typeof value === "string" ? value : this.#wrongAt(value.wrongAt);
  }

  /**
   * Where nothing but simple escapes occurs V8 gives the same text. Measured: Windows events take a fifth less time. Undefined when
   * it refuses: all that it can find wrong is a control byte.
   */
  #simpleString(start: number, end: number): string | undefined {
    if (this.#hasControlBytes) return undefined;
    try {
      return JSON.parse(this.text.slice(start - 1, end + 1));
    } catch {
      this.#hasControlBytes = true;
      return undefined;
    }
  }

  /** Where the next backslash is; behind the end of the text when there is none. */
  #backslashFrom(from: number): number {
    if (this.#backslashAt < from) {
      const at = this.text.indexOf("\\", from);
      this.#backslashAt = at < 0 ? this.text.length : at;
    }
    return this.#backslashAt;
  }

  #wrongAt(at: number): undefined {
    this.at = at;
  }

  #number(): number | undefined {
    const text = this.text;
    const start = this.at;
    const first = text.charCodeAt(start);
    if (first !== MINUS && !(first >= ZERO && first <= NINE)) return undefined;

    let at = first === MINUS ? start + 1 : start;
    let whole = 0;
    while (at - start < EXACT_DIGITS_MAX) {
      const digit = text.charCodeAt(at) - ZERO;
      if (!(digit >= 0 && digit <= 9)) break;
      whole = whole * 10 + digit;
      at++;
    }
    const hasDigits = at > start + 1 || first !== MINUS;
    if (hasDigits && !isNumberByte(text.charCodeAt(at))) {
      this.at = at;
      return first === MINUS ? -whole : whole;
    }
    return this.#decimal();
  }

  #decimal(): number | undefined {
    const start = this.at;
    let end = start;
    while (end - start < NUMBER_BYTES_MAX && isNumberByte(this.text.charCodeAt(end))) end++;
    const run = this.text.slice(start, end);
    const length = decimalLength(run);
    if (length === 0) return undefined;
    this.at = start + length;
    return Number(run.slice(0, length));
  }
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}

function isNumberByte(code: number): boolean {
  return isDigit(code) || code === DOT || code === MINUS || code === PLUS || (code | SPACE) === LOWER_E;
}

/** How many bytes of `run` C's strtod takes; 0 when it is no number. */
function decimalLength(run: string): number {
  const sign = run.charCodeAt(0);
  let at = sign === MINUS || sign === PLUS ? 1 : 0;
  let digits = 0;
  for (; isDigit(run.charCodeAt(at)); at++) digits++;
  if (run.charCodeAt(at) === DOT) {
    at++;
    for (; isDigit(run.charCodeAt(at)); at++) digits++;
  }
  if (digits === 0) return 0;

  // An exponent without digits is left in the text.
  if ((run.charCodeAt(at) | SPACE) !== LOWER_E) return at;
  const exponentSign = run.charCodeAt(at + 1);
  const exponentStart = at + (exponentSign === MINUS || exponentSign === PLUS ? 2 : 1);
  let end = exponentStart;
  while (isDigit(run.charCodeAt(end))) end++;
  return end === exponentStart ? at : end;
}
