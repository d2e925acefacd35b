/** Reads the `<group>` elements of one rule file into rule definitions. Every mistake is reported; a rule with an error is dropped. */
import type { XmlElement } from "#formats/xml/elements.ts";
import { parseAddressSet } from "./address-set.ts";
import type { ProblemList } from "./problems.ts";
import {
  type Condition,
  type Correlation,
  FREQUENCY_OFFSET,
  type MitreReference,
  type RuleDefinition,
} from "./rule.ts";
import {
  attributeOf,
  CASE_SENSITIVE_OPTIONS,
  compileOption,
  type PatternDraft,
  RULE_OPTION_READERS,
  type RuleDraft,
} from "./rule-options.ts";

const LEVEL_MAX = 16;
/** wazuh v4.14.7: `analysisd.default_timeframe`. */
const TIMEFRAME_SECONDS_DEFAULT = 360;
const FREQUENCY_MAX = 9999;

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

const KNOWN_ATTRIBUTES: ReadonlyMap<string, RegExp> = new Map([
  ["id", /^\d{1,6}$/],
  ["level", /^\d{1,3}$/],
  ["maxsize", /^\d{1,4}/],
  ["timeframe", /^\d{1,5}$/],
  ["frequency", /^\d{1,4}$/],
  ["accuracy", /^\d+$/],
  ["ignore", /^\d{1,6}$/],
  ["noalert", /^/],
  ["overwrite", /^(?:yes|no)$/i],
]);

function checkAttributes(element: XmlElement, problems: ProblemList): boolean {
  let valid = true;
  const refuse = (position: XmlElement["position"], message: string, expected: string) => {
    problems.error(position, message, expected);
    problems.error(element.position, "Invalid attribute for rule.");
    valid = false;
  };
  for (const { name, value, position } of element.attributes) {
    const form = KNOWN_ATTRIBUTES.get(name.toLowerCase());
    if (form === undefined) {
      refuse(position, `Invalid attribute '${name}'.`, `one of ${[...KNOWN_ATTRIBUTES.keys()].join(", ")}`);
    } else if (!form.test(value))
      refuse(position, `Invalid value '${value}' for attribute '${name}'.`, "a number in range");
  }
  const level = attributeOf(element, "level");
  if (level !== null && Number(level) > LEVEL_MAX) {
    refuse(
      element.position,
      `rules_op: Invalid level: ${level}. Must be an integer between 0 and ${LEVEL_MAX}.`,
      "",
    );
  }
  const frequency = attributeOf(element, "frequency");
  if (frequency !== null && (Number(frequency) < FREQUENCY_OFFSET || Number(frequency) > FREQUENCY_MAX)) {
    refuse(
      element.position,
      `Invalid frequency: ${frequency}.`,
      `a number from ${FREQUENCY_OFFSET} to ${FREQUENCY_MAX}`,
    );
  }
  return valid;
}

function readAttributes(element: XmlElement, index: number, problems: ProblemList): Attributes | null {
  if (!checkAttributes(element, problems)) return null;
  const numberOf = (name: string): number | null => {
    const value = attributeOf(element, name);
    return value === null ? null : Number.parseInt(value, 10);
  };
  const id = numberOf("id");
  const level = numberOf("level");
  if (id === null || level === null) {
    problems.error(
      element.position,
      `No rule id or level specified for rule '${index}'.`,
      'id="…" and level="…"',
    );
    return null;
  }
  const noAlert = attributeOf(element, "noalert");
  if (noAlert !== null && noAlert !== "0" && noAlert !== "1") {
    problems.warning(element.position, `Invalid value for attribute 'noalert' in rule ${id}.`, "0 or 1");
  }
  const maxsize = attributeOf(element, "maxsize");
  return {
    id,
    level,
    maxsize: maxsize === null ? null : Number(maxsize.slice(0, 4)),
    timeframeSeconds: numberOf("timeframe") ?? TIMEFRAME_SECONDS_DEFAULT,
    frequency: numberOf("frequency"),
    accurate: attributeOf(element, "accuracy") === null || numberOf("accuracy") !== 0,
    ignoreSeconds: numberOf("ignore") ?? 0,
    noAlert: noAlert === "1",
    overwrite: attributeOf(element, "overwrite")?.toLowerCase() === "yes",
  };
}

function emptyDraft(ruleId: number, groupText: string, problems: ProblemList): RuleDraft {
  return {
    ruleId,
    problems,
    usable: true,
    patterns: new Map(),
    fields: [],
    addresses: new Map(),
    groupText,
    description: null,
    info: null,
    cve: null,
    mitre: [],
    options: [],
    category: null,
    decodedAs: null,
    ifSid: null,
    ifGroup: null,
    ifLevel: null,
    ifMatchedSid: null,
    ifMatchedGroup: null,
    ifMatchedRegex: null,
    firstTimeSeen: false,
    compiled: null,
    time: null,
    weekdays: null,
    lists: [],
    checkDiff: false,
    globalFrequency: false,
    same: [],
    sameDynamic: [],
    different: [],
    differentDynamic: [],
    ignored: null,
    checkIfIgnored: null,
  };
}

function readBody(element: XmlElement, draft: RuleDraft): void {
  for (const child of element.children) {
    const lowerName = child.name.toLowerCase();
    const reader = RULE_OPTION_READERS.get(lowerName);
    const wrongCase = child.name !== lowerName && CASE_SENSITIVE_OPTIONS.has(lowerName);
    if (reader !== undefined && !wrongCase) reader(child, draft);
    else {
      const text = `Invalid option '${child.name}' for rule '${draft.ruleId}'.`;
      draft.problems.error(child.position, text, "an option of rules; see docs/operating/rules.md");
    }
  }
}

function compileDraft(tag: string, source: PatternDraft, draft: RuleDraft): Condition | null {
  const pattern = compileOption(source.kind, source.text, tag, source.element, draft);
  return pattern === null
    ? null
    : { kind: "pattern", subject: source.subject, pattern, negate: source.negate };
}

function conditionsOf(draft: RuleDraft, maxsize: number | null): readonly Condition[] {
  const conditions: (Condition | null)[] = [];
  for (const [tag, source] of draft.patterns) conditions.push(compileDraft(tag, source, draft));
  for (const source of draft.fields) conditions.push(compileDraft("field", source, draft));
  for (const [field, { texts, negate }] of draft.addresses) {
    const addresses = parseAddressSet(texts);
    if (addresses !== null) conditions.push({ kind: "address", field, addresses, negate });
  }
  if (maxsize !== null) conditions.push({ kind: "maxsize", bytesMin: maxsize });
  if (draft.compiled !== null) conditions.push({ kind: "compiled", name: draft.compiled });
  if (draft.time !== null) conditions.push({ kind: "time", window: draft.time });
  if (draft.weekdays !== null) conditions.push({ kind: "weekday", days: draft.weekdays });
  return conditions.filter((condition) => condition !== null);
}

function correlationOf(draft: RuleDraft, attributes: Attributes, element: XmlElement): Correlation | null {
  const hasSource =
    draft.ifMatchedSid !== null || draft.ifMatchedGroup !== null || draft.ifMatchedRegex !== null;
  const compares =
    draft.same.length + draft.different.length + draft.sameDynamic.length + draft.differentDynamic.length > 0;
  if (!hasSource) {
    if (!draft.checkDiff && (compares || draft.globalFrequency || attributes.frequency !== null)) {
      const text = `Invalid use of frequency/context options. Missing if_matched on rule '${draft.ruleId}'.`;
      draft.problems.error(
        element.position,
        text,
        "<if_matched_sid>, <if_matched_group> or <if_matched_regex>",
      );
    }
    return null;
  }
  return {
    source: correlationSource(draft),
    globalFrequency: draft.globalFrequency,
    same: draft.same,
    sameDynamic: draft.sameDynamic,
    different: draft.different,
    differentDynamic: draft.differentDynamic,
  };
}

function correlationSource(draft: RuleDraft): Correlation["source"] {
  if (draft.ifMatchedSid !== null) return { kind: "rule", id: draft.ifMatchedSid };
  const { ifMatchedGroup: group, ifMatchedRegex: log } = draft;
  if (group !== null) {
    const pattern = compileOption("osmatch", group.text, "if_matched_group", group.element, draft);
    if (pattern !== null) return { kind: "group", group: pattern };
  }
  const pattern =
    log === null ? null : compileOption(log.kind, log.text, "if_matched_regex", log.element, draft);
  return { kind: "any", log: pattern };
}

/** The ids of `<if_sid>`; null when the rule cannot be used. */
function sidsOf(draft: RuleDraft): readonly number[] | null {
  if (draft.ifSid === null) return null;
  const { text, element } = draft.ifSid;
  if (!/^[\d, ]+$/.test(text)) {
    const message = `(7618): Invalid 'if_sid' value: '${text}'. Rule '${draft.ruleId}' will be ignored.`;
    draft.problems.warning(element.position, message, "rule ids separated by commas");
    draft.usable = false;
    return null;
  }
  return text
    .split(/[, ]+/)
    .filter((word) => word !== "")
    .map(Number);
}

/** Several blocks of one form count together; the two forms do not mix. */
function mitreOf(draft: RuleDraft): MitreReference | null {
  const [first] = draft.mitre;
  if (first === undefined) return null;
  if (first.kind === "techniques") {
    return {
      kind: "techniques",
      ids: draft.mitre.flatMap((block) => (block.kind === "techniques" ? block.ids : [])),
    };
  }
  return {
    kind: "pairs",
    pairs: draft.mitre.flatMap((block) => (block.kind === "pairs" ? block.pairs : [])),
  };
}

/** Newlines do not belong to group names. */
function cleanGroups(text: string): string {
  return text.replaceAll("\n", "");
}

function finishRule(draft: RuleDraft, attributes: Attributes, element: XmlElement): RuleDefinition | null {
  const { description } = draft;
  if (description === null) {
    draft.problems.error(element.position, `No such description at rule '${draft.ruleId}'.`, "<description>");
    return null;
  }
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
    groupText: cleanGroups(draft.groupText),
    description,
    info: draft.info,
    cve: draft.cve,
    mitre: mitreOf(draft),
    options: draft.options,
    category: draft.category,
    decodedAs: draft.decodedAs?.name ?? null,
    parents: {
      sids: sidsOf(draft),
      group: draft.ifGroup,
      level: draft.ifLevel,
      matchedSid: draft.ifMatchedSid,
      matchedGroup: draft.ifMatchedGroup?.text ?? null,
    },
    conditions: conditionsOf(draft, attributes.maxsize),
    firstTimeSeen: draft.firstTimeSeen,
    checkDiff: draft.checkDiff,
    lists: draft.lists,
    correlation: correlationOf(draft, attributes, element),
    ignoredFields: draft.ignored,
    checkIfIgnored: draft.checkIfIgnored,
  };
}

function readRule(
  element: XmlElement,
  place: { readonly index: number; readonly groupText: string },
  problems: ProblemList,
): RuleDefinition | null {
  if (element.name.toLowerCase() !== "rule") {
    problems.error(
      element.position,
      `Invalid element '${element.name}' in a group of rules.`,
      "<rule id=… level=…>",
    );
    return null;
  }
  const errorsBefore = problems.errors;
  const attributes = readAttributes(element, place.index, problems);
  if (attributes === null) return null;
  if (element.children.length === 0) {
    const text = `Rule '${attributes.id}' without any option. It may lead to false positives and some other problems for the system. Exiting.`;
    problems.error(element.position, text, "at least a <description>");
    return null;
  }
  const draft = emptyDraft(attributes.id, place.groupText, problems);
  readBody(element, draft);
  const rule = finishRule(draft, attributes, element);
  return draft.usable && problems.errors === errorsBefore ? rule : null;
}

/** The name of a `<group>` that may hold rules; null after the error was reported. */
function readGroupName(element: XmlElement, problems: ProblemList): string | null {
  if (element.name.toLowerCase() !== "group") {
    const text = `rules_op: Invalid root element "${element.name}".Only "group" is allowed`;
    problems.error(element.position, text, '<group name="…">');
    return null;
  }
  const [name, ...others] = element.attributes;
  if (name === undefined || name.name.toLowerCase() !== "name" || others.length > 0) {
    const text = `rules_op: Invalid root element '${element.name}'.Only the group name is allowed`;
    problems.error(element.position, text, '<group name="…"> with that one attribute');
    return null;
  }
  if (element.children.length === 0) {
    problems.error(element.position, `Group '${element.name}' without any rule.`, "<rule>");
    return null;
  }
  return name.value;
}

/** The rules of one file in its order. */
export function readRules(elements: readonly XmlElement[], problems: ProblemList): readonly RuleDefinition[] {
  const rules: RuleDefinition[] = [];
  for (const group of elements) {
    const groupText = readGroupName(group, problems);
    if (groupText === null) continue;
    for (const [index, element] of group.children.entries()) {
      const rule = readRule(element, { index, groupText }, problems);
      if (rule !== null) rules.push(rule);
    }
  }
  return rules;
}
