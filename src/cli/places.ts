/** Where the program's own files are. */
import { fileURLToPath } from "node:url";
import type { Files } from "#kernel/ports/files.ts";

export const PROGRAM_DIRECTORY = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

/** The rule set that comes with the program. */
export const SHIPPED_RULESET = `${PROGRAM_DIRECTORY}/ruleset`;

export function programVersion(files: Files): string {
  const manifest: { readonly version: string } = JSON.parse(
    files.read(`${PROGRAM_DIRECTORY}/package.json`).toString("utf8"),
  );
  return manifest.version;
}
