/**
 * Reads the `<group>` elements of one rule file into rule definitions. Every mistake is reported; the definition of a broken rule
 * serves only to find the mistakes of what names it.
 */
import type { SourcePosition } from "#formats/source-position.ts";
import type { XmlAttribute, XmlElement } from "#formats/xml/elements.ts";
import { addressSetOf } from "./address-set.ts";
import { attributeOf } from "./attributes.ts";
import type { ProblemList } from "./problems.ts";
import { type Condition, type Correlation, FREQUENCY_OFFSET, type RuleDefinition } from "./rule.ts";
import {
  compileOption,
  dropRule,
  emptyDraft,
  type KnownNames,
  OPTION_BYTES_MAX,
  type PatternDraft,
  type RuleDraft,
  type TextOption,
} from "./rule-draft.ts";
import { joinMitre } from "./rule-mitre.ts";
import { optionReaderOf } from "./rule-options.ts";

const LEVEL_MAX = 16;
/** wazuh v4.14.7: `analysisd.default_timeframe`. */
const TIMEFRAME_SECONDS_DEFAULT = 360;
const FREQUENCY_MAX = 9999;
/** Digits of `maxsize` that count. */
const MAXSIZE_DIGITS = 4;

type Attributes = {
  readonly id: number;
  readonly level: number;
  readonly maxsize: number | null;
  readonly timeframeSeconds: number;
  readonly frequency: number | null;
  readonly accurate: boolean;
  readonly ignoreSeconds: number;
  readonly noAlert: boolean;
  readonly overwrite: boolean;
};

type AttributeForm = { readonly form: RegExp; readonly expected: string };

const ATTRIBUTE_FORMS: ReadonlyMap<string, AttributeForm> = new Map(
  Object.entries<AttributeForm>({
    id: { form: /^\d{1,6}$/, expected: "1 to 6 digits" },
    level: { form: /^\d{1,3}$/, expected: `a number from 0 to ${LEVEL_MAX}` },
    maxsize: { form: /^\d+$/, expected: "a number of bytes" },
    timeframe: { form: /^\d{1,5}$/, expected: "seconds, 1 to 5 digits" },
    frequency: { form: /^\d{1,4}$/, expected: `a number from ${FREQUENCY_OFFSET} to ${FREQUENCY_MAX}` },
    accuracy: { form: /^\d+$/, expected: "0 or 1" },
    ignore: { form: /^\d{1,6}$/, expected: "seconds, 1 to 6 digits" },
    noalert: { form: /^/, expected: "0 or 1" },
    overwrite: { form: /^(?:yes|no)$/i, expected: "yes or no" },
  }),
);

type Mistake = { readonly message: string; readonly expected: string };

/** Null when nothing is wrong. */
function attributeMistake({ name, value }: XmlAttribute): Mistake | null {
  const known = ATTRIBUTE_FORMS.get(name.toLowerCase());
  if (known === undefined) {
    const expected = `one of ${[...ATTRIBUTE_FORMS.keys()].join(", ")}`;
    return { message: `Invalid attribute '${name}'.`, expected };
  }
  const { form, expected } = known;
  if (!form.test(value)) return { message: `Invalid value '${value}' for attribute '${name}'.`, expected };
  const number = Number(value);
  if (name.toLowerCase() === "level" && number > LEVEL_MAX) {
    const message = `rules_op: Invalid level: ${number}. Must be an integer between 0 and ${LEVEL_MAX}.`;
    return { message, expected: "" };
  }
  if (name.toLowerCase() === "frequency" && number < FREQUENCY_OFFSET) {
    return { message: `Invalid frequency: ${number}.`, expected };
  }
  return null;
}

function checkAttributes(element: XmlElement, problems: ProblemList): void {
  for (const attribute of element.attributes) {
    const mistake = attributeMistake(attribute);
    if (mistake === null) continue;
    problems.error(attribute.position, mistake.message, mistake.expected);
    problems.error(element.position, "Invalid attribute for rule.");
  }
}

/** Null when the rule has no number or level to go on with. */
function readAttributes(element: XmlElement, index: number, problems: ProblemList): Attributes | null {
  checkAttributes(element, problems);
  const numberOf = (name: string): number | null => {
    const value = attributeOf(element, name);
    return value === null ? null : Number.parseInt(value, 10);
  };
  const id = numberOf("id");
  const level = numberOf("level");
  if (id === null || level === null) {
    const message = `No rule id or level specified for rule '${index}'.`;
    problems.error(element.position, message, 'id="…" and level="…"');
    return null;
  }
  const noAlert = attributeOf(element, "noalert") ?? "0";
  if (noAlert !== "0" && noAlert !== "1") {
    const message = `Invalid value for attribute 'noalert' in rule ${id}.`;
    problems.warning(element.position, message, "0 or 1");
  }
  const maxsize = attributeOf(element, "maxsize");
  return {
    id,
    level,
    maxsize: maxsize === null ? null : Number(maxsize.slice(0, MAXSIZE_DIGITS)),
    timeframeSeconds: numberOf("timeframe") ?? TIMEFRAME_SECONDS_DEFAULT,
    frequency: numberOf("frequency"),
    accurate: numberOf("accuracy") !== 0,
    ignoreSeconds: numberOf("ignore") ?? 0,
    noAlert: noAlert === "1",
    overwrite: attributeOf(element, "overwrite")?.toLowerCase() === "yes",
  };
}

function readBody(element: XmlElement, draft: RuleDraft): void {
  for (const child of element.children) {
    const read = optionReaderOf(child.name);
    if (read !== undefined) read(child, draft);
    else {
      const message = `Invalid option '${child.name}' for rule '${draft.ruleId}'.`;
      draft.problems.error(child.position, message, "an option of rules; see docs/operating/rules.md");
    }
  }
}

function checkBody(element: XmlElement, draft: RuleDraft): void {
  const { texts, names, problems, ruleId } = draft;
  if (element.children.length === 0) {
    const message = `Rule '${ruleId}' without any option. It may lead to false positives and some other problems for the system. Exiting.`;
    problems.error(element.position, message, "at least a <description>");
  } else if (!texts.has("description")) {
    problems.error(element.position, `No such description at rule '${ruleId}'.`, "<description>");
  }
  const decodedAs = texts.get("decoded_as");
  if (decodedAs !== undefined && !names.decoders.has(decodedAs.text)) {
    const message = `Invalid decoder name: '${decodedAs.text}'.`;
    problems.error(decodedAs.element.position, message, "the name of a loaded decoder");
  }
}

function compileDraft(tag: string, source: PatternDraft, draft: RuleDraft): readonly Condition[] {
  const pattern = compileOption(tag, source.kind, source, draft);
  if (pattern === null) return [];
  return [{ kind: "pattern", option: tag, subject: source.subject, pattern, negate: source.negate }];
}

function conditionsOf(draft: RuleDraft, maxsize: number | null): readonly Condition[] {
  const conditions: Condition[] = [];
  for (const [tag, source] of draft.patterns) conditions.push(...compileDraft(tag, source, draft));
  for (const source of draft.fields) conditions.push(...compileDraft("field", source, draft));
  for (const [field, { networks, texts, negate }] of draft.addresses) {
    const addresses = addressSetOf(networks);
    conditions.push({ kind: "address", field, addresses, text: texts.join(", "), negate });
  }
  if (maxsize !== null) conditions.push({ kind: "maxsize", bytesMin: maxsize });
  if (draft.compiled !== null) conditions.push({ kind: "compiled", name: draft.compiled });
  if (draft.time !== null) conditions.push({ kind: "time", window: draft.time });
  if (draft.weekdays !== null) conditions.push({ kind: "weekday", days: draft.weekdays });
  return conditions;
}

/** Where earlier events are looked for; null when the rule does not ask for them. */
function correlationSource(draft: RuleDraft): Correlation["source"] | null {
  if (draft.ifMatchedSid !== null) return { kind: "rule", id: draft.ifMatchedSid };
  const group = draft.texts.get("if_matched_group");
  if (group !== undefined) {
    const pattern = compileOption("if_matched_group", "osmatch", group, draft);
    if (pattern !== null) return { kind: "group", group: pattern };
  }
  const log = draft.texts.get("if_matched_regex");
  if (log === undefined) return null;
  return { kind: "any", log: compileOption("if_matched_regex", "osregex", log, draft) };
}

function correlationOf(
  draft: RuleDraft,
  frequency: number | null,
  position: SourcePosition,
): Correlation | null {
  const { same, sameDynamic, different, differentDynamic, flags, ruleId } = draft;
  const globalFrequency = flags.has("global_frequency");
  const source = correlationSource(draft);
  if (source !== null) {
    return { source, globalFrequency, same, sameDynamic, different, differentDynamic };
  }
  const compares = [same, sameDynamic, different, differentDynamic].some((fields) => fields.length > 0);
  if ((compares || globalFrequency || frequency !== null) && !flags.has("check_diff")) {
    const message = `Invalid use of frequency/context options. Missing if_matched on rule '${ruleId}'.`;
    const expected = "<if_matched_sid>, <if_matched_group> or <if_matched_regex>";
    draft.problems.error(position, message, expected);
  }
  return null;
}

function sidsOf(draft: RuleDraft): readonly number[] | null {
  const ifSid = draft.texts.get("if_sid");
  if (ifSid === undefined) return null;
  if (!/^[\d, ]+$/.test(ifSid.text)) {
    const reason = `(7618): Invalid 'if_sid' value: '${ifSid.text}'`;
    dropRule(draft, ifSid.element, reason, "rule ids separated by commas");
    return null;
  }
  return (ifSid.text.match(/\d+/g) ?? []).map(Number);
}

/** Null when a warning said that the rule will be ignored. */
function finishRule(
  element: XmlElement,
  draft: RuleDraft,
  attributes: Attributes,
  groupName: string,
): RuleDefinition | null {
  const sids = sidsOf(draft);
  if (draft.dropped) return null;
  checkBody(element, draft);
  const textOf = (option: TextOption) => draft.texts.get(option)?.text ?? null;
  return {
    id: attributes.id,
    position: element.position,
    level: attributes.level,
    accurate: attributes.accurate,
    frequency: attributes.frequency,
    timeframeSeconds: attributes.timeframeSeconds,
    ignoreSeconds: attributes.ignoreSeconds,
    noAlert: attributes.noAlert,
    overwrite: attributes.overwrite,
    // Line feeds do not belong to group names.
    groupText: (groupName + (textOf("group") ?? "")).replaceAll("\n", ""),
    description: textOf("description") ?? "",
    info: textOf("info"),
    cve: textOf("cve"),
    mitre: joinMitre(draft.mitre),
    options: draft.options,
    category: draft.category,
    decodedAs: textOf("decoded_as"),
    parents: {
      sids,
      group: textOf("if_group"),
      level: draft.ifLevel,
      matchedSid: draft.ifMatchedSid,
      matchedGroup: textOf("if_matched_group"),
    },
    conditions: conditionsOf(draft, attributes.maxsize),
    firstTimeSeen: draft.flags.has("if_fts"),
    checkDiff: draft.flags.has("check_diff"),
    lists: draft.lists,
    correlation: correlationOf(draft, attributes.frequency, element.position),
    ignoredFields: draft.ignoredFields,
    checkIfIgnored: draft.checkIfIgnored,
  };
}

/** The name of a `<group>` that may hold rules; null after the error was reported. */
function readGroupName(element: XmlElement, problems: ProblemList): string | null {
  if (element.name.toLowerCase() !== "group") {
    const message = `rules_op: Invalid root element "${element.name}".Only "group" is allowed`;
    problems.error(element.position, message, '<group name="…">');
    return null;
  }
  const [name, ...others] = element.attributes;
  if (name?.name.toLowerCase() !== "name" || others.length > 0) {
    const message = `rules_op: Invalid root element '${element.name}'.Only the group name is allowed`;
    problems.error(element.position, message, '<group name="…"> with that one attribute');
    return null;
  }
  if (name.value.length > OPTION_BYTES_MAX) {
    problems.error(name.position, "The name of a group is too long.", `at most ${OPTION_BYTES_MAX} bytes`);
  }
  if (element.children.length === 0) {
    problems.error(element.position, `Group '${element.name}' without any rule.`, "<rule>");
  }
  return name.value;
}

/** The rules of one file in its order, those left out that a warning is about. */
export function readRules(
  elements: readonly XmlElement[],
  names: KnownNames,
  problems: ProblemList,
): readonly RuleDefinition[] {
  const rules: RuleDefinition[] = [];
  for (const group of elements) {
    const groupName = readGroupName(group, problems);
    if (groupName === null) continue;
    for (const [index, element] of group.children.entries()) {
      if (element.name.toLowerCase() !== "rule") {
        const message = `Invalid element '${element.name}' in a group of rules.`;
        problems.error(element.position, message, '<rule id="…" level="…">');
        continue;
      }
      const attributes = readAttributes(element, index, problems);
      if (attributes === null) continue;
      const draft = emptyDraft(attributes.id, names, problems);
      readBody(element, draft);
      const rule = finishRule(element, draft, attributes, groupName);
      if (rule !== null) rules.push(rule);
    }
  }
  return rules;
}
