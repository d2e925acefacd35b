/**
 * An explanation for people. What an event holds was sent by strangers: it is cut, and nothing in it reaches the terminal as a command.
 * The result is bytes.
 */
import { conditionText, type FailedCondition } from "#analysis/trace/conditions.ts";
import type { SearchCount } from "#analysis/trace/search-count.ts";
import type { Field } from "#analysis/trace/trace.ts";
import { printable } from "#output/screen.ts";
import { utf8Bytes } from "../bytes.ts";
import type { Style } from "../style.ts";
import type { Explanation, RuleAnswer, ShownDecoder, ShownRule, ShownStep } from "./explanation.ts";

/** Characters of a value, of a pattern and of a description. */
const TEXT_SHOWN_MAX = 160;
/** Fields of an event, and of what one decoder found. */
const FIELDS_SHOWN_MAX = 40;

function shown(bytes: string): string {
  const text = printable(bytes, TEXT_SHOWN_MAX);
  return utf8Bytes(text.length > TEXT_SHOWN_MAX ? `${text.slice(0, TEXT_SHOWN_MAX)}…` : text);
}

function moreLine(leftOut: number, what: string): readonly string[] {
  return leftOut === 0 ? [] : [`  ${leftOut} more ${what}`];
}

function ruleText({ id, level, description }: ShownRule): string {
  return `${id} (level ${level}) ${shown(description)}`;
}

function searchText(search: SearchCount): string {
  const { needed, counted, looked, timeframeSeconds, passedOver, lacking, endedByMark } = search;
  const parts = [
    `${counted} of ${needed} earlier events counted, ${looked} looked at within ${timeframeSeconds} s`,
  ];
  if (lacking !== null) parts.push(`this event has nothing to compare for ${shown(lacking)}`);
  for (const { option, count } of passedOver) parts.push(`${count} passed over for ${shown(option)}`);
  if (endedByMark) parts.push("the search ended at an event that an alert had counted already");
  return parts.join("; ");
}

/** The log is shown once. */
function testedText(value: string, log: string): string {
  return value === log ? "the log" : `'${shown(value)}'`;
}

function valueText({ condition, value }: FailedCondition, log: string): string {
  if (condition.option === "if_fts") {
    return value === null ? "the decoder has no <fts>" : `seen before: '${shown(value)}'`;
  }
  if (condition.option === "check_diff") return "nothing earlier that differs";
  return value === null ? "the event has no such value" : `not with ${testedText(value, log)}`;
}

type Failure = { readonly failed: FailedCondition; readonly search: SearchCount | null };

function failureText({ failed, search }: Failure, log: string): string {
  const reason = search === null ? valueText(failed, log) : searchText(search);
  return `${shown(conditionText(failed.condition))}: ${reason}`;
}

function fieldText({ name, value }: Field): string {
  return `${shown(name)} = '${shown(value)}'`;
}

function decoderLine({ name, failed, fields }: ShownDecoder, log: string, style: Style): string {
  if (failed !== null) {
    const { part, pattern, text } = failed;
    return `  ${style.red("-")} ${name}: ${part} ${shown(pattern)} is not in ${testedText(text, log)}`;
  }
  const found = fields.slice(0, FIELDS_SHOWN_MAX).map(fieldText).join(", ");
  return `  ${style.green("+")} ${name}${found === "" ? "" : `: ${found}`}`;
}

function stepLine(step: ShownStep, log: string, style: Style): string {
  const { outcome, failed, search, takenBy } = step;
  const head = `    ${outcome === "held" ? style.green("+") : style.red("-")} ${ruleText(step)}`;
  if (outcome === "held") return head;
  const notTried = takenBy === null ? "not tried" : `not tried: rule ${takenBy} took the event`;
  const reason = failed === null ? "none of its own conditions fails" : failureText({ failed, search }, log);
  return outcome === "failed" ? `${head}\n        ${reason}` : `${head}\n        ${notTried}; ${reason}`;
}

function answerLines(answer: RuleAnswer, log: string, style: Style): readonly string[] {
  const { id, fired, reason, places } = answer;
  const verb = fired ? style.green("fired") : style.red("did not fire");
  const lines = ["", `${style.bold(`Rule ${id}`)} ${verb}: ${reason}`];
  for (const [index, steps] of places.shown.entries()) {
    lines.push(`  place ${index + 1}:`, ...steps.map((step) => stepLine(step, log, style)));
  }
  return [...lines, ...moreLine(places.leftOut, "places of the rule in the tree")];
}

export function explanationText(explanation: Explanation, style: Style): string {
  const { header, decoders, fields, path, near, rule, result } = explanation;
  const { log } = header;
  const headerLine = (name: string, value: string | null) =>
    value === null ? [] : [`  ${name}: '${shown(value)}'`];
  const section = (title: string, lines: readonly string[]) => ["", style.bold(title), ...lines];
  const shownFields = fields.slice(0, FIELDS_SHOWN_MAX).map((field) => `  ${fieldText(field)}`);
  const nearLines = near.shown.map(
    (failure) => `  ${style.red("-")} ${ruleText(failure)}\n      ${failureText(failure, log)}`,
  );
  const alert = result.alert ? style.red("alert") : "no alert";
  const lines = [
    `${style.bold("Event")} '${shown(explanation.event)}'`,
    ...headerLine("timestamp", header.timestamp),
    ...headerLine("hostname", header.hostname),
    ...headerLine("program", header.program),
    ...headerLine("log", log),
    ...section(explanation.decoder === null ? "No decoder" : `Decoder ${explanation.decoder}`, [
      ...decoders.shown.map((decoder) => decoderLine(decoder, log, style)),
      ...moreLine(decoders.leftOut, "tried (--all)"),
    ]),
    ...section("Fields", [...shownFields, ...moreLine(fields.length - shownFields.length, "(--json)")]),
    ...section(
      result.rule === null ? "No rule" : `Rule ${result.rule}`,
      path.map((at, depth) => `  ${"  ".repeat(depth)}${style.green("+")} ${ruleText(at)}`),
    ),
    ...(near.shown.length === 0 ? [] : section("Tried on the way, and failed", nearLines)),
    ...moreLine(near.leftOut, "(--all)"),
    ...(rule === null ? [] : answerLines(rule, log, style)),
    "",
    `${style.bold("Result")} ${alert}: ${result.reason}`,
  ];
  return `${lines.join("\n")}\n`;
}
