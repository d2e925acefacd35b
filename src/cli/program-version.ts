/** What the program says of itself. */
import { PROGRAM_DIRECTORY } from "#kernel/platform/program-places.ts";
import type { Files } from "#kernel/ports/files.ts";

export function programVersion(files: Files): string {
  const manifest: { readonly version: string } = JSON.parse(
    files.read(`${PROGRAM_DIRECTORY}/package.json`).toString("utf8"),
  );
  return manifest.version;
}
