/**
 * Which of many literals occur in a log, found in one pass (Aho and Corasick, 1975).
 *
 * Most patterns of a rule set cannot match without some literal. One pass over the log tells which literals it holds; a pattern whose
 * literals are all missing is then passed over for the price of an array look-up. Literals and logs compare without ASCII case.
 */
import assert from "node:assert/strict";

/** Shorter literals occur in nearly every log and tell nothing. */
export const LITERAL_BYTES_MIN = 3;
const NOT_COMPILED = new Int32Array(0);

type Node = { readonly next: Map<number, number>; fail: number; literals: number[] };

function foldByte(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}

export class LiteralScanner {
  readonly #idOfLiteral = new Map<string, number>();
  /** Of each byte the column of the table; bytes that no literal has share one. */
  readonly #columnOf = new Uint8Array(256);
  #columns = 1;
  /** The next row for a row and a column, already multiplied by the number of columns; rows from `#firstHit` on end a literal. */
  #table: Int32Array = NOT_COMPILED;
  #firstHit = 0;
  #literalsOfRow: readonly (readonly number[])[] = [];
  /** The number of the log in which a literal was seen last. */
  #seenIn = new Uint32Array(0);
  #seen: number[] = [];
  #log = "";
  #logNumber = 0;
  #scanned = false;

  /** Ids for `sees`; null when the literals are too short to tell anything. Before `compile`. */
  idsOf(literals: readonly string[] | null): readonly number[] | null {
    if (literals === null || literals.some((literal) => literal.length < LITERAL_BYTES_MIN)) return null;
    return literals.map((literal) => {
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

  /** The log that `sees` is about from now on. */
  begin(log: string): void {
    this.#log = log;
    this.#scanned = false;
  }

  /** True when the log holds at least one of the literals. */
  sees(ids: readonly number[]): boolean {
    if (!this.#scanned) this.#scan();
    const seenIn = this.#seenIn;
    const logNumber = this.#logNumber;
    for (let index = 0; index < ids.length; index++) {
      const id = ids[index];
      if (id !== undefined && seenIn[id] === logNumber) return true;
    }
    return false;
  }

  /** The ids of all literals that the log holds, each once; valid until the next log. */
  get seen(): readonly number[] {
    if (!this.#scanned) this.#scan();
    return this.#seen;
  }

  #scan(): void {
    this.#scanned = true;
    this.#logNumber = (this.#logNumber + 1) >>> 0;
    this.#seen.length = 0;
    const log = this.#log;
    const table = this.#table;
    const columnOf = this.#columnOf;
    const firstHit = this.#firstHit;
    let row = 0;
    for (let index = 0; index < log.length; index++) {
      row = table[row + (columnOf[log.charCodeAt(index)] ?? 0)] ?? 0;
      if (row >= firstHit) this.#hit(row);
    }
  }

  #hit(row: number): void {
    const literals = this.#literalsOfRow[(row - this.#firstHit) / this.#columns] ?? [];
    for (const id of literals) {
      if (this.#seenIn[id] === this.#logNumber) continue;
      this.#seenIn[id] = this.#logNumber;
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
