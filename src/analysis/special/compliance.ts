/**
 * Compliance requirements that an event itself names: checks of SCA in their fields, findings of rootcheck in braces of their text.
 * They join those of the rule's groups (wazuh v4.14.7: src/analysisd/format/json_extended.c).
 */
import { parseCJson } from "#analysis/plugins/cjson.ts";
import type { Event } from "../event.ts";
import { splitGroups } from "../match/shown-rule.ts";

const SCA_PREFIX = "sca.check.compliance.";
const ROOTCHECK_GROUP = "rootcheck";

/** The peer looks at so much of a rootcheck text, and has room for so many results. */
const ROOTCHECK_TEXT_BYTES_MAX = 1023;
const ROOTCHECK_REQUIREMENTS_MAX = 10;
const REQUIREMENT = /\{([A-Za-z0-9_]+): ([A-Za-z0-9_., ]*)\}/g;

/** Keys of `rule` that say something else: an event must not change them. */
const RULE_KEYS: ReadonlySet<string> = new Set([
  "level",
  "description",
  "id",
  "mitre",
  "cve",
  "info",
  "frequency",
  "firedtimes",
  "mail",
  "groups",
]);

type Arrays = Map<string, readonly string[]>;

/**
 * The arrays of `rule` when the event adds to them: `"groups":[…],"pci_dss":[…]`. Null when it does not, as nearly always.
 *
 * A key that rule and event both name is one array; for rootcheck the peer writes the key twice, which no index takes.
 */
export function ruleArraysWith(event: Event, groupText: string): string | null {
  const ofChecks = event.dynamicNames.some((name) => name.startsWith(SCA_PREFIX));
  const ofRootcheck = groupText.includes(ROOTCHECK_GROUP) && event.fullLog.includes("{");
  if (!ofChecks && !ofRootcheck) return null;
  const arrays: Arrays = new Map(splitGroups(groupText));
  if (ofChecks) addCheckRequirements(arrays, event);
  if (arrays.get("groups")?.includes(ROOTCHECK_GROUP)) addTextRequirements(arrays, event.fullLog);
  return [...arrays].map(([key, values]) => `${JSON.stringify(key)}:${JSON.stringify(values)}`).join(",");
}

function addCheckRequirements(arrays: Arrays, event: Event): void {
  const seen = new Set<string>();
  for (const [index, name] of event.dynamicNames.entries()) {
    if (!name.startsWith(SCA_PREFIX)) continue;
    const key = name.slice(SCA_PREFIX.length);
    const value = event.dynamicValues[index] ?? "";
    const lowerKey = key.toLowerCase();
    // As the document has it: the first of equal names, and neither an object (a name with a dot) nor an array.
    if (value === "" || key.includes(".") || seen.has(lowerKey)) continue;
    seen.add(lowerKey);
    if (isWholeArray(value)) continue;
    const requirements = listOf(value).filter((requirement) => requirement !== "");
    if (requirements.length > 0) add(arrays, key, requirements);
  }
}

function addTextRequirements(arrays: Arrays, fullLog: string): void {
  let found = 0;
  for (const match of fullLog.slice(0, ROOTCHECK_TEXT_BYTES_MAX).matchAll(REQUIREMENT)) {
    if (++found > ROOTCHECK_REQUIREMENTS_MAX) return;
    const [, name = "", values = ""] = match;
    add(arrays, name.toLowerCase(), listOf(values.trim()));
  }
}

function add(arrays: Arrays, key: string, values: readonly string[]): void {
  const lowerKey = key.toLowerCase();
  if (RULE_KEYS.has(lowerKey)) return;
  // The rule's own keys are in lower case.
  const place = arrays.has(lowerKey) ? lowerKey : key;
  arrays.set(place, [...(arrays.get(place) ?? []), ...values]);
}

function listOf(text: string): string[] {
  return text
    .split(",")
    .filter((part) => part !== "")
    .map((part) => part.trim());
}

function isWholeArray(value: string): boolean {
  return value.startsWith("[") && parseCJson(value)?.end === value.length;
}
