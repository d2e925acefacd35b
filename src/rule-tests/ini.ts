/**
 * Reads `.ini` files by the rules of Python's RawConfigParser with `strict` off and a dictionary in which a key that occurs again in
 * its section adds lines to its value: the reader of the peer's rule tests (wazuh v4.14.7: ruleset/testing/runtests.py).
 *
 * Pure; latin1 text. Every wrong line is reported.
 */
import type { Problem, SourcePosition } from "#formats/source-position.ts";

export type IniEntry = { readonly value: string; readonly position: SourcePosition };

export type IniSection = {
  readonly name: string;
  readonly position: SourcePosition;
  /** Keys in lower case, in the order of their first occurrence. */
  readonly entries: ReadonlyMap<string, IniEntry>;
};

export type IniFile = { readonly sections: readonly IniSection[]; readonly problems: readonly Problem[] };

/** Its entries stand in every section that has none of that name. */
const DEFAULT_SECTION = "DEFAULT";

const SECTION = /^\[(.+)\]/;
const ENTRY = /^(.*?)[ \t]*[=:][ \t]*(.*)$/;
/** What Python's `str.strip()` takes away; JavaScript's `trim()` would also eat the byte 0xA0. */
const BLANK_ENDS = /^[\t-\r\x1c-\x20]+|[\t-\r\x1c-\x20]+$/g;
const BLANK_END = /[\t-\r\x1c-\x20]+$/;

type OpenEntry = { readonly lines: string[]; readonly position: SourcePosition };
type OpenSection = {
  readonly name: string;
  readonly position: SourcePosition;
  readonly entries: Map<string, OpenEntry>;
};

function strip(text: string): string {
  return text.replace(BLANK_ENDS, "");
}

class Reader {
  readonly #file: string;
  readonly #sections = new Map<string, OpenSection>();
  readonly #problems: Problem[] = [];
  #section: OpenSection | null = null;
  #entry: OpenEntry | null = null;
  /** Of the last line that was no continuation: a line further in belongs to the value above. */
  #indent = 0;

  constructor(file: string) {
    this.#file = file;
  }

  line(text: string, lineNumber: number): void {
    const value = strip(text);
    if (value === "") {
      this.#entry?.lines.push("");
      return;
    }
    if (value.startsWith("#") || value.startsWith(";")) return;
    const indent = text.search(/[^\t-\r\x1c-\x20]/);
    if (this.#entry !== null && indent > this.#indent) {
      this.#entry.lines.push(value);
      return;
    }
    this.#indent = indent;
    this.#head(value, { file: this.#file, line: lineNumber, column: indent + 1 });
  }

  #head(value: string, position: SourcePosition): void {
    const name = SECTION.exec(value)?.[1];
    if (name !== undefined) {
      this.#section = this.#sections.get(name) ?? { name, position, entries: new Map() };
      this.#sections.set(name, this.#section);
      this.#entry = null;
      return;
    }
    const found = ENTRY.exec(value);
    const key = found?.[1]?.toLowerCase() ?? "";
    if (this.#section === null) this.#refuse(position, "line before the first section", "[name]");
    else if (found === null || key === "") this.#refuse(position, "line without a key", "key = value");
    else this.#add(this.#section, key, found[2] ?? "", position);
  }

  #add(section: OpenSection, key: string, value: string, position: SourcePosition): void {
    this.#entry = section.entries.get(key) ?? { lines: [], position };
    section.entries.set(key, this.#entry);
    this.#entry.lines.push(value);
  }

  #refuse(position: SourcePosition, message: string, expected: string): void {
    this.#problems.push({ severity: "error", position, message, expected });
  }

  finish(): IniFile {
    const shared = this.#sections.get(DEFAULT_SECTION)?.entries ?? new Map<string, OpenEntry>();
    const sections = [...this.#sections.values()]
      .filter(({ name }) => name !== DEFAULT_SECTION)
      .map(({ name, position, entries }) => ({ name, position, entries: joined([...shared, ...entries]) }));
    return { sections, problems: this.#problems };
  }
}

function joined(entries: readonly (readonly [string, OpenEntry])[]): ReadonlyMap<string, IniEntry> {
  return new Map(
    entries.map(([key, { lines, position }]) => [
      key,
      { value: lines.join("\n").replace(BLANK_END, ""), position },
    ]),
  );
}

export function readIni(text: string, file: string): IniFile {
  const reader = new Reader(file);
  for (const [index, line] of text.split(/\r\n|\r|\n/).entries()) reader.line(line, index + 1);
  return reader.finish();
}
