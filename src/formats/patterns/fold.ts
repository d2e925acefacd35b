/**
 * ASCII folding of log text: A–Z to a–z and no other byte.
 *
 * `toLowerCase()` alone would be wrong: in a latin1 string the byte C3 of a UTF-8 "é" is the letter Ã and would become E3.
 */

const HAS_UPPER = /[A-Z]/;
/** The bytes ≥ 0x80 that `toLowerCase()` would change (À–Þ); the other bytes up to 0xFF have no lower case in latin1. */
const HAS_LATIN1_UPPER = /[\xc0-\xde]/;

// One event is tested by hundreds of patterns, most of them on the log and on one field: the last two subjects are kept.
let lastSubject = "";
let lastFolded = "";
let olderSubject = "";
let olderFolded = "";

export function foldAscii(subject: string): string {
  if (subject === lastSubject) return lastFolded;
  const folded = subject === olderSubject ? olderFolded : fold(subject);
  olderSubject = lastSubject;
  olderFolded = lastFolded;
  lastSubject = subject;
  lastFolded = folded;
  return folded;
}

function fold(subject: string): string {
  if (!HAS_UPPER.test(subject)) return subject;
  if (!HAS_LATIN1_UPPER.test(subject)) return subject.toLowerCase();
  return subject.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

export function foldByte(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}
