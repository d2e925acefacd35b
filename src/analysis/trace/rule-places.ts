/**
 * Why a rule was or was not an event's rule: each of its places in the tree with the rules above it, and what became of each.
 *
 * To be asked right after the event was traced: fields are read where the engine holds them until the next event.
 */
import type { Event } from "../event.ts";
import type { CompiledRule, RuleNode } from "../match/compiled-rule.ts";
import { type FailedCondition, tryConditions, tryLists } from "./conditions.ts";
import type { SearchCount } from "./search-count.ts";
import type { RuleTry, Trace } from "./trace.ts";
import type { TracedSet } from "./traced-evaluator.ts";

export type PlaceStep = {
  readonly rule: CompiledRule;
  readonly outcome: "held" | "failed" | "not_tried";
  /** Of a rule that was not tried: the condition that does not hold all the same. */
  readonly failed: FailedCondition | null;
  readonly search: SearchCount | null;
  /** Why it was not tried, when it is not for the rule above: a sibling before it took the event. */
  readonly takenBy: CompiledRule | null;
};

/** From the template down to the rule. */
export type RulePlace = readonly PlaceStep[];

/** What a trace was taken of. */
export type Traced = { readonly set: TracedSet; readonly trace: Trace; readonly event: Event };

function* pathsTo(
  ruleId: number,
  nodes: readonly RuleNode[],
  above: readonly RuleNode[],
): Generator<RuleNode[]> {
  for (const node of nodes) {
    const path = [...above, node];
    if (node.rule.id === ruleId) yield path;
    yield* pathsTo(ruleId, node.children.nodes, path);
  }
}

/** `roots` are the tries of the template's siblings; there are none when it is for another category. */
function placeOf(path: readonly RuleNode[], roots: readonly RuleTry[], { set, event }: Traced): RulePlace {
  let tries = roots;
  return path.map((node): PlaceStep => {
    const { rule } = node;
    const tried = tries.find((candidate) => candidate.node === node);
    if (tried !== undefined) {
      tries = tried.below;
      const { failed, search } = tried;
      return { rule, outcome: failed === null ? "held" : "failed", failed, search, takenBy: null };
    }
    const takenBy = tries.find(({ won }) => won)?.node.rule ?? null;
    tries = [];
    const failed =
      tryConditions(rule.definition, event, set).failed ?? tryLists(rule.definition, event, set).failed;
    return { rule, outcome: "not_tried", failed, search: null, takenBy };
  });
}

function heldSteps(place: RulePlace): number {
  return place.filter(({ outcome }) => outcome === "held").length;
}

/** The place that came nearest first. Empty for a rule that the set does not have. */
export function placesOf(ruleId: number, traced: Traced): readonly RulePlace[] {
  const { set, trace, event } = traced;
  const places: RulePlace[] = [];
  for (const [category, { nodes }] of set.rules.rootsByCategory) {
    const roots = category === event.category ? trace.rules : [];
    for (const path of pathsTo(ruleId, nodes, [])) places.push(placeOf(path, roots, traced));
  }
  return places.sort((left, right) => heldSteps(right) - heldSteps(left));
}
