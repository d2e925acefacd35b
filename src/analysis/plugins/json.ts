/**
 * JSON_Decoder: the members of a JSON document become fields, nested names joined by dots.
 *
 * Pure. One pass collects the fields and nothing is handed over before the whole document has proved to be JSON: a
 * broken one gives no field. Values are read by `cjson.ts`.
 */
import { fixedText } from "./c-number.ts";
import { CJsonReader, type CJsonValue, isInt32, JSON_DEPTH_MAX } from "./cjson.ts";
import { prettyCJsonWithin } from "./cjson-print.ts";
import { type MemberName, MemberNames } from "./member-names.ts";
import type { FieldSink } from "./sink.ts";

/**
 * Names and printed arrays of one document together. Nesting makes both far longer than the text: a deep name is
 * repeated for each of its members, a deep object is indented. The peer has no limit; ours is four full messages.
 */
export const EXPANSION_CHARS_MAX = 262_144;

/** The peer's buffer for an array as comma-separated text (wazuh v4.14.7: OS_MAXSTR). */
const CSV_BYTES_LIMIT = 65_536;

const OPEN_ARRAY = 0x5b;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

export interface JsonOptions {
  /** `json_null_field`. `empty` is an old word for `string`. */
  readonly nulls: "string" | "discard" | "empty";
  /** `json_array_structure`. */
  readonly arrays: "array" | "csv";
}

export const JSON_OPTIONS_DEFAULT: JsonOptions = { nulls: "string", arrays: "array" };

/**
 * `fields_dropped`: the sink's table was full (the peer logs `Too many fields for JSON decoder.`), or the document went
 * over `EXPANSION_CHARS_MAX`. The fields before were set.
 */
export type JsonOutcome = "decoded" | "fields_dropped" | "not_json";

/** `text` is latin1 and may go on after the document. */
export function decodeJson(
  text: string,
  sink: FieldSink,
  options: JsonOptions = JSON_OPTIONS_DEFAULT,
): JsonOutcome {
  const document = new Flattener(text, options);
  if (!document.read()) return "not_json";
  let dropped = document.cut;
  for (const [index, member] of document.members.entries()) {
    const value = document.values[index] ?? "";
    const { name } = member;
    const staticField = name === "user" && !sink.has("dstuser") ? "dstuser" : member.staticField;
    if (staticField !== null) sink.setStatic(staticField, value);
    else if (!sink.addDynamic(name, value)) dropped = true;
  }
  return dropped ? "fields_dropped" : "decoded";
}

const memberNames = new MemberNames();

/** Collects members and values of one document. */
class Flattener {
  readonly members: MemberName[] = [];
  readonly values: string[] = [];
  /** Fields were left out because of `EXPANSION_CHARS_MAX`. */
  cut = false;
  readonly #reader: CJsonReader;
  readonly #options: JsonOptions;
  #expansionChars = 0;

  constructor(text: string, options: JsonOptions) {
    this.#reader = new CJsonReader(text);
    this.#options = options;
  }

  /** False when the text is no JSON. A document that is no object is fine and has no fields. */
  read(): boolean {
    if (this.#reader.code() !== OPEN_OBJECT) return this.#reader.value(0) !== undefined;
    return this.#object(memberNames.begin(), 0);
  }

  #object(object: MemberName, depth: number): boolean {
    const reader = this.#reader;
    if (depth >= JSON_DEPTH_MAX) return false;
    if (!reader.enters(CLOSE_OBJECT)) return true;
    let member: MemberName | null = null;
    do {
      member = this.#memberAfter(member, object);
      if (member === null || !this.#value(member, depth + 1)) return false;
    } while (reader.continues());
    return reader.leaves(CLOSE_OBJECT);
  }

  /** The next member of the object, the first one after null. Null when there is no name. */
  #memberAfter(previous: MemberName | null, object: MemberName): MemberName | null {
    const expected = previous === null ? object.first : previous.next;
    if (expected !== null && expected.key !== null && this.#reader.skips(expected.key)) return expected;
    const name = this.#reader.name();
    if (name === undefined) return null;
    const member = memberNames.memberOf(object, name);
    if (previous === null) object.first = member;
    else previous.next = member;
    return member;
  }

  #value(member: MemberName, depth: number): boolean {
    const reader = this.#reader;
    if (reader.code() === OPEN_OBJECT) return this.#object(member, depth);
    if (reader.code() === OPEN_ARRAY) {
      const elements = reader.array(depth);
      if (elements === undefined) return false;
      if (this.#options.arrays === "csv") this.#addCsv(member, elements);
      else this.#addPretty(member, elements);
      return true;
    }
    const value = reader.value(depth);
    if (value === undefined) return false;
    if (value !== null || this.#options.nulls !== "discard") this.#add(member, scalarText(value) ?? "");
    return true;
  }

  #addPretty(member: MemberName, elements: CJsonValue[]): void {
    const charsLeft = EXPANSION_CHARS_MAX - this.#expansionChars;
    const text = prettyCJsonWithin(elements, charsLeft);
    if (text === null) {
      this.cut = true;
      return;
    }
    this.#expansionChars += text.length;
    this.#add(member, text);
  }

  #addCsv(member: MemberName, elements: readonly CJsonValue[]): void {
    let text = "";
    for (const [index, element] of elements.entries()) {
      const scalar = scalarText(element);
      if (scalar === null) continue;
      text += scalar;
      // The peer wants room for a comma after the last element too.
      if (text.length + 1 >= CSV_BYTES_LIMIT) return;
      if (index < elements.length - 1) text += ",";
    }
    if (text !== "") this.#add(member, text);
  }

  #add(member: MemberName, value: string): void {
    const { name } = member;
    if (this.#expansionChars + name.length > EXPANSION_CHARS_MAX) {
      this.cut = true;
      return;
    }
    this.#expansionChars += name.length;
    this.members.push(member);
    this.values.push(value);
  }
}

/** Null for an array or an object. */
function scalarText(value: CJsonValue): string | null {
  switch (typeof value) {
    case "string":
      return value;
    case "number":
      return isInt32(value) ? String(value === 0 ? 0 : value) : fixedText(value);
    case "boolean":
      return String(value);
    default:
      return value === null ? "null" : null;
  }
}
