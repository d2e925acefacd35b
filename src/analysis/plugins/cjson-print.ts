/**
 * JSON as the peer's library writes it (cJSON 1.7.18), in latin1 text.
 *
 * Not for documents of our own: those use `JSON`. Recursion is as deep as the value, which `parseCJson()` bounds.
 */
import { generalText } from "./c-number.ts";
import { CJsonObject, type CJsonValue, isInt32 } from "./cjson.ts";

/** cJSON_PrintUnformatted. */
export function printCJson(value: CJsonValue): string {
  return new Printer(false, Number.POSITIVE_INFINITY).print(value) ?? "";
}

/** cJSON_Print: members of objects on lines of their own, elements of arrays on one. */
export function prettyCJson(value: CJsonValue): string {
  return prettyCJsonWithin(value, Number.POSITIVE_INFINITY) ?? "";
}

/** As `prettyCJson()`, or null when the text would be longer: indentation can make it a thousand times as long. */
export function prettyCJsonWithin(value: CJsonValue, charsMax: number): string | null {
  return new Printer(true, charsMax).print(value);
}

/** Prints until the text exceeds its limit. */
class Printer {
  readonly #pretty: boolean;
  readonly #charsMax: number;
  #text = "";

  constructor(pretty: boolean, charsMax: number) {
    this.#pretty = pretty;
    this.#charsMax = charsMax;
  }

  print(value: CJsonValue): string | null {
    this.#value(value, 0);
    return this.#text.length > this.#charsMax ? null : this.#text;
  }

  #value(value: CJsonValue, depth: number): void {
    if (typeof value === "string") this.#text += quoted(value);
    else if (typeof value === "number") this.#text += numberText(value);
    else if (typeof value === "boolean" || value === null) this.#text += String(value);
    else if (value instanceof CJsonObject) this.#object(value, depth);
    else this.#array(value, depth);
  }

  #array(elements: readonly CJsonValue[], depth: number): void {
    this.#text += "[";
    for (const [index, element] of elements.entries()) {
      if (this.#text.length > this.#charsMax) return;
      if (index > 0) this.#text += this.#pretty ? ", " : ",";
      this.#value(element, depth + 1);
    }
    this.#text += "]";
  }

  #object(object: CJsonObject, depth: number): void {
    const lineEnd = this.#pretty ? "\n" : "";
    const indent = this.#pretty ? "\t".repeat(depth + 1) : "";
    const last = object.names.length - 1;
    this.#text += `{${lineEnd}`;
    for (const [index, name] of object.names.entries()) {
      if (this.#text.length > this.#charsMax) return;
      this.#text += `${indent}${quoted(name)}:${this.#pretty ? "\t" : ""}`;
      this.#value(object.values[index] ?? null, depth + 1);
      this.#text += `${index < last ? "," : ""}${lineEnd}`;
    }
    this.#text += `${indent.slice(1)}}`;
  }
}

/** cJSON.c: print_number. */
function numberText(value: number): string {
  if (isInt32(value)) return String(value === 0 ? 0 : value);
  if (!Number.isFinite(value)) return "null";
  const short = generalText(value, 15);
  // Fifteen digits are enough when they miss the value by no more than its own precision.
  const read = Number(short);
  const larger = Math.max(Math.abs(read), Math.abs(value));
  return Math.abs(read - value) <= larger * Number.EPSILON ? short : generalText(value, 17);
}

const TO_ESCAPE = /["\\\u0000-\u001f]/g;
const SHORT_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ["\\", "\\\\"],
  ["\b", "\\b"],
  ["\f", "\\f"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

function quoted(text: string): string {
  return `"${text.replace(TO_ESCAPE, escapeOf)}"`;
}

function escapeOf(char: string): string {
  return SHORT_ESCAPES.get(char) ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
