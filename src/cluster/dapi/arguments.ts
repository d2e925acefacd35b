/** The arguments of a function, read one by one out of plain data. What a function does not know is refused, since it might have been a limit. */
import {
  isObject,
  isTextList,
  type JsonObject,
  type JsonValue,
  memberOf,
} from "#formats/wire/cluster/json-value.ts";
import { CodedError } from "#kernel/errors.ts";

export class Arguments {
  readonly #values: JsonObject;
  readonly #read = new Set<string>();

  constructor(values: JsonObject) {
    this.#values = values;
  }

  /** Null when it is missing or null. Throws `CodedError` `argument_invalid`, as all of them do. */
  text(name: string): string | null {
    const value = this.#take(name);
    if (value === null || typeof value === "string") return value;
    throw invalid(name);
  }

  wantedText(name: string): string {
    const text = this.text(name);
    if (text === null) throw invalid(name);
    return text;
  }

  /** Several texts, or one, or a list with commas between. */
  texts(name: string): readonly string[] | null {
    const value = this.#take(name);
    if (value === null) return null;
    if (typeof value === "string") return value.split(",").map((text) => text.trim());
    if (isTextList(value)) return value;
    throw invalid(name);
  }

  flag(name: string, usual = false): boolean {
    const value = this.#take(name) ?? usual;
    if (typeof value === "boolean") return value;
    throw invalid(name);
  }

  /** A whole number, not negative; null when it is missing or null. */
  count(name: string): number | null {
    const value = this.#take(name);
    if (value === null) return null;
    if (isCount(value)) return value;
    throw invalid(name);
  }

  /** Whole numbers, as such or as texts; null when there are none. */
  numbers(name: string): readonly number[] | null {
    const value = this.#take(name);
    if (value === null) return null;
    const list = Array.isArray(value) ? value : typeof value === "string" ? value.split(",") : [value];
    const numbers = list.map((item) => (typeof item === "string" && item !== "" ? Number(item) : item));
    if (numbers.every(isCount)) return numbers;
    throw invalid(name);
  }

  /** What is null was given, too. */
  isGiven(name: string): boolean {
    return memberOf(this.#values, name) !== undefined;
  }

  object(name: string): JsonObject | null {
    const value = this.#take(name);
    if (value === null || isObject(value)) return value;
    throw invalid(name);
  }

  /** Null when nothing is left over. */
  get unknown(): string | null {
    return Object.keys(this.#values).find((name) => !this.#read.has(name)) ?? null;
  }

  #take(name: string): JsonValue {
    this.#read.add(name);
    return memberOf(this.#values, name) ?? null;
  }
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

export function invalid(name: string): CodedError {
  return new CodedError("argument_invalid", `The argument '${name}' is missing or wrong`);
}
