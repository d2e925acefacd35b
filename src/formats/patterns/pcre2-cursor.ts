/** Reading position in a PCRE2 pattern text, and the one way in which its parsers fail. */

/** Ours, not the library's: PCRE2 has about a hundred numbers, of which rule authors see only the text. */
export const ERRCODE_PCRE2_SYNTAX = 1;
/** Valid PCRE2 that this program does not run. */
export const ERRCODE_PCRE2_UNSUPPORTED = 2;
export const ERRCODE_PCRE2_TOO_LARGE = 3;

/** Thrown by the parsers and the compiler, caught in `compilePcre2()`: it never leaves this folder. */
export class Pcre2Error extends Error {
  readonly errcode: number;
  readonly offset: number;

  constructor(errcode: number, message: string, offset: number) {
    super(message);
    this.errcode = errcode;
    this.offset = offset;
  }
}

export class Cursor {
  readonly text: string;
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  get atEnd(): boolean {
    return this.at >= this.text.length;
  }

  sees(literal: string): boolean {
    return this.text.startsWith(literal, this.at);
  }

  take(literal: string): boolean {
    if (!this.sees(literal)) return false;
    this.at += literal.length;
    return true;
  }

  /** The next byte as a character, or "" at the end. */
  next(): string {
    return this.text.charAt(this.at++);
  }

  /** Takes what a sticky expression matches here; its groups, with "" for those that are not set. */
  takeMatch(sticky: RegExp): readonly string[] | null {
    sticky.lastIndex = this.at;
    const found = sticky.exec(this.text);
    if (found === null) return null;
    this.at = sticky.lastIndex;
    return Array.from(found, (group) => group ?? "");
  }

  syntax(message: string, offset = this.at): never {
    throw new Pcre2Error(ERRCODE_PCRE2_SYNTAX, message, Math.min(offset, this.text.length));
  }

  unsupported(what: string, offset = this.at): never {
    throw new Pcre2Error(
      ERRCODE_PCRE2_UNSUPPORTED,
      `${what} is not supported`,
      Math.min(offset, this.text.length),
    );
  }
}
