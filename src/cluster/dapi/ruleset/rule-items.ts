/** Rules of a file as the API lists them. wazuh v4.14.7: framework/wazuh/core/rule.py. Pure. */
import type { ClusterObject } from "#formats/wire/cluster/objects.ts";
import type { XmlElement } from "#formats/xml/elements.ts";
import { addDetail, addPattern, attributeOf, attributesOf, type Details } from "./details.ts";
import type { ItemFile } from "./item-file.ts";

/** Groups that begin so name what a rule serves to comply with; listed apart. The longer names come first. */
export const REQUIREMENTS = ["pci_dss", "gdpr", "hipaa", "nist_800_53", "gpg13", "tsc", "mitre"] as const;
export type Requirement = (typeof REQUIREMENTS)[number];

/** Tags that hold a pattern. */
const PATTERNS: ReadonlySet<string> = new Set([
  ...[
    "regex",
    "field",
    "match",
    "action",
    "extra_data",
    "hostname",
    "id",
    "location",
    "program_name",
    "protocol",
  ],
  ...["user", "url", "srcport", "dstport", "status", "system_name", "srcgeoip", "dstgeoip"],
]);

export type RuleItem = ClusterObject & {
  readonly id: number;
  readonly level: number;
  readonly groups: readonly string[];
} & { readonly [requirement in Requirement]: readonly string[] };

export function ruleItems(elements: readonly XmlElement[], file: ItemFile): readonly RuleItem[] {
  const variables = variablesOf(elements);
  return elements
    .filter(({ name }) => name.toLowerCase() === "group")
    .flatMap((group) =>
      group.children
        .filter(({ name }) => name.toLowerCase() === "rule")
        .flatMap(
          (rule) => ruleItem(rule, (attributeOf(group, "name") ?? "").split(","), variables, file) ?? [],
        ),
    );
}

/** By their uses. */
function variablesOf(elements: readonly XmlElement[]): ReadonlyMap<string, string> {
  const variables = elements.filter(({ name }) => name === "var");
  return new Map(variables.map((element) => [`$${attributeOf(element, "name") ?? ""}`, element.content]));
}

/** Null for a rule that has no number or no level. */
function ruleItem(
  rule: XmlElement,
  fileGroups: readonly string[],
  variables: ReadonlyMap<string, string>,
  { name: filename, directory, isEnabled }: ItemFile,
): RuleItem | null {
  const numberOf = (name: string) => {
    const text = attributeOf(rule, name) ?? "";
    const value = variables.get(text) ?? text;
    return /^\s*[0-9]{1,9}\s*$/.test(value) ? Number(value) : null;
  };
  const [id, level] = [numberOf("id"), numberOf("level")];
  if (id === null || level === null) return null;
  const { groups, description, details } = contentOf(rule, variables);
  return {
    filename,
    relative_dirname: directory,
    id,
    level,
    status: isEnabled ? "enabled" : "disabled",
    details,
    ...sorted([...groups, ...fileGroups]),
    description,
  };
}

function contentOf(rule: XmlElement, variables: ReadonlyMap<string, string>) {
  const groups: string[] = [];
  let description = "";
  const details: Details = { ...attributesOf(rule, "id", "level") };
  for (const element of rule.children) {
    const tag = element.name.toLowerCase();
    const { content } = element;
    if (tag === "group") groups.push(...content.split(","));
    else if (tag === "mitre") groups.push(...element.children.map((child) => `mitre_${child.content}`));
    else if (tag === "description") description += content;
    else if (tag === "list" || tag === "info")
      addDetail(details, tag, { name: content, ...attributesOf(element) });
    else if (PATTERNS.has(tag)) {
      const isField = tag === "field";
      const name = isField ? (attributeOf(element, "name") ?? tag) : tag;
      const attributes = isField ? attributesOf(element, "name") : attributesOf(element);
      addPattern(details, name, variables.get(content) ?? content, attributes);
    } else addDetail(details, tag, content);
  }
  return { groups, description, details };
}

/** Groups, and what they say of requirements. */
function sorted(names: readonly string[]): Pick<RuleItem, Requirement | "groups"> {
  const groups: string[] = [];
  const lists = { pci_dss: [], gpg13: [], gdpr: [], hipaa: [], nist_800_53: [], tsc: [], mitre: [] };
  const requirements: Record<Requirement, string[]> = lists;
  for (const name of names.map((text) => text.trim().replace(/[\n\r]+/g, ""))) {
    const requirement = REQUIREMENTS.find((prefix) => name.startsWith(prefix));
    if (requirement === undefined) {
      if (name !== "") groups.push(name);
      continue;
    }
    const value = name.slice(requirement.length + 1);
    if (!requirements[requirement].includes(value)) requirements[requirement].push(value);
  }
  return { ...requirements, groups };
}
