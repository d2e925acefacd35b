/**
 * Texts of strangers (one char a byte) as they may stand in a log or on a terminal: control bytes are shown as `?`, so that nothing ends a line,
 * colours it or moves a cursor, and no text is longer than is asked for.
 */

/** Of a stranger's text in a log line. */
const LOGGED_CHARS_MAX = 256;

export function printable(text: string, charsMax = LOGGED_CHARS_MAX): string {
  return text.slice(0, charsMax).replace(/[\x00-\x1f\x7f]/g, "?");
}

/** The same for a text that has lines: newlines and tabs stay. */
export function printableLines(text: string, charsMax = LOGGED_CHARS_MAX): string {
  return text.slice(0, charsMax).replace(/[\x00-\x08\x0b-\x1f\x7f]/g, "?");
}
