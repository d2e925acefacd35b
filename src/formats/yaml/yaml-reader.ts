/**
 * Reads a YAML document by expected types and reports every mistake where it stands. It knows nothing of what the documents are about.
 *
 * Texts that it gives are latin1 (the UTF-8 bytes of the text, one char a byte), as the engine takes them.
 */
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type Scalar } from "yaml";
import type { Problem, SourcePosition } from "#formats/source-position.ts";

/** What a mapping, a list or a document may hold; null stands for an absent or unreadable one. */
export type YamlNode = Node | null;

export type YamlMapping = ReadonlyMap<string, { readonly key: YamlNode; readonly value: YamlNode }>;

export type NumberRange = { readonly min: number; readonly max: number; readonly whole: boolean };

/** Behind the first mistakes of the syntax come those that follow from them. */
const SYNTAX_PROBLEMS_MAX = 10;

function latin1(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

export class YamlReader {
  readonly root: YamlNode;
  readonly #file: string;
  readonly #lines: readonly string[];
  readonly #counter = new LineCounter();
  readonly #resolve: (node: unknown) => YamlNode;
  readonly #problems: Problem[] = [];

  constructor(bytes: Uint8Array, file: string) {
    this.#file = file;
    const text = Buffer.from(bytes).toString("utf8");
    this.#lines = text.split("\n");
    const document = parseDocument(text, { lineCounter: this.#counter, prettyErrors: false });
    this.#resolve = (node) => {
      if (isAlias(node)) return node.resolve(document) ?? null;
      return isMap(node) || isSeq(node) || isScalar(node) ? node : null;
    };
    for (const { pos, message } of document.errors.slice(0, SYNTAX_PROBLEMS_MAX)) {
      this.#problems.push(this.#problem(this.#positionAt(pos[0]), latin1(message), ""));
    }
    this.root = document.errors.length === 0 ? this.#resolve(document.contents) : null;
  }

  get problems(): readonly Problem[] {
    return this.#problems;
  }

  /** The first byte of the file when nothing better is known. */
  positionOf(node: YamlNode): SourcePosition {
    return this.#positionAt(node?.range?.[0] ?? 0);
  }

  refuse(node: YamlNode, message: string, expected: string): void {
    this.#problems.push(this.#problem(this.positionOf(node), message, expected));
  }

  /** Null when it is no mapping. Keys that are not among `known` are reported. `of` is where a missing value would stand. */
  mapping(node: YamlNode, what: string, known: readonly string[] | null): YamlMapping | null {
    if (!isMap(node)) {
      this.refuse(node, `${what} is no mapping`, known === null ? "name: value" : `keys ${known.join(", ")}`);
      return null;
    }
    const entries = new Map<string, { key: YamlNode; value: YamlNode }>();
    for (const { key, value } of node.items) {
      const keyNode = this.#resolve(key);
      const name = isScalar(keyNode) ? latin1(textOf(keyNode)) : "";
      if (known !== null && !known.includes(name)) {
        this.refuse(keyNode, `unknown key '${name}' in ${what}`, `one of ${known.join(", ")}`);
      } else {
        entries.set(name, { key: keyNode, value: this.#resolve(value) });
      }
    }
    return entries;
  }

  list(node: YamlNode, what: string): readonly YamlNode[] {
    if (isSeq(node) && node.items.length > 0) return node.items.map(this.#resolve);
    this.refuse(node, `${what} is no list with something in it`, `${what}: [ ... ]`);
    return [];
  }

  /** A scalar as typed, so that `22` and `"22"` are the same text; null when it is none or is empty. */
  text(node: YamlNode, what: string): string | null {
    if (isScalar(node) && node.value !== null) {
      const text = textOf(node);
      if (text !== "") return latin1(text);
    }
    this.refuse(node, `${what} is no text`, "a text that is not empty");
    return null;
  }

  number(node: YamlNode, what: string, { min, max, whole }: NumberRange): number | null {
    const inRange = (value: number) => value >= min && value <= max && (!whole || Number.isInteger(value));
    if (isScalar(node) && typeof node.value === "number" && inRange(node.value)) return node.value;
    const expected = `a ${whole ? "whole " : ""}number from ${min} to ${max}`;
    this.refuse(node, `${what} is not ${expected}`, expected);
    return null;
  }

  truth(node: YamlNode, what: string): boolean | null {
    if (isScalar(node) && typeof node.value === "boolean") return node.value;
    this.refuse(node, `${what} is neither true nor false`, "true or false");
    return null;
  }

  #positionAt(offset: number): SourcePosition {
    const { line, col } = this.#counter.linePos(offset);
    const before = (this.#lines[line - 1] ?? "").slice(0, Math.max(0, col - 1));
    return { file: this.#file, line: Math.max(1, line), column: Buffer.byteLength(before) + 1 };
  }

  #problem(position: SourcePosition, message: string, expected: string): Problem {
    return { severity: "error", position, message, expected };
  }
}

/** Written as `null`, `~` or nothing. */
export function isNull(node: YamlNode): boolean {
  return node === null || (isScalar(node) && node.value === null);
}

/** As it was typed: `001` is no number here. */
function textOf({ value, source }: Scalar): string {
  return typeof value === "string" ? value : (source ?? String(value));
}
