/** `<mitre>`: references to MITRE ATT&CK, as technique ids or as pairs of tactic and technique. A wrong block is left out. */
import type { XmlElement } from "#formats/xml/elements.ts";
import type { MitreReference } from "./rule.ts";
import type { RuleDraft } from "./rule-draft.ts";

/** What one block says, or the reason why it does not count. */
function readBlock(element: XmlElement): MitreReference | string {
  const textsOf = (name: string) =>
    element.children.filter((child) => child.name.toLowerCase() === name).map((child) => child.content);
  const ids = textsOf("id").filter((id) => id !== "");
  const [tacticId, ...otherTactics] = textsOf("tacticid");
  const [techniqueId, ...otherTechniques] = textsOf("techniqueid");
  if (element.children.length === 0) return "Empty Mitre information for";
  if (tacticId === undefined && techniqueId === undefined) {
    return ids.length === 0 ? "No Mitre Technique ID found for" : { kind: "techniques", ids };
  }
  if (ids.length > 0) return "Mitre information of both forms in";
  if (tacticId === undefined) return "Mitre tacticID should be defined in";
  if (techniqueId === undefined) return "Mitre techniqueID should be defined in";
  if (otherTactics.length + otherTechniques.length > 0) return "More than one pair in one Mitre block of";
  return { kind: "pairs", pairs: [{ tacticId, techniqueId }] };
}

export function readMitre(element: XmlElement, draft: RuleDraft): void {
  const block = readBlock(element);
  const [first] = draft.mitre;
  const mixes = typeof block !== "string" && first !== undefined && first.kind !== block.kind;
  if (typeof block !== "string" && !mixes) draft.mitre.push(block);
  else {
    const reason = typeof block === "string" ? block : "Mitre information of both forms in";
    draft.problems.warning(
      element.position,
      `${reason} rule '${draft.ruleId}'`,
      "several <id>, or one <tacticID> with one <techniqueID>",
    );
  }
}

/** The blocks of a rule, all of one form, as one. */
export function joinMitre(blocks: readonly MitreReference[]): MitreReference | null {
  const [first] = blocks;
  if (first === undefined) return null;
  if (first.kind === "techniques") {
    return { kind: "techniques", ids: blocks.flatMap((block) => ("ids" in block ? block.ids : [])) };
  }
  return { kind: "pairs", pairs: blocks.flatMap((block) => ("pairs" in block ? block.pairs : [])) };
}
