/** The table of MITRE ATT&CK names that comes with the program. */
import { type MitreTable, parseMitreTable } from "#formats/mitre/mitre-table.ts";
import { SHIPPED_RULESET } from "#kernel/platform/program-places.ts";
import type { Files } from "#kernel/ports/files.ts";

const TABLE_PATH = `${SHIPPED_RULESET}/mitre/attack.tsv`;

/** Null when the file is missing: alerts then name no techniques. */
export function readMitreTable(files: Files): MitreTable | null {
  return files.info(TABLE_PATH) === null ? null : parseMitreTable(files.read(TABLE_PATH).toString("utf8"));
}
