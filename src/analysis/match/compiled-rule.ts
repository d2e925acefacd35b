/** A rule set in the form that events run through: conditions are functions, references are resolved, every rule has a number. */

import type { ActiveResponse } from "#config/sections/response.ts";
import type { Search } from "../correlate/search.ts";
import type { Event } from "../event.ts";
import type { RuleDefinition } from "../ruleset/rule.ts";
import type { SiblingIndex } from "./sibling-index.ts";

/** Pure: the order of checks does not change the verdict. */
export type Check = (event: Event) => boolean;

export type CompiledRule = {
  /** Dense, from 0: the place of the rule's counters in `RuleCounters`. */
  readonly number: number;
  readonly id: number;
  /** `id` as alerts show it. */
  readonly idText: string;
  readonly level: number;
  readonly definition: RuleDefinition;
  readonly checks: readonly Check[];
  /** Checks that stand behind `firstTimeSeen` and `checkDiff`, which change something: theirs to fail when those have had their turn. */
  readonly lateChecks: readonly Check[];
  readonly firstTimeSeen: boolean;
  readonly checkDiff: boolean;
  /** Null for a rule without `if_matched_*`. */
  readonly search: Search | null;
  /** The events of this rule are kept in a list of their own, because some rule's `if_matched_sid` names it. */
  readonly keptByRule: boolean;
  /** Composite rules whose `if_matched_group` took this rule in. */
  readonly keptForRules: readonly number[];
  readonly ignoreMs: number;
  /** Written to the alert files. */
  readonly logged: boolean;
  readonly mailed: boolean;
  readonly fullLog: boolean;
  readonly counted: boolean;
  /** Run when the rule decides about an event; empty for nearly every rule. */
  readonly responses: readonly ActiveResponse[];
  /** The parts of the alert's `rule` object that are the same for every alert. */
  readonly shown: ShownRule;
};

export type ShownRule = {
  /** Pieces of the description: texts, and names of fields to put between them; null when nothing is to be put in. */
  readonly descriptionParts: readonly DescriptionPart[] | null;
  /** JSON up to the description, and with it when nothing is to be put in: `{"level":5,"description":`. */
  readonly jsonStart: string;
  /** JSON after `firedtimes`: `,"mail":…,"groups":[…],"pci_dss":[…]}`. */
  readonly jsonTail: string;
  /** JSON between description and `firedtimes`: id, mitre, cve, info, frequency, each with its comma. */
  readonly jsonMiddle: string;
  /** The line of alerts.log up to the description: `Rule: 5715 (level 3) -> '`. */
  readonly logStart: string;
};

export type DescriptionPart = { readonly text: string } | { readonly field: string };

export type RuleNode = {
  readonly rule: CompiledRule;
  readonly children: Siblings;
};

export type Siblings = {
  readonly nodes: readonly RuleNode[];
  readonly index: SiblingIndex | null;
};

export type CompiledRules = {
  /** Template rules by category, in the order in which they are tried. */
  readonly rootsByCategory: ReadonlyMap<number, Siblings>;
  readonly rules: readonly CompiledRule[];
  readonly byId: ReadonlyMap<number, CompiledRule>;
  /** The largest count that any composite rule asks for; the trimming of the event memory uses it. */
  readonly frequencyMax: number;
};
