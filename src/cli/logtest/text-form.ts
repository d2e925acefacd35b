/** The three phases of the log test as the peer prints them: values as Python shows them, in single quotes. Byte strings throughout. */
import type { SessionResult } from "#rule-tests/session.ts";
import { isObject } from "../bytes.ts";
import type { Style } from "../style.ts";

const PREDECODER_FIRST = ["timestamp", "hostname", "program_name"];
const DECODER_FIRST = ["name", "parent"];
const RULE_FIRST = ["id", "level", "description", "groups", "firedtimes"];

export function banner(version: string): string {
  return `Starting cyb3rhq logtest v${version}\nType one log per line\n`;
}

/** What Python's `repr()` makes of a value inside a list or dictionary. */
function repr(value: unknown): string {
  if (typeof value === "string") {
    const quote = value.includes("'") && !value.includes('"') ? '"' : "'";
    const escaped = value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll("\t", "\\t");
    return quote + (quote === "'" ? escaped.replaceAll("'", "\\'") : escaped) + quote;
  }
  if (Array.isArray(value)) return `[${value.map(repr).join(", ")}]`;
  if (isObject(value)) {
    return `{${Object.entries(value)
      .map(([key, inner]) => `${repr(key)}: ${repr(inner)}`)
      .join(", ")}}`;
  }
  if (value === null) return "None";
  return typeof value === "boolean" ? (value ? "True" : "False") : String(value);
}

/** One line a leaf: those of `first` in that order, then the others sorted, nested names joined by dots. */
function fieldLines(value: unknown, first: readonly string[], prefix = ""): readonly string[] {
  if (!isObject(value)) return [];
  const line = (name: string): readonly string[] => {
    const inner = value[name];
    if (isObject(inner)) return fieldLines(inner, [], `${prefix}${name}.`);
    return [`\t${prefix}${name}: '${typeof inner === "string" ? inner : repr(inner)}'`];
  };
  const others = Object.keys(value)
    .filter((name) => !first.includes(name))
    .sort();
  return [...first.filter((name) => name in value), ...others].flatMap(line);
}

export type TextOptions = {
  readonly style: Style;
  /** The lines about rules tried; null when nobody asked. */
  readonly rulesDebug: readonly string[] | null;
};

export function threePhases(
  result: SessionResult,
  documentJson: string,
  { style, rulesDebug }: TextOptions,
): string {
  const parsed: unknown = JSON.parse(documentJson);
  const document = isObject(parsed) ? parsed : {};
  const decoder = fieldLines(document["decoder"], DECODER_FIRST);
  const lines = [
    "",
    style.bold("**Phase 1: Completed pre-decoding."),
    `\tfull event: '${result.event.fullLog}'`,
    ...fieldLines(document["predecoder"], PREDECODER_FIRST),
    "",
    style.bold("**Phase 2: Completed decoding."),
    ...(decoder.length === 0 ? ["\tNo decoder matched."] : decoder),
    ...fieldLines(document["data"], []),
  ];
  if (rulesDebug !== null) {
    lines.push("", style.bold("**Rule debugging:"));
    lines.push(...rulesDebug.map((line) => `${line.startsWith("*") ? "\t\t" : "\t"}${line}`));
  }
  if (result.verdict !== null) {
    lines.push("", style.bold("**Phase 3: Completed filtering (rules)."));
    lines.push(...fieldLines(document["rule"], RULE_FIRST));
  }
  if (result.alert) lines.push(style.red("**Alert to be generated."));
  return `${lines.join("\n")}\n`;
}
