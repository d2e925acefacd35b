/**
 * Which of many literals may occur in a text, found in one pass (Aho and Corasick, 1975).
 *
 * Most patterns of a rule set cannot match without some literal. One pass over the text tells which literals it can hold; a pattern whose
 * literals are all missing is then passed over for the price of an array look-up. Literals and texts compare without ASCII case.
 */
import assert from "node:assert/strict";
import { foldByte } from "#formats/patterns/fold.ts";

/** Shorter literals occur in nearly every text and tell nothing. */
export const LITERAL_BYTES_MIN = 3;
/** Of longer literals only the head is looked for: it tells as much, and the table is less than half as large. */
const HEAD_BYTES_MAX = 12;
/** Two halves of a longer text are walked at once, which hides the time of half the look-ups; copying it pays from there. */
const HALVED_BYTES_MIN = 96;
const NOT_COMPILED = new Int32Array(0);

/** Where a text is copied to: bytes of an array cost a third of those of a string. One for all: no scan runs inside another. */
let scratch = Buffer.allocUnsafeSlow(64 * 1024);

function copyOf(text: string): Buffer {
  if (text.length > scratch.length) scratch = Buffer.allocUnsafeSlow(text.length * 2);
  scratch.write(text, "latin1");
  return scratch;
}

type Node = { readonly next: Map<number, number>; fail: number; literals: number[] };

export class LiteralScanner {
  readonly #idOfLiteral = new Map<string, number>();
  /** Of each byte the column of the table; bytes that no literal has share one. */
  readonly #columnOf = new Uint8Array(256);
  #columns = 1;
  /** The next row for a row and a column, already multiplied by the number of columns; rows from `#firstHit` on end a literal. */
  #table: Int32Array = NOT_COMPILED;
  #firstHit = 0;
  #literalsOfRow: readonly (readonly number[])[] = [];
  /** The number of the text in which a literal was seen last. */
  #seenIn = new Uint32Array(0);
  #seen: number[] = [];
  #text = "";
  #textNumber = 0;
  #scanned = false;

  /** Ids for `sees`; null when the literals are too short to tell anything. Before `compile`. */
  idsOf(literals: readonly string[] | null): readonly number[] | null {
    if (literals === null || literals.some((literal) => literal.length < LITERAL_BYTES_MIN)) return null;
    return literals.map((whole) => {
      const literal = whole.slice(0, HEAD_BYTES_MAX);
      let id = this.#idOfLiteral.get(literal);
      if (id === undefined) {
        id = this.#idOfLiteral.size;
        this.#idOfLiteral.set(literal, id);
      }
      return id;
    });
  }

  compile(): void {
    const literals = [...this.#idOfLiteral.keys()];
    this.#seenIn = new Uint32Array(literals.length);
    const bytes = new Set(literals.flatMap((literal) => [...Buffer.from(literal, "latin1")]));
    for (const byte of bytes) this.#columnOf[byte] = this.#columns++;
    for (let byte = 0x41; byte <= 0x5a; byte++) this.#columnOf[byte] = this.#columnOf[foldByte(byte)] ?? 0;
    this.#fillTable(withFailures(trieOf(literals)));
  }

  /** The text that is asked about from now on. */
  begin(text: string): void {
    if (this.#text === text) return;
    this.#text = text;
    this.#scanned = false;
  }

  /** False when the text holds none of the literals. */
  sees(ids: readonly number[]): boolean {
    if (!this.#scanned) this.#scan();
    const seenIn = this.#seenIn;
    const textNumber = this.#textNumber;
    for (let index = 0; index < ids.length; index++) {
      const id = ids[index];
      if (id !== undefined && seenIn[id] === textNumber) return true;
    }
    return false;
  }

  /** The ids of all literals that the text may hold, each once; valid until the next text. */
  get seen(): readonly number[] {
    if (!this.#scanned) this.#scan();
    return this.#seen;
  }

  #scan(): void {
    this.#scanned = true;
    this.#textNumber = (this.#textNumber + 1) >>> 0;
    this.#seen.length = 0;
    if (this.#text.length < HALVED_BYTES_MIN) this.#scanShort(this.#text);
    else this.#scanHalves(copyOf(this.#text), this.#text.length);
  }

  #scanShort(text: string): void {
    const table = this.#table;
    const columnOf = this.#columnOf;
    const firstHit = this.#firstHit;
    let row = 0;
    for (let index = 0; index < text.length; index++) {
      row = table[row + (columnOf[text.charCodeAt(index)] ?? 0)] ?? 0;
      if (row >= firstHit) this.#hit(row);
    }
  }

  /** The halves overlap, so that every head lies in one of them. */
  #scanHalves(text: Buffer, length: number): void {
    const table = this.#table;
    const columnOf = this.#columnOf;
    const firstHit = this.#firstHit;
    const half = (length + HEAD_BYTES_MAX) >>> 1;
    const second = length - half;
    let row = 0;
    let secondRow = 0;
    for (let index = 0; index < half; index++) {
      row = table[row + (columnOf[text[index] ?? 0] ?? 0)] ?? 0;
      secondRow = table[secondRow + (columnOf[text[second + index] ?? 0] ?? 0)] ?? 0;
      if (row >= firstHit) this.#hit(row);
      if (secondRow >= firstHit) this.#hit(secondRow);
    }
  }

  #hit(row: number): void {
    const literals = this.#literalsOfRow[(row - this.#firstHit) / this.#columns] ?? [];
    for (const id of literals) {
      if (this.#seenIn[id] === this.#textNumber) continue;
      this.#seenIn[id] = this.#textNumber;
      this.#seen.push(id);
    }
  }

  /** Rows that end a literal come last, so that one comparison tells them. */
  #fillTable(nodes: readonly Node[]): void {
    const plain = nodes.flatMap((node, index) => (node.literals.length === 0 ? [index] : []));
    const hits = nodes.flatMap((node, index) => (node.literals.length === 0 ? [] : [index]));
    const order = [...plain, ...hits];
    assert(order[0] === 0, "the root ends no literal");
    const rowOf = new Int32Array(nodes.length);
    for (const [place, index] of order.entries()) rowOf[index] = place * this.#columns;
    this.#firstHit = plain.length * this.#columns;
    this.#literalsOfRow = hits.map((index) => nodes[index]?.literals ?? []);
    this.#table = new Int32Array(nodes.length * this.#columns);
    // Nodes come in order of depth: a failure row is complete before it is copied.
    for (const [index, node] of nodes.entries()) {
      const row = rowOf[index] ?? 0;
      if (index > 0) {
        const failRow = rowOf[node.fail] ?? 0;
        this.#table.copyWithin(row, failRow, failRow + this.#columns);
      }
      for (const [byte, child] of node.next)
        this.#table[row + (this.#columnOf[byte] ?? 0)] = rowOf[child] ?? 0;
    }
  }
}

/** The trie of the literals in order of depth; the root first. */
function trieOf(literals: readonly string[]): Node[] {
  const newNode = (): Node => ({ next: new Map(), fail: 0, literals: [] });
  const nodes = [newNode()];
  const longest = Math.max(0, ...literals.map((literal) => literal.length));
  const at = literals.map(() => 0);
  for (let depth = 0; depth < longest; depth++) {
    for (const [id, literal] of literals.entries()) {
      if (depth >= literal.length) continue;
      const byte = literal.charCodeAt(depth);
      const node = nodes[at[id] ?? 0];
      let child = node?.next.get(byte);
      if (child === undefined) {
        child = nodes.push(newNode()) - 1;
        node?.next.set(byte, child);
      }
      at[id] = child;
      if (depth === literal.length - 1) nodes[child]?.literals.push(id);
    }
  }
  return nodes;
}

/** Sets where each node goes on when no child takes the next byte, and gives it the literals that end there too. */
function withFailures(nodes: Node[]): readonly Node[] {
  for (const [index, node] of nodes.entries()) {
    for (const [byte, child] of node.next) {
      const below = nodes[child];
      if (below === undefined || index === 0) continue;
      let fail = node.fail;
      while (fail !== 0 && nodes[fail]?.next.has(byte) !== true) fail = nodes[fail]?.fail ?? 0;
      below.fail = nodes[fail]?.next.get(byte) ?? 0;
      below.literals.push(...(nodes[below.fail]?.literals ?? []));
    }
  }
  return nodes;
}
