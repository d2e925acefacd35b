/** The table of MITRE ATT&CK names that comes with the program. */
import { fileURLToPath } from "node:url";
import { type MitreTable, parseMitreTable } from "#formats/mitre/mitre-table.ts";
import type { Files } from "#kernel/ports/files.ts";

const TABLE_PATH = fileURLToPath(new URL("../../ruleset/mitre/attack.tsv", import.meta.url));

/** Null when the file is missing: alerts then name no techniques. */
export function readMitreTable(files: Files): MitreTable | null {
  return files.info(TABLE_PATH) === null ? null : parseMitreTable(files.read(TABLE_PATH).toString("utf8"));
}
