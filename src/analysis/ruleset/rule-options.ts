/**
 * The elements that may stand in a `<rule>`: one function each, in a table by name. A function writes what it read into the draft of
 * its rule; rule-reader.ts turns the draft into a definition.
 */
import { STATIC_FIELDS, type StaticField } from "#analysis/plugins/sink.ts";
import { compilePattern, type Pattern, type PatternKind } from "#formats/patterns/pattern.ts";
import type { XmlElement } from "#formats/xml/elements.ts";
import { parseAddressSet } from "./address-set.ts";
import { CATEGORY_NAMES, categoryOf } from "./category.ts";
import type { ProblemList } from "./problems.ts";
import type {
  ComparedField,
  CompiledRuleName,
  IgnoredFields,
  ListLookup,
  ListUse,
  MitreReference,
  RuleOption,
  Subject,
} from "./rule.ts";
import { type DayWindow, parseDayWindow, parseWeekdays, type WeekdaySet } from "./time-window.ts";

/** The peer's buffer for the text of one option. */
const OPTION_BYTES_MAX = 2047;

export type PatternDraft = {
  text: string;
  kind: PatternKind;
  negate: boolean;
  readonly subject: Subject;
  readonly element: XmlElement;
};

export type AddressDraft = { readonly texts: string[]; negate: boolean; readonly element: XmlElement };

export type RuleDraft = {
  readonly ruleId: number;
  readonly problems: ProblemList;
  /** False once something made the rule unusable without being an error of the whole set. */
  usable: boolean;
  readonly patterns: Map<string, PatternDraft>;
  readonly fields: PatternDraft[];
  readonly addresses: Map<"srcip" | "dstip", AddressDraft>;
  groupText: string;
  description: string | null;
  info: string | null;
  cve: string | null;
  readonly mitre: MitreReference[];
  readonly options: RuleOption[];
  category: number | null;
  decodedAs: { readonly name: string; readonly element: XmlElement } | null;
  ifSid: { text: string; readonly element: XmlElement } | null;
  ifGroup: string | null;
  ifLevel: number | null;
  ifMatchedSid: number | null;
  ifMatchedGroup: { text: string; readonly element: XmlElement } | null;
  ifMatchedRegex: PatternDraft | null;
  firstTimeSeen: boolean;
  compiled: CompiledRuleName | null;
  time: DayWindow | null;
  weekdays: WeekdaySet | null;
  readonly lists: ListUse[];
  checkDiff: boolean;
  globalFrequency: boolean;
  readonly same: ComparedField[];
  readonly sameDynamic: string[];
  readonly different: ComparedField[];
  readonly differentDynamic: string[];
  ignored: IgnoredFields | null;
  checkIfIgnored: IgnoredFields | null;
};

export type OptionReader = (element: XmlElement, draft: RuleDraft) => void;

const OSMATCH_OPTIONS: ReadonlyMap<string, Subject> = new Map<string, Subject>([
  ["match", { kind: "log" }],
  ["user", { kind: "user", sourceFirst: false }],
  ["hostname", { kind: "hostname" }],
  ["program_name", { kind: "program_name" }],
  ["location", { kind: "location" }],
  ["srcgeoip", { kind: "never" }],
  ["dstgeoip", { kind: "never" }],
  ...(
    ["url", "id", "srcport", "dstport", "status", "protocol", "system_name", "data", "extra_data"] as const
  ).map((field): [string, Subject] => [field, { kind: "static", field }]),
]);

const PATTERN_KINDS: readonly PatternKind[] = ["osregex", "osmatch", "pcre2"];

/** Names that `<field name=…>` may not take, since each has an option of its own. */
const RESERVED_FIELD_NAMES: ReadonlySet<string> = new Set(
  "srcip dstip srcgeoip dstgeoip srcport dstport user srcuser dstuser url id data extra_data status protocol system_name action".split(
    " ",
  ),
);

const COMPILED_RULES: readonly CompiledRuleName[] = [
  "check_id_size",
  "comp_srcuser_dstuser",
  "comp_mswin_targetuser_calleruser_diff",
  "is_simple_http_request",
  "is_valid_crawler",
];

const RULE_OPTIONS: readonly RuleOption[] = [
  "alert_by_email",
  "no_email_alert",
  "log_alert",
  "no_log",
  "no_ar",
  "no_full_log",
  "no_counter",
];

const LIST_LOOKUPS: readonly ListLookup[] = [
  "match_key",
  "not_match_key",
  "match_key_value",
  "address_match_key",
  "not_address_match_key",
  "address_match_key_value",
];

const LIST_SUBJECTS: ReadonlyMap<string, Subject> = new Map<string, Subject>([
  ["user", { kind: "user", sourceFirst: true }],
  ["hostname", { kind: "hostname" }],
  ["program_name", { kind: "program_name" }],
  ...STATIC_FIELDS.filter((field) => field !== "srcuser" && field !== "dstuser").map(
    (field): [string, Subject] => [field, { kind: "static", field }],
  ),
]);

/** The value of an attribute, its name compared without case; null when it is not there. */
export function attributeOf(element: XmlElement, name: string): string | null {
  return element.attributes.find((attribute) => attribute.name.toLowerCase() === name)?.value ?? null;
}

function readNegate(element: XmlElement, draft: RuleDraft): boolean {
  const value = attributeOf(element, "negate");
  if (value === null || value.toLowerCase() === "no") return false;
  if (value.toLowerCase() === "yes") return true;
  const text = `(7600): Invalid value '${value}' for attribute 'negate' in rule ${draft.ruleId}.`;
  draft.problems.warning(element.position, text, "yes or no");
  return false;
}

function readKind(element: XmlElement, fallback: PatternKind, draft: RuleDraft): PatternKind {
  const value = attributeOf(element, "type");
  if (value === null) return fallback;
  const kind = PATTERN_KINDS.find((candidate) => candidate === value.toLowerCase());
  if (kind !== undefined) return kind;
  const text = `(7600): Invalid value '${value}' for attribute 'type' in rule ${draft.ruleId}.`;
  draft.problems.warning(element.position, text, "osregex, osmatch or pcre2");
  return fallback;
}

function limitText(text: string, element: XmlElement, draft: RuleDraft): string {
  if (text.length <= OPTION_BYTES_MAX) return text;
  const message = `Option '${element.name}' of rule '${draft.ruleId}' is too long and stays empty.`;
  draft.problems.error(element.position, message, `at most ${OPTION_BYTES_MAX} bytes`);
  return "";
}

/** Texts of a repeated option are joined; kind and negation of the last one rule. */
function patternOption(subject: Subject, fallback: PatternKind): OptionReader {
  return (element, draft) => {
    const name = element.name.toLowerCase();
    const negate = readNegate(element, draft);
    const kind = readKind(element, fallback, draft);
    const text = limitText(element.content, element, draft);
    const known = draft.patterns.get(name);
    if (known === undefined) draft.patterns.set(name, { text, kind, negate, subject, element });
    else Object.assign(known, { text: known.text + text, kind, negate });
  };
}

function readField(element: XmlElement, draft: RuleDraft): void {
  const name = attributeOf(element, "name");
  if (name === null) {
    const text = `Failure to read rule ${draft.ruleId}. No such attribute 'name' for field.`;
    draft.problems.error(element.position, text, '<field name="…">');
    return;
  }
  if (RESERVED_FIELD_NAMES.has(name.toLowerCase())) {
    const text = `Failure to read rule ${draft.ruleId}. Field '${name}' is static.`;
    draft.problems.error(element.position, text, `<${name.toLowerCase()}> instead of <field>`);
    return;
  }
  draft.fields.push({
    negate: readNegate(element, draft),
    kind: readKind(element, "osregex", draft),
    text: limitText(element.content, element, draft),
    subject: { kind: "dynamic", name },
    element,
  });
}

function addressOption(field: "srcip" | "dstip"): OptionReader {
  return (element, draft) => {
    const negate = readNegate(element, draft);
    const known = draft.addresses.get(field);
    if (parseAddressSet([element.content]) === null) {
      const text = `(1237): Invalid ip address: '${element.content}'.`;
      draft.problems.error(element.position, text, "an IPv4 or IPv6 address, a network, or any");
    } else if (known === undefined) draft.addresses.set(field, { texts: [element.content], negate, element });
    else {
      known.texts.push(element.content);
      known.negate = negate;
    }
  };
}

function readInteger(element: XmlElement, pattern: RegExp): number | null {
  return pattern.test(element.content) ? Number(element.content) : null;
}

function readOptions(element: XmlElement, draft: RuleDraft): void {
  const option = RULE_OPTIONS.find((candidate) => candidate === element.content);
  if (option !== undefined) {
    draft.options.push(option);
    return;
  }
  draft.problems.error(
    element.position,
    `(1235): Invalid value for element 'options': ${element.content}.`,
    `one of ${RULE_OPTIONS.join(", ")}`,
  );
  draft.problems.error(element.position, `Invalid option 'options' for rule '${draft.ruleId}'.`);
}

function readList(element: XmlElement, draft: RuleDraft): void {
  const field = (attributeOf(element, "field") ?? "").split(" ")[0] ?? "";
  const lookupText = attributeOf(element, "lookup") ?? "match_key";
  const lookup = LIST_LOOKUPS.find((candidate) => candidate === lookupText);
  if (field === "" || lookup === undefined) {
    draft.problems.error(
      element.position,
      `Invalid list options in rule '${draft.ruleId}'.`,
      `field="…" and lookup one of ${LIST_LOOKUPS.join(", ")}`,
    );
    return;
  }
  const checkValue = attributeOf(element, "check_value");
  const value = checkValue === null ? null : compileOption("osmatch", checkValue, "list", element, draft);
  const subject = LIST_SUBJECTS.get(field) ?? { kind: "dynamic", name: field };
  draft.lists.push({ subject, lookup, path: element.content, value });
}

function readMitre(element: XmlElement, draft: RuleDraft): void {
  const textsOf = (name: string) =>
    element.children
      .filter((child) => child.name.toLowerCase() === name.toLowerCase())
      .map((child) => child.content);
  const ids = textsOf("id").filter((id) => id !== "");
  const tactics = textsOf("tacticID");
  const techniques = textsOf("techniqueID");
  const warn = (text: string) => draft.problems.warning(element.position, text);
  if (element.children.length === 0) warn(`Empty Mitre information for rule '${draft.ruleId}'`);
  else if (tactics.length === 0 && techniques.length === 0) {
    if (ids.length === 0) warn(`No Mitre Technique ID found for rule '${draft.ruleId}'`);
    else draft.mitre.push({ kind: "techniques", ids });
  } else if (ids.length > 0) warn(`Mitre information of both forms in rule '${draft.ruleId}'`);
  else if (tactics.length === 0) warn(`Mitre tacticID should be defined in rule '${draft.ruleId}'`);
  else if (techniques.length === 0) warn(`Mitre techniqueID should be defined in rule '${draft.ruleId}'`);
  else if (tactics.length > 1 || techniques.length > 1)
    warn(`More than one pair in one Mitre block of rule '${draft.ruleId}'`);
  else
    draft.mitre.push({
      kind: "pairs",
      pairs: [{ tacticId: tactics[0] ?? "", techniqueId: techniques[0] ?? "" }],
    });
}

const IGNORED_STATICS: ReadonlyMap<string, StaticField> = new Map<string, StaticField>([
  ["user", "dstuser"],
  ["srcip", "srcip"],
  ["dstip", "dstip"],
  ["id", "id"],
  ["data", "data"],
]);

function readIgnored(element: XmlElement): IgnoredFields {
  const words = element.content.split(",").map((word) => word.trim());
  const statics = new Set<StaticField>();
  const dynamics: string[] = [];
  for (const word of words) {
    const field = IGNORED_STATICS.get(word);
    if (field !== undefined) statics.add(field);
    else if (word !== "location" && word !== "name" && word !== "") dynamics.push(word);
  }
  return { statics, location: words.includes("location"), name: words.includes("name"), dynamics };
}

/** A compiled pattern, or null after the error was reported. */
export function compileOption(
  kind: PatternKind,
  text: string,
  tag: string,
  element: XmlElement,
  draft: RuleDraft,
): Pattern | null {
  const outcome = compilePattern(kind, text);
  if (outcome.ok) return outcome.pattern;
  draft.problems.error(
    element.position,
    `(5107): Syntax error on tag '${tag}' in rule ${draft.ruleId}`,
    outcome.error.message,
  );
  return null;
}

function correlationOptions(): [string, OptionReader][] {
  const compared: [string, ComparedField][] = [
    ["srcip", "srcip"],
    ["source_ip", "srcip"],
    ["dstip", "dstip"],
    ["srcport", "srcport"],
    ["src_port", "srcport"],
    ["dstport", "dstport"],
    ["dst_port", "dstport"],
    ["srcuser", "srcuser"],
    ["user", "dstuser"],
    ["location", "location"],
    ["srcgeoip", "never"],
    ["dstgeoip", "never"],
    ...(["id", "protocol", "action", "url", "data", "extra_data", "status", "system_name"] as const).map(
      (field): [string, ComparedField] => [field, field],
    ),
  ];
  const readers: [string, OptionReader][] = [];
  for (const [word, field] of compared) {
    readers.push([`same_${word}`, (_element, draft) => draft.same.push(field)]);
    readers.push([`different_${word}`, (_element, draft) => draft.different.push(field)]);
    readers.push([`not_same_${word}`, (_element, draft) => draft.different.push(field)]);
  }
  const differentField: OptionReader = (element, draft) => draft.differentDynamic.push(element.content);
  const deprecated: OptionReader = (element, draft) => {
    const text = `Detected a deprecated field option for rule, ${element.name} is not longer available.`;
    draft.problems.warning(element.position, text);
  };
  return [
    ...readers,
    ["same_field", (element, draft) => draft.sameDynamic.push(element.content)],
    ["different_field", differentField],
    ["not_same_field", differentField],
    ["same_agent", deprecated],
    ["not_same_agent", deprecated],
  ];
}

const PARENT_OPTIONS: [string, OptionReader][] = [
  [
    "if_sid",
    (element, draft) => {
      if (draft.ifSid === null) draft.ifSid = { text: element.content, element };
      else draft.ifSid.text += element.content;
    },
  ],
  [
    "if_group",
    (element, draft) => {
      draft.ifGroup = (draft.ifGroup ?? "") + element.content;
    },
  ],
  [
    "if_level",
    (element, draft) => {
      const level = readInteger(element, /^\d{1,2}$/);
      if (level !== null && level > 0) draft.ifLevel = level;
      else {
        const text = `(7609): Invalid 'if_level' value: '${element.content}'. Rule '${draft.ruleId}' will be ignored.`;
        draft.problems.warning(element.position, text, "a level from 1 to 16");
        draft.usable = false;
      }
    },
  ],
  [
    "if_matched_sid",
    (element, draft) => {
      draft.ifMatchedSid = readInteger(element, /^\d{1,6}$/);
      if (draft.ifMatchedSid !== null) return;
      const text = `(7615): Invalid 'if_matched_sid' value: '${element.content}'. Rule '${draft.ruleId}' will be ignored.`;
      draft.problems.warning(element.position, text, "one rule id");
      draft.usable = false;
    },
  ],
  [
    "if_matched_group",
    (element, draft) => {
      const text = (draft.ifMatchedGroup?.text ?? "") + element.content;
      draft.ifMatchedGroup = { text, element };
    },
  ],
  [
    "if_matched_regex",
    (element, draft) => {
      const text = (draft.ifMatchedRegex?.text ?? "") + element.content;
      draft.ifMatchedRegex = { text, kind: "osregex", negate: false, subject: { kind: "log" }, element };
    },
  ],
  [
    "category",
    (element, draft) => {
      draft.category = categoryOf(element.content);
      if (draft.category !== null) return;
      const text = `(1273): Invalid category '${element.content}' in rule '${draft.ruleId}'.`;
      draft.problems.error(element.position, text, `one of ${CATEGORY_NAMES.join(", ")}`);
    },
  ],
];

const TEXT_OPTIONS: [string, OptionReader][] = [
  [
    "description",
    (element, draft) => {
      draft.description = (draft.description ?? "") + element.content.replace("\n", " ");
    },
  ],
  [
    "info",
    (element, draft) => {
      draft.info = (draft.info ?? "") + element.content;
    },
  ],
  [
    "cve",
    (element, draft) => {
      draft.cve = (draft.cve ?? "") + element.content;
    },
  ],
  [
    "group",
    (element, draft) => {
      draft.groupText += element.content;
    },
  ],
];

const OTHER_OPTIONS: [string, OptionReader][] = [
  [
    "decoded_as",
    (element, draft) => {
      draft.decodedAs = { name: (draft.decodedAs?.name ?? "") + element.content, element };
    },
  ],
  [
    "if_fts",
    (_element, draft) => {
      draft.firstTimeSeen = true;
    },
  ],
  [
    "compiled_rule",
    (element, draft) => {
      draft.compiled = COMPILED_RULES.find((name) => name === element.content) ?? null;
      if (draft.compiled !== null) return;
      const text = `Invalid option 'compiled_rule' for rule '${draft.ruleId}'.`;
      draft.problems.error(element.position, text, `one of ${COMPILED_RULES.join(", ")}`);
    },
  ],
  [
    "time",
    (element, draft) => {
      draft.time = parseDayWindow(element.content);
      if (draft.time !== null) return;
      const text = `(1240): Invalid time format: '${element.content}'.`;
      draft.problems.error(element.position, text, "hh[:mm][am|pm]-hh[:mm][am|pm]");
    },
  ],
  [
    "weekday",
    (element, draft) => {
      draft.weekdays = parseWeekdays(element.content);
      if (draft.weekdays !== null) return;
      const text = `(1241): Invalid day format: '${element.content}'.`;
      draft.problems.error(element.position, text, "names of days, weekdays or weekends");
    },
  ],
  [
    "check_diff",
    (_element, draft) => {
      draft.checkDiff = true;
    },
  ],
  [
    "global_frequency",
    (_element, draft) => {
      draft.globalFrequency = true;
    },
  ],
  [
    "ignore",
    (element, draft) => {
      draft.ignored = readIgnored(element);
    },
  ],
  [
    "check_if_ignored",
    (element, draft) => {
      draft.checkIfIgnored = readIgnored(element);
    },
  ],
  ["options", readOptions],
  ["mitre", readMitre],
  ["list", readList],
];

/** Readers by lower-case element name. */
export const RULE_OPTION_READERS: ReadonlyMap<string, OptionReader> = new Map([
  ...[...OSMATCH_OPTIONS].map(([name, subject]): [string, OptionReader] => [
    name,
    patternOption(subject, "osmatch"),
  ]),
  ["regex", patternOption({ kind: "log" }, "osregex")],
  ["action", patternOption({ kind: "static", field: "action" }, "string")],
  ["field", readField],
  ["srcip", addressOption("srcip")],
  ["dstip", addressOption("dstip")],
  ...PARENT_OPTIONS,
  ...TEXT_OPTIONS,
  ...OTHER_OPTIONS,
  ...correlationOptions(),
]);

/** Elements whose names the peer compares with case. */
export const CASE_SENSITIVE_OPTIONS: ReadonlySet<string> = new Set(
  [...RULE_OPTION_READERS.keys()].filter((name) =>
    /^(?:same_(?:id|url|data|extra_data|status|system_name|srcgeoip|dstgeoip)|different_(?:srcip|data)|not_same_source_ip)$/.test(
      name,
    ),
  ),
);
