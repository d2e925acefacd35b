/**
 * The elements that may stand in a `<rule>`: one function each, in a table by name. A function writes what it read into the draft of
 * its rule; rule-reader.ts turns the draft into a definition.
 */
import { STATIC_FIELDS, type StaticField } from "#analysis/plugins/sink.ts";
import type { PatternKind } from "#formats/patterns/pattern.ts";
import type { XmlElement } from "#formats/xml/elements.ts";
import { parseNetwork } from "./address-set.ts";
import { attributeOf } from "./attributes.ts";
import { CATEGORY_NAMES, categoryOf } from "./category.ts";
import type {
  ComparedField,
  CompiledRuleName,
  IgnoredFields,
  ListLookup,
  RuleOption,
  Subject,
} from "./rule.ts";
import {
  compileOption,
  dropRule,
  type FlagOption,
  joinedText,
  type RuleDraft,
  readKind,
  readNegate,
  type TextOption,
} from "./rule-draft.ts";
import { readMitre } from "./rule-mitre.ts";
import { parseDayWindow, parseWeekdays } from "./time-window.ts";

export type OptionReader = (element: XmlElement, draft: RuleDraft) => void;

type OptionTable = Readonly<Record<string, OptionReader>>;

const MATCH_SUBJECTS: Readonly<Record<string, Subject>> = {
  match: { kind: "log" },
  user: { kind: "user", sourceFirst: false },
  hostname: { kind: "hostname" },
  program_name: { kind: "program_name" },
  location: { kind: "location" },
  srcgeoip: { kind: "place", field: "srcip" },
  dstgeoip: { kind: "place", field: "dstip" },
  ...staticSubjects([
    "url",
    "id",
    "srcport",
    "dstport",
    "status",
    "protocol",
    "system_name",
    "data",
    "extra_data",
  ]),
};

const LIST_SUBJECTS: ReadonlyMap<string, Subject> = new Map(
  Object.entries<Subject>({
    user: { kind: "user", sourceFirst: true },
    hostname: { kind: "hostname" },
    program_name: { kind: "program_name" },
    ...staticSubjects(STATIC_FIELDS.filter((field) => field !== "srcuser" && field !== "dstuser")),
  }),
);

function staticSubjects(fields: readonly StaticField[]): Readonly<Record<string, Subject>> {
  return Object.fromEntries(fields.map((field): [string, Subject] => [field, { kind: "static", field }]));
}

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

const IGNORED_STATICS: ReadonlyMap<string, StaticField> = new Map<string, StaticField>([
  ["user", "dstuser"],
  ["srcip", "srcip"],
  ["dstip", "dstip"],
  ["id", "id"],
  ["data", "data"],
]);

/** What `same_…` and `different_…` may end in. */
const COMPARED_FIELDS: Readonly<Record<string, ComparedField>> = {
  srcip: "srcip",
  source_ip: "srcip",
  dstip: "dstip",
  srcport: "srcport",
  src_port: "srcport",
  dstport: "dstport",
  dst_port: "dstport",
  srcuser: "srcuser",
  user: "dstuser",
  location: "location",
  srcgeoip: "srcgeoip",
  dstgeoip: "dstgeoip",
  id: "id",
  protocol: "protocol",
  action: "action",
  url: "url",
  data: "data",
  extra_data: "extra_data",
  status: "status",
  system_name: "system_name",
};

function readText(option: TextOption): OptionReader {
  return (element, draft) => {
    const known = draft.texts.get(option);
    const text = joinedText(known?.text ?? "", element, draft);
    draft.texts.set(option, { text, element: known?.element ?? element });
  };
}

function readFlag(option: FlagOption): OptionReader {
  return (_element, draft) => draft.flags.add(option);
}

/** Texts of a repeated pattern are joined; kind and negation of the last one rule. */
function readPattern(option: string, subject: Subject, defaultKind: PatternKind): OptionReader {
  return (element, draft) => {
    const known = draft.patterns.get(option);
    draft.patterns.set(option, {
      // The peer looks at `negate` before `type`: the order of its warnings.
      negate: readNegate(element, draft),
      kind: readKind(element, defaultKind, draft),
      text: joinedText(known?.text ?? "", element, draft),
      subject,
      element: known?.element ?? element,
    });
  };
}

function matchReaders(): OptionTable {
  return Object.fromEntries(
    Object.entries(MATCH_SUBJECTS).map(([option, subject]) => [
      option,
      readPattern(option, subject, "osmatch"),
    ]),
  );
}

function readField(element: XmlElement, draft: RuleDraft): void {
  const name = attributeOf(element, "name");
  const refuse = (reason: string, expected: string) =>
    draft.problems.error(element.position, `Failure to read rule ${draft.ruleId}. ${reason}.`, expected);
  if (name === null) refuse("No such attribute 'name' for field", '<field name="…">');
  else if (RESERVED_FIELD_NAMES.has(name.toLowerCase())) {
    refuse(`Field '${name}' is static`, `<${name.toLowerCase()}> instead of <field>`);
  } else {
    draft.fields.push({
      negate: readNegate(element, draft),
      kind: readKind(element, "osregex", draft),
      text: joinedText("", element, draft),
      subject: { kind: "dynamic", name },
      element,
    });
  }
}

/** Several addresses mean any of them; the negation of the last one rules. */
function readAddress(field: "srcip" | "dstip"): OptionReader {
  return (element, draft) => {
    const known = draft.addresses.get(field) ?? { networks: [], texts: [], negate: false };
    draft.addresses.set(field, known);
    known.negate = readNegate(element, draft);
    known.texts.push(element.content);
    const network = parseNetwork(element.content);
    if (network !== null) known.networks.push(network);
    else {
      const message = `(1237): Invalid ip address: '${element.content}'.`;
      draft.problems.error(element.position, message, "an IPv4 or IPv6 address, a network, or any");
    }
  };
}

function readIfLevel(element: XmlElement, draft: RuleDraft): void {
  if (/^\d{1,2}$/.test(element.content) && Number(element.content) > 0) {
    draft.ifLevel = Number(element.content);
  } else {
    dropRule(
      draft,
      element,
      `(7609): Invalid 'if_level' value: '${element.content}'`,
      "a level from 1 to 16",
    );
  }
}

function readIfMatchedSid(element: XmlElement, draft: RuleDraft): void {
  if (/^\d{1,6}$/.test(element.content)) draft.ifMatchedSid = Number(element.content);
  else
    dropRule(draft, element, `(7615): Invalid 'if_matched_sid' value: '${element.content}'`, "one rule id");
}

function readCategory(element: XmlElement, draft: RuleDraft): void {
  draft.category = categoryOf(element.content);
  if (draft.category !== null) return;
  const message = `(1273): Invalid category '${element.content}' in rule '${draft.ruleId}'.`;
  draft.problems.error(element.position, message, `one of ${CATEGORY_NAMES.join(", ")}`);
}

function readCompiledRule(element: XmlElement, draft: RuleDraft): void {
  draft.compiled = COMPILED_RULES.find((name) => name === element.content) ?? null;
  if (draft.compiled !== null) return;
  const message = `Invalid option 'compiled_rule' for rule '${draft.ruleId}'.`;
  draft.problems.error(element.position, message, `one of ${COMPILED_RULES.join(", ")}`);
}

function readTime(element: XmlElement, draft: RuleDraft): void {
  draft.time = parseDayWindow(element.content);
  if (draft.time !== null) return;
  const message = `(1240): Invalid time format: '${element.content}'.`;
  draft.problems.error(element.position, message, "hh[:mm][am|pm]-hh[:mm][am|pm]");
}

function readWeekday(element: XmlElement, draft: RuleDraft): void {
  draft.weekdays = parseWeekdays(element.content);
  if (draft.weekdays !== null) return;
  const message = `(1241): Invalid day format: '${element.content}'.`;
  draft.problems.error(element.position, message, "names of days, weekdays or weekends");
}

function readOptions(element: XmlElement, draft: RuleDraft): void {
  const option = RULE_OPTIONS.find((candidate) => candidate === element.content);
  if (option !== undefined) {
    draft.options.push(option);
    return;
  }
  const message = `(1235): Invalid value for element 'options': ${element.content}.`;
  draft.problems.error(element.position, message, `one of ${RULE_OPTIONS.join(", ")}`);
  draft.problems.error(element.position, `Invalid option 'options' for rule '${draft.ruleId}'.`);
}

function readList(element: XmlElement, draft: RuleDraft): void {
  const path = element.content;
  const [field = ""] = (attributeOf(element, "field") ?? "").split(" ", 1);
  const lookupText = attributeOf(element, "lookup") ?? "match_key";
  const lookup = LIST_LOOKUPS.find((candidate) => candidate === lookupText);
  if (field === "" || lookup === undefined) {
    const message = `Invalid list options in rule '${draft.ruleId}'.`;
    const expected = `field="…" and lookup one of ${LIST_LOOKUPS.join(", ")}`;
    draft.problems.error(element.position, message, expected);
    return;
  }
  if (!draft.names.lists.has(path)) {
    dropRule(draft, element, `(7616): List '${path}' could not be loaded`, "a list that <ruleset> names");
    return;
  }
  const text = attributeOf(element, "check_value");
  const value = text === null ? null : compileOption("list", "osmatch", { text, element }, draft);
  const subject = LIST_SUBJECTS.get(field) ?? { kind: "dynamic", name: field };
  draft.lists.push({ subject, lookup, path, value });
}

function readIgnored(element: XmlElement): IgnoredFields {
  const words = element.content
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
  const isDynamic = (word: string) => !IGNORED_STATICS.has(word) && word !== "location" && word !== "name";
  return {
    statics: new Set(words.flatMap((word) => IGNORED_STATICS.get(word) ?? [])),
    location: words.includes("location"),
    name: words.includes("name"),
    dynamics: words.filter(isDynamic),
  };
}

function warnDeprecated(element: XmlElement, draft: RuleDraft): void {
  const message = `Detected a deprecated field option for rule, ${element.name} is not longer available.`;
  draft.problems.warning(element.position, message);
}

function comparisonReaders(): OptionTable {
  const readers: Record<string, OptionReader> = {
    same_field: (element, draft) => draft.sameDynamic.push(element.content),
    same_agent: warnDeprecated,
    not_same_agent: warnDeprecated,
  };
  for (const [word, field] of Object.entries(COMPARED_FIELDS)) {
    readers[`same_${word}`] = (_element, draft) => draft.same.push(field);
  }
  // Two words for one thing.
  for (const prefix of ["different", "not_same"]) {
    readers[`${prefix}_field`] = (element, draft) => draft.differentDynamic.push(element.content);
    for (const [word, field] of Object.entries(COMPARED_FIELDS)) {
      readers[`${prefix}_${word}`] = (_element, draft) => draft.different.push(field);
    }
  }
  return readers;
}

/** Readers by lower-case element name. */
const READERS: ReadonlyMap<string, OptionReader> = new Map(
  Object.entries<OptionReader>({
    ...matchReaders(),
    regex: readPattern("regex", { kind: "log" }, "osregex"),
    action: readPattern("action", { kind: "static", field: "action" }, "string"),
    field: readField,
    srcip: readAddress("srcip"),
    dstip: readAddress("dstip"),
    // A description is one line: the first line feed of each part becomes a blank.
    description: (element, draft) => {
      readText("description")({ ...element, content: element.content.replace("\n", " ") }, draft);
    },
    info: readText("info"),
    cve: readText("cve"),
    group: readText("group"),
    mitre: readMitre,
    options: readOptions,
    decoded_as: readText("decoded_as"),
    category: readCategory,
    if_sid: readText("if_sid"),
    if_group: readText("if_group"),
    if_level: readIfLevel,
    if_matched_sid: readIfMatchedSid,
    if_matched_group: readText("if_matched_group"),
    if_matched_regex: readText("if_matched_regex"),
    if_fts: readFlag("if_fts"),
    check_diff: readFlag("check_diff"),
    global_frequency: readFlag("global_frequency"),
    ...comparisonReaders(),
    compiled_rule: readCompiledRule,
    time: readTime,
    weekday: readWeekday,
    list: readList,
    ignore: (element, draft) => {
      draft.ignoredFields = readIgnored(element);
    },
    check_if_ignored: (element, draft) => {
      draft.checkIfIgnored = readIgnored(element);
    },
  }),
);

/** The elements whose names the peer compares with case. */
const CASE_SENSITIVE =
  /^(?:same_(?:id|url|data|extra_data|status|system_name|srcgeoip|dstgeoip)|different_(?:srcip|data)|not_same_source_ip)$/;

/** The reader of an element, or undefined when no rule may have it. */
export function optionReaderOf(name: string): OptionReader | undefined {
  const lowerName = name.toLowerCase();
  if (name !== lowerName && CASE_SENSITIVE.test(lowerName)) return undefined;
  return READERS.get(lowerName);
}
