/**
 * The parser of the lenient XML dialect: text in, a forest of elements out (wazuh v4.14.7: src/os_xml/os_xml.c).
 *
 * Not an XML parser: many roots, no entities, no CDATA, no prologue; `\<` is a literal `<`. Variables are applied by
 * `variables.ts`. Linear in the text; open elements live on a list of their own, so depth costs no call stack.
 */
import type { SourcePosition } from "#formats/source-position.ts";
import type { XmlAttribute, XmlElement } from "./elements.ts";
import { XmlError } from "./xml-error.ts";

/** A name, an attribute or a content that reaches this many bytes is refused (XML_MAXSIZE). */
export const TOKEN_BYTES_MAX = 20_480;
/** Deepest nesting (XML_MAX_RECURSION). */
export const DEPTH_MAX = 1024;
/** Attributes of one element. */
export const ATTRIBUTES_MAX = 48;

export type ParseOptions = {
  /** Cut a content that is too long instead of refusing the text: for event XML, whose author nobody can ask. */
  readonly truncate?: boolean;
};

/** Throws `XmlError`. */
export function parseElements(text: string, file: string, options: ParseOptions = {}): XmlElement[] {
  return new Parser(text, file, options.truncate ?? false).parse();
}

type OpenElement = {
  readonly name: string;
  readonly attributes: readonly XmlAttribute[];
  readonly children: XmlElement[];
  readonly position: SourcePosition;
  content: string;
  contentPosition: SourcePosition;
  /** An odd run of backslashes stands before the next byte of content. */
  escaped: boolean;
};

// The blanks of C's isspace(): not JavaScript's `\s`, which has U+00A0 and more.
const BLANKS = /[ \t\n\v\f\r]*/y;
const UNTIL_NAME_END = /[^ \t\n\v\f\r><]*/y;
const UNTIL_CLOSING_END = /[^><]*/y;
const UNTIL_ATTRIBUTE_NAME_END = /[^ \t\n\v\f\r>/=]*/y;
const UNTIL_DOUBLE_QUOTE = /[^">]*/y;
const UNTIL_SINGLE_QUOTE = /[^'>]*/y;
const PLACEHOLDER = /^[A-Z0-9_-]{3,}$/;

class Parser {
  readonly #text: string;
  readonly #file: string;
  readonly #truncate: boolean;
  readonly #roots: XmlElement[] = [];
  readonly #open: OpenElement[] = [];
  #at = 0;
  // Positions are asked for in rising order, so lines are counted once over the text.
  #line = 1;
  #lineStart = 0;
  #lineEnd: number;

  constructor(text: string, file: string, truncate: boolean) {
    this.#text = text;
    this.#file = file;
    this.#truncate = truncate;
    this.#lineEnd = this.#endOfLine(0);
  }

  parse(): XmlElement[] {
    for (;;) {
      const current = this.#open.at(-1);
      if (current !== undefined) this.#readContent(current);
      else if (!this.#readBetweenRoots()) return this.#roots;
    }
  }

  /** Skips to the next root and opens it; false at the end of the text. */
  #readBetweenRoots(): boolean {
    for (;;) {
      const start = this.#text.indexOf("<", this.#at);
      if (start === -1) return false;
      this.#at = start + 1;
      const next = this.#text[this.#at];
      if (next === "!") {
        this.#skipComment();
      } else if (next === "/") {
        this.#fail(
          "Element not opened.",
          this.#at,
          "remove this closing tag or add the opening one before it",
        );
      } else {
        this.#openElement(start);
        return true;
      }
    }
  }

  /** Reads the content up to the next tag and takes that tag. */
  #readContent(current: OpenElement): void {
    for (;;) {
      const start = this.#text.indexOf("<", this.#at);
      const end = start === -1 ? this.#text.length : start;
      this.#keepContent(current, this.#text.slice(this.#at, end));
      if (start === -1) this.#failAtEnd();
      this.#at = start + 1;
      // A comment is looked for before the backslash counts: `\<!` opens one all the same.
      if (this.#text[this.#at] === "!") {
        this.#skipComment();
      } else if (current.escaped) {
        current.escaped = false;
        this.#keepContent(current, "<");
      } else if (this.#text[this.#at] === "/") {
        this.#at += 1;
        this.#closeElement(current);
        return;
      } else {
        this.#openElement(start);
        return;
      }
    }
  }

  #keepContent(current: OpenElement, piece: string): void {
    if (current.content.length + piece.length >= TOKEN_BYTES_MAX) {
      if (!this.#truncate) this.#failOverflow(this.#at + TOKEN_BYTES_MAX - current.content.length);
      current.content += piece.slice(0, TOKEN_BYTES_MAX - 1 - current.content.length);
    } else {
      current.content += piece;
    }
    let backslashes = 0;
    while (backslashes < piece.length && piece[piece.length - 1 - backslashes] === "\\") backslashes += 1;
    const carried = backslashes === piece.length && current.escaped;
    current.escaped = (backslashes % 2 === 1) !== carried;
  }

  #openElement(start: number): void {
    const position = this.#positionAt(start);
    if (this.#open.length >= DEPTH_MAX) {
      this.#fail("Max recursion level reached", start, `at most ${DEPTH_MAX} elements inside each other`);
    }
    const tag = this.#readTagText(UNTIL_NAME_END);
    const attributes: XmlAttribute[] = [];
    // A `/` at the end of the name closes the element, but its attributes, if any, are still read.
    const closedByName = tag.endsWith("/");
    const closedByAttributes = this.#text[this.#at] !== ">" && this.#readAttributes(attributes);
    if (!closedByAttributes) this.#at += 1;
    else if (this.#text[this.#at] === ">") this.#at += 1;
    const element = {
      name: closedByName ? tag.slice(0, -1) : tag,
      attributes,
      children: [],
      position,
      content: "",
      contentPosition: this.#positionAt(this.#at),
      escaped: false,
    };
    this.#open.push(element);
    if (closedByName || closedByAttributes) this.#finishElement(element);
  }

  #closeElement(current: OpenElement): void {
    const closingName = this.#readTagText(UNTIL_CLOSING_END);
    if (closingName !== current.name) {
      const placeholder = PLACEHOLDER.test(current.name)
        ? `; if <${current.name}> is a placeholder of a guide, write your own value instead`
        : "";
      const expected = `expected </${current.name}> for the element of line ${current.position.line}${placeholder}`;
      this.#fail(`Element '${current.name}' not closed.`, this.#at, expected);
    }
    this.#at += 1;
    this.#finishElement(current);
  }

  #finishElement({ name, attributes, content, contentPosition, children, position }: OpenElement): void {
    this.#open.pop();
    const parent = this.#open.at(-1);
    const siblings = parent === undefined ? this.#roots : parent.children;
    siblings.push({ name, attributes, content: cutAtNul(content), contentPosition, children, position });
    if (parent === undefined) return;
    // Only the text after the last child is kept.
    parent.content = "";
    parent.contentPosition = this.#positionAt(this.#at);
  }

  /** The name of an opening or closing tag; comments inside it are dropped, any other `<` belongs to it. */
  #readTagText(until: RegExp): string {
    let name = "";
    for (;;) {
      const start = this.#at;
      const piece = this.#take(until);
      if (name.length + piece.length >= TOKEN_BYTES_MAX)
        this.#failOverflow(start + TOKEN_BYTES_MAX - name.length);
      name += piece;
      if (this.#at >= this.#text.length) this.#failAtEnd();
      if (this.#text[this.#at] !== "<") return cutAtNul(name);
      this.#at += 1;
      if (this.#text[this.#at] === "!") this.#skipComment();
      else name += "<";
    }
  }

  /** Reads up to the end of the tag; true when a `/` closed the element. Leaves the reader on or behind that end. */
  #readAttributes(attributes: XmlAttribute[]): boolean {
    for (;;) {
      this.#take(BLANKS);
      const start = this.#at;
      const name = cutAtNul(this.#take(UNTIL_ATTRIBUTE_NAME_END));
      this.#checkAttributeLength(name, start);
      const end = this.#text[this.#at];
      if (end === undefined) this.#failInAttribute();
      if (end !== "=") {
        if (this.#at > start)
          this.#fail(`Attribute '${name}' has no value.`, this.#at, `expected ${name}="..."`);
        if (end === "/") this.#at += 1;
        return end === "/";
      }
      if (attributes.some((attribute) => attribute.name === name)) {
        this.#fail(`Attribute '${name}' already defined.`, this.#at, "remove one of the two");
      }
      if (attributes.length >= ATTRIBUTES_MAX) {
        this.#fail("Too many attributes.", this.#at, `at most ${ATTRIBUTES_MAX} in one element`);
      }
      const position = this.#positionAt(start);
      this.#at += 1;
      attributes.push({ name, value: this.#readAttributeValue(name), position });
      if (this.#checkAfterValue(name, attributes.at(-1)?.value ?? "")) return true;
      if (this.#text[this.#at] === ">") return false;
    }
  }

  #readAttributeValue(name: string): string {
    this.#take(BLANKS);
    const quote = this.#text[this.#at];
    if (quote !== '"' && quote !== "'") {
      this.#fail(`Attribute '${name}' not followed by a " or '.`, this.#at, `expected ${name}="..."`);
    }
    this.#at += 1;
    const start = this.#at;
    const value = this.#take(quote === '"' ? UNTIL_DOUBLE_QUOTE : UNTIL_SINGLE_QUOTE);
    this.#checkAttributeLength(name, start);
    const end = this.#text[this.#at];
    if (end === undefined) this.#failInAttribute();
    if (end === ">") {
      this.#fail(`Attribute '${name}' not closed.`, this.#at, `expected ${quote}; a value cannot hold a >`);
    }
    this.#at += 1;
    return cutAtNul(value);
  }

  /** Only a blank, `>` or `/` may follow the closing quote; true when a `/` closed the element. */
  #checkAfterValue(name: string, value: string): boolean {
    const next = this.#text[this.#at];
    if (next === "/") {
      this.#at += 1;
      return true;
    }
    if (next === undefined || !" \t\n\v\f\r>".includes(next)) {
      this.#fail(
        `Bad attribute closing for '${name}'='${value}'.`,
        this.#at,
        "expected a blank, > or /> here",
      );
    }
    return false;
  }

  /** Of the name or value that was just taken. */
  #checkAttributeLength(name: string, start: number): void {
    if (this.#at - start < TOKEN_BYTES_MAX) return;
    const reason = `Overflow attempt at attribute '${name.slice(0, 20)}'.`;
    this.#fail(reason, start + TOKEN_BYTES_MAX, `a name or value has less than ${TOKEN_BYTES_MAX} bytes`);
  }

  /** From the `!` behind a `<` to behind the next `!>` or `-->`. */
  #skipComment(): void {
    const bodyStart = this.#at + 1;
    let end = bodyStart;
    for (;;) {
      end = this.#text.indexOf(">", end);
      if (end === -1) {
        const position = this.#positionAt(bodyStart - 2);
        throw new XmlError("Comment not closed.", this.#lineAtEnd(), position, "expected --> or !>");
      }
      const closed =
        (end > bodyStart && this.#text[end - 1] === "!") ||
        (end > bodyStart + 1 && this.#text.startsWith("--", end - 2));
      end += 1;
      if (closed) break;
    }
    this.#at = end;
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    pattern.test(this.#text);
    const taken = this.#text.slice(this.#at, pattern.lastIndex);
    this.#at = pattern.lastIndex;
    return taken;
  }

  #positionAt(offset: number): SourcePosition {
    while (this.#lineEnd < offset) {
      this.#line += 1;
      this.#lineStart = this.#lineEnd + 1;
      this.#lineEnd = this.#endOfLine(this.#lineStart);
    }
    return { file: this.#file, line: this.#line, column: offset - this.#lineStart + 1 };
  }

  #endOfLine(start: number): number {
    const newline = this.#text.indexOf("\n", start);
    return newline === -1 ? this.#text.length : newline;
  }

  #lineAtEnd(): number {
    return this.#positionAt(this.#text.length).line;
  }

  /** The byte at `offset` made the text unreadable. The peer has counted it already when it is a line feed. */
  #fail(reason: string, offset: number, expected: string): never {
    const position = this.#positionAt(offset);
    const line = position.line + (this.#text[offset] === "\n" ? 1 : 0);
    throw new XmlError(reason, line, position, expected);
  }

  #failOverflow(offset: number): never {
    this.#fail("String overflow.", offset, `a name or content has less than ${TOKEN_BYTES_MAX} bytes`);
  }

  #failAtEnd(): never {
    const open = this.#open.map(({ name, position }) => `</${name}> of line ${position.line}`);
    const expected = open.length === 0 ? "expected >" : `missing ${open.slice(-3).reverse().join(", ")}`;
    this.#fail("End of file and some elements were not closed.", this.#text.length, expected);
  }

  #failInAttribute(): never {
    this.#fail("End of file while reading an attribute.", this.#text.length, "expected the end of the tag");
  }
}

/** The peer holds every text as a C string. */
function cutAtNul(text: string): string {
  const nul = text.indexOf("\0");
  return nul === -1 ? text : text.slice(0, nul);
}
