/** Which rules run which active responses; decided once, when the rule set is made ready (wazuh v4.14.7: src/analysisd/rules.c). */
import type { ActiveResponse } from "#config/sections/response.ts";
import { compilePattern, type Pattern } from "#formats/patterns/pattern.ts";
import type { RuleDefinition } from "../ruleset/rule.ts";

/** Most rules run none and share this list. */
const NONE: readonly ActiveResponse[] = [];

/** A group that is no valid expression is told where the configuration is read; it holds for no rule. */
type Candidate = {
  readonly response: ActiveResponse;
  readonly group: Pattern | "invalid" | null;
};

export class ResponseBinding {
  readonly #candidates: readonly Candidate[];

  constructor(responses: readonly ActiveResponse[]) {
    this.#candidates = responses.map((response) => ({ response, group: groupPattern(response.rulesGroup) }));
  }

  /** In the order of the configuration. */
  responsesOf(rule: RuleDefinition): readonly ActiveResponse[] {
    if (rule.level === 0 || rule.options.includes("no_ar")) return NONE;
    const bound = this.#candidates.filter((candidate) => binds(candidate, rule));
    return bound.length === 0 ? NONE : bound.map(({ response }) => response);
  }
}

function groupPattern(text: string | null): Candidate["group"] {
  if (text === null) return null;
  const compiled = compilePattern("osregex", text);
  return compiled.ok ? compiled.pattern : "invalid";
}

/** Level and group must both hold when both are given; one of the rule ids is enough. */
function binds({ response, group }: Candidate, rule: RuleDefinition): boolean {
  if (response.ruleIds.includes(rule.id)) return true;
  // Every rule that can run one has at least level 1, and the peer takes 0 for "not given".
  const level = response.level === null || response.level === 0 ? null : response.level;
  if (level === null && group === null) return false;
  const levelHolds = level === null || rule.level >= level;
  const groupHolds = group === null || (group !== "invalid" && group.test(rule.groupText));
  return levelHolds && groupHolds;
}
