/** Checks and shows the facts that a pattern states about its subjects; shared by the tests of the kinds. */
import assert from "node:assert/strict";
import type { Pattern } from "./pattern.ts";

export function assertFacts(pattern: Pattern, subject: string, matches: boolean): void {
  const { text, required, exact, firstBytes } = pattern;
  const folded = subject.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  const where = JSON.stringify([text, subject, required, exact]);
  if (exact !== null) assert.equal(exact.includes(folded), matches, where);
  if (!matches) return;
  assert.ok(required === null || required.some((literal) => folded.includes(literal)), where);
  assert.ok(firstBytes === null || subject === "" || firstBytes[subject.charCodeAt(0)] === 1, where);
}

/** What a subject must hold, can be, and can begin with, as one text. */
export function factsOf({ required, exact, firstBytes }: Pattern): readonly unknown[] {
  const bytes = firstBytes?.reduce(
    (text, member, byte) => text + (member === 1 ? String.fromCharCode(byte) : ""),
    "",
  );
  return [required, exact, bytes ?? null];
}
