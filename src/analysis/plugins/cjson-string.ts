/** The escapes of strings as cJSON 1.7.18 undoes them: a `\u` gives UTF-8 bytes, each a char of latin1 text. */

const SPACE = 0x20;
const ZERO = 0x30;
const NINE = 0x39;
const BACKSLASH = 0x5c;
const LOWER_U = 0x75;

/** What stands after a backslash → the byte it means; zero for what may not stand there. */
const ESCAPED_BYTES = new Uint8Array(256);
for (const pair of ["b\b", "f\f", "n\n", "r\r", "t\t", '""', "\\\\", "//"]) {
  ESCAPED_BYTES[pair.charCodeAt(0)] = pair.charCodeAt(1);
}

/** Whether `kind` may stand after a backslash, `u` aside. */
export function isSimpleEscape(kind: number): boolean {
  return (ESCAPED_BYTES[kind] ?? 0) !== 0;
}

/** The text between two quotes, or where an escape is wrong. */
export function unescaped(text: string, start: number, end: number): string | { readonly wrongAt: number } {
  // No escape is shorter than the bytes it stands for.
  const bytes = Buffer.allocUnsafe(end - start);
  let length = 0;
  let hasNul = false;
  for (let at = start; at < end; ) {
    const code = text.charCodeAt(at);
    if (code !== BACKSLASH) {
      bytes[length++] = code;
      at++;
      continue;
    }
    const kind = text.charCodeAt(at + 1);
    if (kind !== LOWER_U) {
      if (!isSimpleEscape(kind)) return { wrongAt: at };
      bytes[length++] = ESCAPED_BYTES[kind] ?? 0;
      at += 2;
      continue;
    }
    const point = codePoint(text, at, end);
    if (point < 0) return { wrongAt: at };
    if (point === 0) hasNul = true;
    length = writeUtf8(bytes, length, point);
    at += point > 0xffff ? 12 : 6;
  }
  // `\u0000` writes a NUL, which ends the text for everyone who reads it in the peer. The rest had to be valid all the same.
  const nul = hasNul ? bytes.indexOf(0) : length;
  return bytes.toString("latin1", 0, nul);
}

/** The character of `\uXXXX` or of a pair of them at `at`; -1 when it is cut short or a lone surrogate. */
function codePoint(text: string, at: number, end: number): number {
  if (end - at < 6) return -1;
  const first = hexUnit(text, at + 2);
  if (first < 0xd800 || first > 0xdfff) return first;
  if (first >= 0xdc00 || end - at < 12 || !text.startsWith("\\u", at + 6)) return -1;
  const second = hexUnit(text, at + 8);
  if (second < 0xdc00 || second > 0xdfff) return -1;
  return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
}

/** Four hexadecimal digits. Zero when they are not: cJSON does not tell the two apart. */
function hexUnit(text: string, at: number): number {
  let unit = 0;
  for (let index = at; index < at + 4; index++) {
    const code = text.charCodeAt(index);
    const letter = code | SPACE;
    if (code >= ZERO && code <= NINE) unit = unit * 16 + code - ZERO;
    else if (letter >= 0x61 && letter <= 0x66) unit = unit * 16 + letter - 0x57;
    else return 0;
  }
  return unit;
}

/** Returns the length after the character. */
function writeUtf8(bytes: Buffer, start: number, point: number): number {
  let at = start;
  if (point < 0x80) {
    bytes[at++] = point;
    return at;
  }
  if (point < 0x800) bytes[at++] = 0xc0 | (point >> 6);
  else {
    if (point < 0x10000) bytes[at++] = 0xe0 | (point >> 12);
    else {
      bytes[at++] = 0xf0 | (point >> 18);
      bytes[at++] = 0x80 | ((point >> 12) & 0x3f);
    }
    bytes[at++] = 0x80 | ((point >> 6) & 0x3f);
  }
  bytes[at++] = 0x80 | (point & 0x3f);
  return at;
}
