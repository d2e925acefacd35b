/** `$(field)` in descriptions (wazuh v4.14.7: src/analysisd/rules.c). */
import { STATIC_FIELDS } from "#analysis/plugins/sink.ts";
import { type Event, staticIndex } from "../event.ts";
import type { CompiledRule } from "../match/compiled-rule.ts";

/** A longer result is not used: the description then stays as written. */
const DESCRIPTION_BYTES_MAX = 1023;

const STATIC_BY_NAME: ReadonlyMap<string, number> = new Map(
  STATIC_FIELDS.map((name) => [name, staticIndex(name)]),
);

function fieldValue(event: Event, field: string): string {
  if (field === "program_name") return event.programName ?? "";
  if (field === "hostname") return event.hostname ?? "";
  const index = STATIC_BY_NAME.get(field);
  return (index === undefined ? event.dynamic(field.toLowerCase()) : event.statics[index]) ?? "";
}

export function describe(rule: CompiledRule, event: Event): string {
  const { descriptionParts } = rule.shown;
  const { description } = rule.definition;
  if (descriptionParts === null) return description;
  let text = "";
  for (const part of descriptionParts) text += "text" in part ? part.text : fieldValue(event, part.field);
  return text.length > DESCRIPTION_BYTES_MAX ? description : text;
}
