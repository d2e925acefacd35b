/** Where the program's own files are. */
import { fileURLToPath } from "node:url";

export const PROGRAM_DIRECTORY = fileURLToPath(new URL("../../..", import.meta.url)).replace(/\/$/, "");

/** The rule set that comes with the program. */
export const SHIPPED_RULESET = `${PROGRAM_DIRECTORY}/ruleset`;
