/** A text that must not reach a log, an error or an answer: it prints as `****` unless `reveal()` is written out. */
import { createHash, timingSafeEqual } from "node:crypto";

const MASK = "****";

export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  reveal(): string {
    return this.#text;
  }

  /** Takes the same time whatever the texts share, so that a stranger cannot guess byte by byte. */
  equals(candidate: string): boolean {
    return timingSafeEqual(digest(this.#text), digest(candidate));
  }

  toString(): string {
    return MASK;
  }

  toJSON(): string {
    return MASK;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return MASK;
  }
}

/** Digests are of one length, so comparing them does not tell the length of the secret either. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
