/**
 * The table of MITRE ATT&CK techniques and tactics: tab-separated lines `tactic ID SHORT-NAME NAME` and `technique ID NAME
 * SHORT-NAME[,SHORT-NAME…]`, `#` begins a comment. Pure.
 */

export type Technique = { readonly name: string; readonly tactics: readonly string[] };

export type MitreTable = {
  readonly techniques: ReadonlyMap<string, Technique>;
  /** Names by id, such as `TA0001` → `Initial Access`. */
  readonly tactics: ReadonlyMap<string, string>;
};

/** Lines of another form are left out: a table of a later release may have them. */
export function parseMitreTable(text: string): MitreTable {
  const rows = text.split("\n").map((line) => line.split("\t"));
  const tactics = new Map<string, string>();
  const nameOfShort = new Map<string, string>();
  for (const [kind, id, shortName, name] of rows) {
    if (kind !== "tactic" || id === undefined || shortName === undefined || name === undefined) continue;
    tactics.set(id, name);
    nameOfShort.set(shortName, name);
  }
  const techniques = new Map<string, Technique>();
  for (const [kind, id, name, shortNames] of rows) {
    if (kind !== "technique" || id === undefined || name === undefined || shortNames === undefined) continue;
    const names = shortNames.split(",").flatMap((shortName) => nameOfShort.get(shortName.trim()) ?? []);
    techniques.set(id, { name, tactics: names });
  }
  return { techniques, tactics };
}
