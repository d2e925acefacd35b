/** The conditions of a rule one by one, as their author wrote them and in the order in which the peer looks at them. */
import { LocalClock } from "#kernel/local-time.ts";
import { DSTUSER, type Event, SRCUSER, staticIndex } from "../event.ts";
import { conditionCheck, listCheck } from "../match/checks.ts";
import type { Check } from "../match/compiled-rule.ts";
import { type SubjectReader, type SubjectTools, subjectReader } from "../match/subjects.ts";
import type { CompiledRuleName, Condition, ListUse, RuleDefinition } from "../ruleset/rule.ts";
import type { ValueList } from "../ruleset/ruleset.ts";
import { DAY_NAMES, type DayWindow, type WeekdaySet } from "../ruleset/time-window.ts";

/** An option of a rule as it is written: `<field name="user" negate="yes">^root$</field>`. */
export type ShownCondition = {
  readonly option: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly text: string;
};

export type FailedCondition = {
  readonly condition: ShownCondition;
  /** What it was tested on; null when the event has no such value. */
  readonly value: string | null;
};

/** What conditions look things up in. */
export type ConditionTools = SubjectTools & {
  readonly lists: ReadonlyMap<string, ValueList>;
  readonly decoderIds: ReadonlyMap<string, number>;
};

type ReadCondition = {
  readonly shown: ShownCondition;
  readonly holds: Check;
  readonly read: SubjectReader;
};

/** wazuh v4.14.7: src/analysisd/analysisd.c, OS_CheckIfRuleMatch. `decoded_as` stands before these, lists behind them. */
const ORDER: readonly string[] = [
  "program_name",
  "id",
  "system_name",
  "protocol",
  "match",
  "regex",
  "action",
  "url",
  "location",
  "field",
  "srcip",
  "dstip",
  "srcport",
  "dstport",
  "compiled_rule",
  "user",
  "srcgeoip",
  "dstgeoip",
  "maxsize",
  "time",
  "weekday",
  "data",
  "extra_data",
  "hostname",
  "status",
];

/** The kinds of patterns that need no `type`. */
const DEFAULT_KINDS: Readonly<Record<string, string>> = {
  regex: "osregex",
  field: "osregex",
  action: "string",
};

function shown(option: string, text = "", attributes: Readonly<Record<string, string>> = {}): ShownCondition {
  return { option, attributes, text };
}

/** As in a rule file; what is an attribute of `<rule>` there is one here. */
export function conditionText({ option, attributes, text }: ShownCondition): string {
  if (option === "maxsize") return `${option}="${text}"`;
  const written = Object.entries(attributes).map(([name, value]) => ` ${name}="${value}"`);
  const opening = `<${option}${written.join("")}`;
  return text === "" ? `${opening} />` : `${opening}>${text}</${option}>`;
}

function clockTime(minuteOfDay: number): string {
  const two = (value: number) => String(value).padStart(2, "0");
  return `${two(Math.floor(minuteOfDay / 60))}:${two(minuteOfDay % 60)}`;
}

function windowText({ fromMinute, toMinute, outside }: DayWindow): string {
  return `${outside ? "!" : ""}${clockTime(fromMinute)}-${clockTime(toMinute)}`;
}

function daysText(days: WeekdaySet): string {
  return DAY_NAMES.filter((_, day) => days[day] === true).join(",");
}

function negateAttribute(negate: boolean): Readonly<Record<string, string>> {
  return negate ? { negate: "yes" } : {};
}

function compiledReader(name: CompiledRuleName): SubjectReader {
  const url = staticIndex("url");
  const id = staticIndex("id");
  switch (name) {
    case "check_id_size":
      return (event) => event.statics[id];
    case "comp_srcuser_dstuser":
      return (event) => `${event.statics[SRCUSER] ?? ""}, ${event.statics[DSTUSER] ?? ""}`;
    case "is_simple_http_request":
      return (event) => event.statics[url];
    default:
      return (event) => event.log;
  }
}

function shownOf(condition: Condition): ShownCondition {
  switch (condition.kind) {
    case "pattern": {
      const { option, subject, pattern } = condition;
      const isDefault = pattern.kind === (DEFAULT_KINDS[option] ?? "osmatch");
      return shown(option, pattern.text, {
        ...(subject.kind === "dynamic" ? { name: subject.name } : {}),
        ...(isDefault ? {} : { type: pattern.kind }),
        ...negateAttribute(condition.negate),
      });
    }
    case "address":
      return shown(condition.field, condition.text, negateAttribute(condition.negate));
    case "maxsize":
      return shown("maxsize", String(condition.bytesMin));
    case "compiled":
      return shown("compiled_rule", condition.name);
    case "time":
      return shown("time", windowText(condition.window));
    default:
      return shown("weekday", daysText(condition.days));
  }
}

function readerOf(condition: Condition, tools: SubjectTools): SubjectReader {
  switch (condition.kind) {
    case "pattern":
      return subjectReader(condition.subject, tools);
    case "address": {
      const index = staticIndex(condition.field);
      return (event) => event.statics[index];
    }
    case "maxsize":
      return (event) => `${event.log.length} bytes`;
    case "compiled":
      return compiledReader(condition.name);
    default: {
      const clock = new LocalClock();
      return condition.kind === "time"
        ? (event) => clock.at(event.receivedMs).clock
        : (event) => DAY_NAMES[clock.at(event.receivedMs).weekday];
    }
  }
}

function decoderCondition(name: string, { decoderIds }: ConditionTools): ReadCondition {
  const id = decoderIds.get(name) ?? null;
  return {
    shown: shown("decoded_as", name),
    holds: (event) => id === null || event.decoder.id === id,
    read: ({ decoder }) => (decoder.shownName === "" ? null : decoder.shownName),
  };
}

function listCondition(use: ListUse, tools: ConditionTools): ReadCondition {
  const { subject } = use;
  const field =
    subject.kind === "dynamic" ? subject.name : subject.kind === "static" ? subject.field : subject.kind;
  const attributes = {
    field,
    lookup: use.lookup,
    ...(use.value === null ? {} : { check_value: use.value.text }),
  };
  return {
    shown: shown("list", use.path, attributes),
    holds: listCheck(use, tools.lists.get(use.path) ?? new Map(), tools),
    read: subjectReader(subject, tools),
  };
}

/** With three or more lists the peer keeps only the last two. */
function listsOf(rule: RuleDefinition, tools: ConditionTools): readonly ReadCondition[] {
  return rule.lists.slice(-2).map((use) => listCondition(use, tools));
}

function conditionsOf(rule: RuleDefinition, tools: ConditionTools): readonly ReadCondition[] {
  const inOrder = rule.conditions
    .map((condition) => ({ condition, shown: shownOf(condition) }))
    .sort((left, right) => placeOf(left.shown) - placeOf(right.shown));
  return [
    ...(rule.decodedAs === null ? [] : [decoderCondition(rule.decodedAs, tools)]),
    ...inOrder.map(({ condition, shown }) => ({
      shown,
      holds: conditionCheck(condition, tools),
      read: readerOf(condition, tools),
    })),
  ];
}

function placeOf({ option }: ShownCondition): number {
  return ORDER.indexOf(option);
}

/** How many conditions held one after the other, and the first that did not, if any. */
export type Tried = { readonly held: number; readonly failed: FailedCondition | null };

function tryAll(conditions: readonly ReadCondition[], event: Event): Tried {
  let held = 0;
  for (const { shown, holds, read } of conditions) {
    if (!holds(event)) return { held, failed: { condition: shown, value: read(event) ?? null } };
    held++;
  }
  return { held, failed: null };
}

/** The conditions that stand before those that change something. */
export function tryConditions(rule: RuleDefinition, event: Event, tools: ConditionTools): Tried {
  return tryAll(conditionsOf(rule, tools), event);
}

/** Look-ups in lists stand behind `check_diff` and `if_fts`. */
export function tryLists(rule: RuleDefinition, event: Event, tools: ConditionTools): Tried {
  return tryAll(listsOf(rule, tools), event);
}
