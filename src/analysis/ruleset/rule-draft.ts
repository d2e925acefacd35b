/** What the elements of one `<rule>` have said so far: rule-options.ts fills it, rule-reader.ts makes a definition of it. */
import { compilePattern, type Pattern, type PatternKind } from "#formats/patterns/pattern.ts";
import type { XmlElement } from "#formats/xml/elements.ts";
import type { Network } from "./address-set.ts";
import { attributeOf } from "./attributes.ts";
import type { ProblemList } from "./problems.ts";
import type {
  ComparedField,
  CompiledRuleName,
  IgnoredFields,
  ListUse,
  MitreReference,
  RuleOption,
  Subject,
} from "./rule.ts";
import type { DayWindow, WeekdaySet } from "./time-window.ts";

/** The peer's buffer for the text of one element. More may be joined to a text that is not longer. */
export const OPTION_BYTES_MAX = 2047;

/** What was loaded before the rules, and may be named by them. */
export type KnownNames = {
  readonly decoders: { has(name: string): boolean };
  readonly lists: { has(path: string): boolean };
};

/** Options that are plain text; those of a repeated one are joined. */
export type TextOption =
  | "description"
  | "info"
  | "cve"
  | "group"
  | "decoded_as"
  | "if_sid"
  | "if_group"
  | "if_matched_group"
  | "if_matched_regex";

export type FlagOption = "if_fts" | "check_diff" | "global_frequency";

/** `element` is the first of a repeated option. */
export type TextDraft = { readonly text: string; readonly element: XmlElement };

export type PatternDraft = TextDraft & {
  readonly kind: PatternKind;
  readonly negate: boolean;
  readonly subject: Subject;
};

export type AddressDraft = { readonly networks: Network[]; readonly texts: string[]; negate: boolean };

export type RuleDraft = {
  readonly ruleId: number;
  readonly names: KnownNames;
  readonly problems: ProblemList;
  /** True once a warning said that the rule will be ignored. */
  dropped: boolean;
  readonly texts: Map<TextOption, TextDraft>;
  readonly patterns: Map<string, PatternDraft>;
  readonly fields: PatternDraft[];
  readonly addresses: Map<"srcip" | "dstip", AddressDraft>;
  readonly flags: Set<FlagOption>;
  readonly options: RuleOption[];
  readonly mitre: MitreReference[];
  readonly lists: ListUse[];
  category: number | null;
  ifLevel: number | null;
  ifMatchedSid: number | null;
  compiled: CompiledRuleName | null;
  time: DayWindow | null;
  weekdays: WeekdaySet | null;
  readonly same: ComparedField[];
  readonly sameDynamic: string[];
  readonly different: ComparedField[];
  readonly differentDynamic: string[];
  ignoredFields: IgnoredFields | null;
  checkIfIgnored: IgnoredFields | null;
};

export function emptyDraft(ruleId: number, names: KnownNames, problems: ProblemList): RuleDraft {
  return {
    ruleId,
    names,
    problems,
    dropped: false,
    texts: new Map(),
    patterns: new Map(),
    fields: [],
    addresses: new Map(),
    flags: new Set(),
    options: [],
    mitre: [],
    lists: [],
    category: null,
    ifLevel: null,
    ifMatchedSid: null,
    compiled: null,
    time: null,
    weekdays: null,
    same: [],
    sameDynamic: [],
    different: [],
    differentDynamic: [],
    ignoredFields: null,
    checkIfIgnored: null,
  };
}

/** A mistake that the peer answers by leaving the rule out, not by refusing the rule set. */
export function dropRule(draft: RuleDraft, element: XmlElement, reason: string, expected: string): void {
  const message = `${reason}. Rule '${draft.ruleId}' will be ignored.`;
  draft.problems.warning(element.position, message, expected);
  draft.dropped = true;
}

/** The text of an option with one element more; as it was after an error. */
export function joinedText(before: string, element: XmlElement, draft: RuleDraft): string {
  if (Math.max(before.length, element.content.length) <= OPTION_BYTES_MAX) return before + element.content;
  const message = `Option '${element.name}' of rule '${draft.ruleId}' is too long.`;
  draft.problems.error(element.position, message, `at most ${OPTION_BYTES_MAX} bytes`);
  return before;
}

/** `yes` or `no`; anything else means no, after a warning. */
export function readNegate(element: XmlElement, draft: RuleDraft): boolean {
  const value = attributeOf(element, "negate")?.toLowerCase() ?? "no";
  if (value !== "yes" && value !== "no") warnAttribute("negate", "yes or no", element, draft);
  return value === "yes";
}

const PATTERN_KINDS: readonly PatternKind[] = ["osregex", "osmatch", "pcre2"];

export function readKind(element: XmlElement, fallback: PatternKind, draft: RuleDraft): PatternKind {
  const value = attributeOf(element, "type")?.toLowerCase() ?? null;
  if (value === null) return fallback;
  const kind = PATTERN_KINDS.find((candidate) => candidate === value);
  if (kind === undefined) warnAttribute("type", PATTERN_KINDS.join(", "), element, draft);
  return kind ?? fallback;
}

function warnAttribute(name: string, expected: string, element: XmlElement, draft: RuleDraft): void {
  const value = attributeOf(element, name);
  const message = `(7600): Invalid value '${value}' for attribute '${name}' in rule ${draft.ruleId}.`;
  draft.problems.warning(element.position, message, expected);
}

/** A compiled pattern, or null after the error was reported. */
export function compileOption(
  tag: string,
  kind: PatternKind,
  { text, element }: TextDraft,
  draft: RuleDraft,
): Pattern | null {
  const outcome = compilePattern(kind, text);
  if (outcome.ok) return outcome.pattern;
  const message = `(5107): Syntax error on tag '${tag}' in rule ${draft.ruleId}`;
  draft.problems.error(element.position, message, outcome.error.message);
  return null;
}
