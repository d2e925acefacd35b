/** The condition `q` of a list: clauses joined by `;` (and) and `,` (or), of which `;` binds closer, and brackets. Pure. */
import { apiError } from "./answers.ts";
import { invalid } from "./arguments.ts";
import { ApiRefusal } from "./callable.ts";
import { QUERY_CHARS_MAX, QUERY_DEPTH_MAX } from "./limits.ts";

export type Clause = { readonly field: string; readonly operator: string; readonly value: string };
export type Where = Clause | { readonly anyOf: readonly Where[] } | { readonly allOf: readonly Where[] };

/** A value may have brackets, in pairs and not within each other. */
const CLAUSE = /([\w.-]+)(!=|=|<|>|~)((?:[^;,()]|\([^;,()]*\))+)/y;

/** Null: everything is wanted. */
export function readWhere(text: string): Where | null {
  if (text === "") return null;
  if (text.length > QUERY_CHARS_MAX) throw invalid("q");
  return new WhereReader(text).read();
}

export function clausesOf(where: Where | null): readonly Clause[] {
  if (where === null) return [];
  if ("field" in where) return [where];
  return ("anyOf" in where ? where.anyOf : where.allOf).flatMap(clausesOf);
}

export function meets(where: Where, holds: (clause: Clause) => boolean): boolean {
  if ("anyOf" in where) return where.anyOf.some((part) => meets(part, holds));
  if ("allOf" in where) return where.allOf.every((part) => meets(part, holds));
  return holds(where);
}

class WhereReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): Where {
    const where = this.#anyOf(0);
    if (this.#at < this.#text.length) throw this.#refusal();
    return where;
  }

  #anyOf(depth: number): Where {
    const anyOf = [this.#allOf(depth)];
    while (this.#skips(",")) anyOf.push(this.#allOf(depth));
    return { anyOf };
  }

  #allOf(depth: number): Where {
    const allOf = [this.#one(depth)];
    while (this.#skips(";")) allOf.push(this.#one(depth));
    return { allOf };
  }

  #one(depth: number): Where {
    if (!this.#skips("(")) return this.#clause();
    if (depth === QUERY_DEPTH_MAX) throw this.#refusal();
    const where = this.#anyOf(depth + 1);
    if (!this.#skips(")")) throw this.#refusal();
    return where;
  }

  #clause(): Clause {
    CLAUSE.lastIndex = this.#at;
    const [whole = "", field = "", operator = "", value = ""] = CLAUSE.exec(this.#text) ?? [];
    if (whole === "") throw this.#refusal();
    this.#at += whole.length;
    return { field, operator, value: value.toLowerCase() };
  }

  #skips(sign: string): boolean {
    if (this.#text[this.#at] !== sign) return false;
    this.#at++;
    return true;
  }

  #refusal(): ApiRefusal {
    return new ApiRefusal(apiError(1407, this.#text));
  }
}
