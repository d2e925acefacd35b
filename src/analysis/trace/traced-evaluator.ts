/**
 * Finds the rule of an event as `Evaluator` does, and writes down the way: every sibling is tried in its order, without the shortcuts
 * that tell beforehand which cannot hold. The same checks and the same stateful conditions give the same verdict.
 */
import type { EventMemory } from "../correlate/event-memory.ts";
import type { Event } from "../event.ts";
import type { CompiledRule, CompiledRules, RuleNode, Siblings } from "../match/compiled-rule.ts";
import type { Match, StatefulConditions } from "../match/evaluator.ts";
import type { Correlation } from "../ruleset/rule.ts";
import { firstTimeSeenLine } from "../state/first-time-seen.ts";
import {
  type ConditionTools,
  type FailedCondition,
  type ShownCondition,
  tryConditions,
  tryLists,
} from "./conditions.ts";
import { countForSearch } from "./search-count.ts";
import type { RuleTry, Trace } from "./trace.ts";

export type TracedSet = ConditionTools & { readonly rules: CompiledRules };

/** What is gathered on the way down. */
type Walk = {
  readonly event: Event;
  parent: CompiledRule | null;
  previousLogs: readonly string[];
  previousOutput: string | null;
};

export class TracedEvaluator {
  readonly #set: TracedSet;
  readonly #memory: EventMemory;
  readonly #conditions: StatefulConditions;

  constructor(set: TracedSet, memory: EventMemory, conditions: StatefulConditions) {
    this.#set = set;
    this.#memory = memory;
    this.#conditions = conditions;
  }

  evaluate(event: Event, trace: Trace): Match | null {
    const roots = this.#set.rules.rootsByCategory.get(event.category);
    if (roots === undefined) return null;
    const walk: Walk = { event, parent: null, previousLogs: [], previousOutput: null };
    const rule = this.#firstOf(roots, walk, trace.rules);
    if (rule === null) return null;
    const { parent, previousLogs, previousOutput } = walk;
    return { rule, parent, previousLogs, previousOutput };
  }

  #firstOf({ nodes }: Siblings, walk: Walk, tries: RuleTry[]): CompiledRule | null {
    for (const node of nodes) {
      const tried: RuleTry = { node, conditionsHeld: 0, failed: null, search: null, below: [], won: false };
      tries.push(tried);
      const rule = this.#try(node, walk, tried);
      tried.won = rule !== null;
      if (rule !== null) return rule;
    }
    return null;
  }

  #try({ rule, children }: RuleNode, walk: Walk, tried: RuleTry): CompiledRule | null {
    const { held, failed } = tryConditions(rule.definition, walk.event, this.#set);
    tried.conditionsHeld = held;
    tried.failed = failed ?? this.#tryStateful(rule, walk, tried);
    if (tried.failed !== null) return null;
    const below = this.#firstOf(children, walk, tried.below);
    if (below !== null) {
      walk.parent ??= rule;
      return below;
    }
    return rule.definition.noAlert ? null : rule;
  }

  /** What may change state, and what stands behind that. */
  #tryStateful(rule: CompiledRule, walk: Walk, tried: RuleTry): FailedCondition | null {
    const { event } = walk;
    if (rule.checkDiff) {
      const previous = this.#conditions.changedOutput(event, rule);
      if (previous === null) return { condition: plain("check_diff"), value: event.log };
      walk.previousOutput = previous;
      tried.conditionsHeld++;
    }
    if (rule.firstTimeSeen) {
      const value = firstTimeSeenLine(event);
      if (!this.#conditions.firstTimeSeen(event)) return { condition: plain("if_fts"), value };
      tried.conditionsHeld++;
    }
    const lists = tryLists(rule.definition, event, this.#set);
    tried.conditionsHeld += lists.held;
    if (lists.failed !== null) return lists.failed;
    const { correlation } = rule.definition;
    if (rule.search === null || correlation === null) return null;
    tried.search = countForSearch(rule.search, correlation, event, {
      memory: this.#memory,
      places: this.#set.places,
    });
    const previousLogs = this.#memory.search(rule.search, event);
    if (previousLogs === null) return { condition: sourceCondition(correlation), value: null };
    walk.previousLogs = previousLogs;
    tried.conditionsHeld++;
    return null;
  }
}

function plain(option: string): ShownCondition {
  return { option, attributes: {}, text: "" };
}

function sourceCondition({ source }: Correlation): ShownCondition {
  if (source.kind === "rule") return { ...plain("if_matched_sid"), text: String(source.id) };
  if (source.kind === "group") return { ...plain("if_matched_group"), text: source.group.text };
  return { ...plain("if_matched_regex"), text: source.log?.text ?? "" };
}
