/** The parts of an alert that depend on the rule alone, made once: description template, group and compliance arrays. */
import type { RuleDefinition } from "../ruleset/rule.ts";
import type { DescriptionPart, ShownRule } from "./compiled-rule.ts";

/** The peer splits at most so many bytes of a rule's group text. */
const GROUP_TEXT_SHOWN_MAX = 1023;

const COMPLIANCE_PREFIXES: readonly (readonly [prefix: string, key: string])[] = [
  ["pci_dss_", "pci_dss"],
  ["cis_", "cis"],
  ["gdpr_", "gdpr"],
  ["gpg13_", "gpg13"],
  ["hipaa_", "hipaa"],
  ["nist_800_53_", "nist_800_53"],
  ["tsc_", "tsc"],
];

/** Group names without and with a compliance prefix; the keys in order of first appearance. */
export function splitGroups(groupText: string): ReadonlyMap<string, readonly string[]> {
  const byKey = new Map<string, string[]>([["groups", []]]);
  for (const name of groupText.slice(0, GROUP_TEXT_SHOWN_MAX).split(",")) {
    if (name === "") continue;
    const compliance = COMPLIANCE_PREFIXES.find(([prefix]) => name.startsWith(prefix));
    const key = compliance === undefined ? "groups" : compliance[1];
    const shown = compliance === undefined ? name : name.slice(compliance[0].length);
    const known = byKey.get(key);
    if (known === undefined) byKey.set(key, [shown]);
    else known.push(shown);
  }
  return byKey;
}

/** Null when there is no `$(field)` to fill in. */
export function descriptionParts(description: string): readonly DescriptionPart[] | null {
  const parts: DescriptionPart[] = [];
  let from = 0;
  for (;;) {
    const start = description.indexOf("$(", from);
    const end = start < 0 ? -1 : description.indexOf(")", start);
    if (end < 0) break;
    parts.push({ text: description.slice(from, start) }, { field: description.slice(start + 2, end) });
    from = end + 1;
  }
  if (parts.length === 0) return null;
  parts.push({ text: description.slice(from) });
  return parts;
}

export type ShownFacts = {
  /** The rule has a stateful search: its alerts show `frequency`. */
  readonly searches: boolean;
  readonly mailed: boolean;
  /** JSON of `mitre`; null when there is none. */
  readonly mitre: string | null;
};

export function shownRule(rule: RuleDefinition, { searches, mailed, mitre }: ShownFacts): ShownRule {
  const groups = splitGroups(rule.groupText);
  const arrays = [...groups].map(([key, names]) => `${JSON.stringify(key)}:${JSON.stringify(names)}`);
  const parts = descriptionParts(rule.description);
  const level = rule.level > 0 ? `"level":${rule.level},` : "";
  const description = parts === null ? JSON.stringify(rule.description) : "";
  const middle = [
    `,"id":"${rule.id}"`,
    mitre === null ? "" : `,"mitre":${mitre}`,
    rule.cve === null ? "" : `,"cve":${JSON.stringify(rule.cve)}`,
    rule.info === null ? "" : `,"info":${JSON.stringify(rule.info)}`,
    searches ? `,"frequency":${rule.frequency ?? 2}` : "",
  ];
  return {
    descriptionParts: parts,
    jsonStart: `{${level}"description":${description}`,
    jsonMiddle: middle.join(""),
    logStart: `Rule: ${rule.id} (level ${rule.level}) -> '`,
    jsonTail: `,"mail":${mailed},${arrays.join(",")}}`,
  };
}
