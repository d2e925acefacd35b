/**
 * A number for each rule that changes when the rule changes or one above it: what was counted for a rule goes on over a change of the
 * rule set when the number stays. Where a rule stands in its file says nothing.
 */
import { crc32 } from "node:zlib";
import type { CompiledRules, Siblings } from "./compiled-rule.ts";

/** What the definition of a rule holds besides plain values. */
function plainValue(key: string, value: unknown): unknown {
  if (key === "position") return undefined;
  if (value instanceof Set) return [...value];
  const isPattern = typeof value === "object" && value !== null && "text" in value && "test" in value;
  return isPattern && "kind" in value ? [value.kind, value.text] : value;
}

/** By the rule's number. */
export function ruleFingerprints({ rules, rootsByCategory }: CompiledRules): Uint32Array {
  const own = rules.map(({ definition }) => crc32(JSON.stringify(definition, plainValue)));
  const fingerprints = Uint32Array.from(own);
  const visit = ({ nodes }: Siblings, above: number): void => {
    for (const { rule, children } of nodes) {
      const here = crc32(`${above} ${own[rule.number] ?? 0}`);
      // A rule may stand in several places: a sum says nothing of their order.
      fingerprints[rule.number] = (fingerprints[rule.number] ?? 0) + here;
      visit(children, here);
    }
  };
  for (const [category, siblings] of rootsByCategory) visit(siblings, category);
  return fingerprints;
}
