/** Inputs of several texts: each behind a line `=== name`. What stands in front of the first such line counts for nothing. */

export type Sections = Readonly<Record<string, string>>;

export function printSections(sections: Sections): string {
  return Object.entries(sections)
    .map(([name, text]) => `=== ${name}\n${text.endsWith("\n") ? text : `${text}\n`}`)
    .join("");
}

/** Of two sections of a name the later one counts. */
export function parseSections(input: string): Sections {
  const [, ...parts] = input.split(/^=== ([a-z._-]+)\n/m);
  const sections: Record<string, string> = {};
  for (let index = 0; index + 1 < parts.length; index += 2)
    sections[parts[index] ?? ""] = parts[index + 1] ?? "";
  return sections;
}

/** The same input with one section changed. */
export function changeSection(
  input: string,
  choose: (names: readonly string[]) => string,
  change: (text: string, name: string) => string,
): string {
  const sections = parseSections(input);
  const names = Object.keys(sections);
  if (names.length === 0) return change(input, "");
  const name = choose(names);
  return printSections({ ...sections, [name]: change(sections[name] ?? "", name) });
}
