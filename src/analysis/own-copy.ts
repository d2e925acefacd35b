/**
 * A copy of a latin1 text that stands alone. V8 makes a part of a text a view on the whole: what is kept for long would keep the
 * whole message alive.
 */
export function ownCopy(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}
