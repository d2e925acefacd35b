/** Bytes as Python prints them, where the peer says them in answers and lines: `b'hello'`. */
import { pythonString } from "#formats/python-text.ts";

/** `bytes` has one char a byte. */
export function byteLiteral(bytes: string): string {
  const text = pythonString(bytes).replace(
    /[\u0080-\u00ff]/g,
    (char) => `\\x${char.charCodeAt(0).toString(16)}`,
  );
  return `b${text}`;
}
