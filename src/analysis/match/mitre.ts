/** The `rule.mitre` object of alerts: names for the ids that a rule gives (wazuh v4.14.7: src/analysisd/mitre.c). */
import type { MitreTable } from "#formats/mitre/mitre-table.ts";
import type { MitreReference } from "../ruleset/rule.ts";

type Found = { readonly ids: Set<string>; readonly tactics: Set<string>; readonly techniques: Set<string> };

/** All ids are shown as given; what the table does not know adds no name. */
function addTechniques(ids: readonly string[], table: MitreTable, found: Found): void {
  for (const id of ids) {
    found.ids.add(id);
    const technique = table.techniques.get(id);
    if (technique === undefined) continue;
    found.techniques.add(technique.name);
    for (const tactic of technique.tactics) found.tactics.add(tactic);
  }
}

type Pair = { readonly tacticId: string; readonly techniqueId: string };

/** A pair counts only when the technique is known and serves that tactic. */
function addPair({ tacticId, techniqueId }: Pair, table: MitreTable, found: Found): void {
  const technique = table.techniques.get(techniqueId);
  const tactic = table.tactics.get(tacticId);
  if (technique === undefined || tactic === undefined || !technique.tactics.includes(tactic)) return;
  found.ids.add(techniqueId);
  found.techniques.add(technique.name);
  found.tactics.add(tactic);
}

/** JSON; null when no tactic results. */
export function mitreJson(reference: MitreReference, table: MitreTable): string | null {
  const found: Found = { ids: new Set(), tactics: new Set(), techniques: new Set() };
  if (reference.kind === "techniques") addTechniques(reference.ids, table, found);
  else for (const pair of reference.pairs) addPair(pair, table, found);
  if (found.tactics.size === 0) return null;
  return JSON.stringify({ id: [...found.ids], tactic: [...found.tactics], technique: [...found.techniques] });
}

/** What a rule names and the table does not know, as the peer says it. */
export function mitreWarnings(reference: MitreReference, table: MitreTable): readonly string[] {
  const unknown = (id: string) => `Mitre Technique ID '${id}' not found in database.`;
  if (reference.kind === "techniques")
    return reference.ids.filter((id) => !table.techniques.has(id)).map(unknown);
  return reference.pairs.flatMap(({ tacticId, techniqueId }) => {
    const technique = table.techniques.get(techniqueId);
    if (technique === undefined) return [unknown(techniqueId)];
    const tactic = table.tactics.get(tacticId);
    const served = tactic !== undefined && technique.tactics.includes(tactic);
    return served ? [] : [`Mitre Tactic ID '${tacticId}' is not a tactic of '${techniqueId}'.`];
  });
}
