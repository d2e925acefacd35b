/**
 * Finds the rule of an event: from the templates of its category down, the first sibling that holds and has a result wins
 * (wazuh v4.14.7: src/analysisd/analysisd.c, OS_CheckIfRuleMatch).
 */
import type { EventMemory } from "../correlate/event-memory.ts";
import type { Event } from "../event.ts";
import type { CompiledRule, CompiledRules, RuleNode, Siblings } from "./compiled-rule.ts";

/** What a rule needs beyond the event itself; both may change state, so they run after every pure check held. */
export interface StatefulConditions {
  /** `if_fts`: true the first time. */
  firstTimeSeen(event: Event): boolean;
  /** `check_diff`: the earlier output when it differs from the event, else null. */
  changedOutput(event: Event, rule: CompiledRule): string | null;
}

export type Match = {
  readonly rule: CompiledRule;
  /** The rule directly above, where there is one. */
  readonly parent: CompiledRule | null;
  /** Logs of the earlier events that a composite rule counted, newest first. */
  readonly previousLogs: readonly string[];
  /** The output that `check_diff` compared with. */
  readonly previousOutput: string | null;
};

export class Evaluator {
  readonly #rules: CompiledRules;
  readonly #memory: EventMemory;
  readonly #conditions: StatefulConditions;
  #parent: CompiledRule | null = null;
  #previousLogs: readonly string[] = [];
  #previousOutput: string | null = null;

  constructor(rules: CompiledRules, memory: EventMemory, conditions: StatefulConditions) {
    this.#rules = rules;
    this.#memory = memory;
    this.#conditions = conditions;
  }

  evaluate(event: Event): Match | null {
    const roots = this.#rules.rootsByCategory.get(event.category);
    if (roots === undefined) return null;
    this.#parent = null;
    this.#previousLogs = [];
    this.#previousOutput = null;
    const rule = this.#firstOf(roots, event);
    if (rule === null) return null;
    return {
      rule,
      parent: this.#parent,
      previousLogs: this.#previousLogs,
      previousOutput: this.#previousOutput,
    };
  }

  #firstOf(siblings: Siblings, event: Event): CompiledRule | null {
    const { nodes, index } = siblings;
    if (index === null) {
      for (const node of nodes) {
        const rule = this.#try(node, event);
        if (rule !== null) return rule;
      }
      return null;
    }
    for (const position of index.candidates(event)) {
      const node = nodes[position];
      const rule = node === undefined ? null : this.#try(node, event);
      if (rule !== null) return rule;
    }
    return null;
  }

  #try(node: RuleNode, event: Event): CompiledRule | null {
    const { rule } = node;
    for (const check of rule.checks) if (!check(event)) return null;
    if (!this.#statefulHolds(rule, event)) return null;
    if (node.children.nodes.length > 0) {
      const below = this.#firstOf(node.children, event);
      if (below !== null) {
        this.#parent ??= rule;
        return below;
      }
    }
    return rule.definition.noAlert ? null : rule;
  }

  #statefulHolds(rule: CompiledRule, event: Event): boolean {
    if (rule.checkDiff) {
      const previous = this.#conditions.changedOutput(event, rule);
      if (previous === null) return false;
      this.#previousOutput = previous;
    }
    if (rule.firstTimeSeen && !this.#conditions.firstTimeSeen(event)) return false;
    for (const check of rule.lateChecks) if (!check(event)) return false;
    if (rule.search === null) return true;
    const previousLogs = this.#memory.search(rule.search, event);
    if (previousLogs === null) return false;
    this.#previousLogs = previousLogs;
    return true;
  }
}
