/**
 * The string of agent-info and agent-groups, element by element: `{…, "chunks": [<element>, …]}`, or since 4.13 for agent-info
 * `{…, "chunks": {"<list>": [<element>, …], …}}`.
 *
 * Pure. Parsed whole, tens of megabytes would hold up everything else of the thread; here each step is bounded by the largest element.
 */
import { type JsonValue, parseJson } from "#formats/wire/cluster/json-value.ts";

/** One agent, or one answer of the peer's database, which has at most 64 KiB before it is escaped. */
export const ELEMENT_BYTES_MAX = 1024 * 1024;
/** Lists in "chunks", and what stands beside it. */
const MEMBERS_MAX = 64;

export type ChunkStep =
  /** `list` is null when "chunks" is itself a list. */
  | { readonly kind: "element"; readonly list: string | null; readonly value: JsonValue }
  | { readonly kind: "end" }
  /** Nothing more can be read. */
  | { readonly kind: "malformed" };

const CODE = {
  quote: 0x22,
  comma: 0x2c,
  colon: 0x3a,
  backslash: 0x5c,
  openBracket: 0x5b,
  closeBracket: 0x5d,
  openBrace: 0x7b,
  closeBrace: 0x7d,
} as const;

const END: ChunkStep = { kind: "end" };
const MALFORMED: ChunkStep = { kind: "malformed" };

export class ChunkReader {
  readonly #bytes: Buffer;
  #at = 0;
  #state: "start" | "lists" | "elements" | "end" | "malformed" = "start";
  #list: string | null = null;
  #lists = 0;
  /** Nothing of the list or object has been read, so no comma is to come. */
  #isFirst = true;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Begun so far, the empty ones too. */
  get lists(): number {
    return this.#lists;
  }

  next(): ChunkStep {
    for (;;) {
      switch (this.#state) {
        case "start":
          this.#state = this.#enterChunks();
          break;
        case "lists":
          this.#state = this.#enterList();
          break;
        case "elements": {
          const step = this.#element();
          if (step !== null) return step;
          break;
        }
        case "end":
          return END;
        case "malformed":
          return MALFORMED;
      }
    }
  }

  /** What stands before "chunks" is passed over; what stands behind it is not looked at. */
  #enterChunks(): "lists" | "elements" | "malformed" {
    if (!this.#take(CODE.openBrace)) return "malformed";
    for (let members = 0; members < MEMBERS_MAX; members++) {
      if (members > 0 && !this.#take(CODE.comma)) return "malformed";
      const name = this.#name();
      if (name === null) return "malformed";
      if (name === "chunks") {
        if (this.#take(CODE.openBracket)) return "elements";
        return this.#take(CODE.openBrace) ? "lists" : "malformed";
      }
      if (this.#value() === null) return "malformed";
    }
    return "malformed";
  }

  #enterList(): "elements" | "end" | "malformed" {
    if (this.#take(CODE.closeBrace)) return "end";
    if (this.#list !== null && !this.#take(CODE.comma)) return "malformed";
    this.#list = this.#name();
    this.#isFirst = true;
    if (this.#list === null || ++this.#lists > MEMBERS_MAX) return "malformed";
    return this.#take(CODE.openBracket) ? "elements" : "malformed";
  }

  /** Null at the end of a list. */
  #element(): ChunkStep | null {
    if (this.#take(CODE.closeBracket)) {
      this.#state = this.#list === null ? "end" : "lists";
      return null;
    }
    const isSeparated = this.#isFirst || this.#take(CODE.comma);
    this.#isFirst = false;
    const json = isSeparated ? this.#value() : null;
    const value = json === null ? undefined : parseJson(json);
    if (value !== undefined) return { kind: "element", list: this.#list, value };
    this.#state = "malformed";
    return null;
  }

  #name(): string | null {
    const json = this.#value();
    const value = json === null ? undefined : parseJson(json);
    return typeof value === "string" && this.#take(CODE.colon) ? value : null;
  }

  /** The bytes of one value, whose end was found by its brackets and quotes only; null when there is none. */
  #value(): Buffer | null {
    this.#skipSpace();
    const end = endOfValue(this.#bytes, this.#at);
    if (end === null) return null;
    const value = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return value;
  }

  #take(code: number): boolean {
    this.#skipSpace();
    if (this.#bytes[this.#at] !== code) return false;
    this.#at++;
    return true;
  }

  #skipSpace(): void {
    const end = this.#at + ELEMENT_BYTES_MAX;
    while (this.#at < end && isSpace(this.#bytes[this.#at])) this.#at++;
  }
}

function isSpace(code: number | undefined): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

function endOfValue(bytes: Buffer, start: number): number | null {
  const limit = Math.min(bytes.length, start + ELEMENT_BYTES_MAX);
  let depth = 0;
  for (let at = start; at < limit; at++) {
    switch (bytes[at]) {
      case CODE.quote:
        at = endOfString(bytes, at, limit);
        if (depth === 0) return at < limit ? at + 1 : null;
        break;
      case CODE.openBrace:
      case CODE.openBracket:
        depth++;
        break;
      case CODE.closeBrace:
      case CODE.closeBracket:
        if (depth === 0) return at > start ? at : null;
        if (--depth === 0) return at + 1;
        break;
      case CODE.comma:
        if (depth === 0) return at > start ? at : null;
        break;
    }
  }
  return null;
}

/** Where the closing quote is; `limit` when there is none. */
function endOfString(bytes: Buffer, start: number, limit: number): number {
  for (let at = start + 1; at < limit; at++) {
    const code = bytes[at];
    if (code === CODE.quote) return at;
    if (code === CODE.backslash) at++;
  }
  return limit;
}
