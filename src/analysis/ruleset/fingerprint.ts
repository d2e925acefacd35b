/** Tells whether the files of a rule set are the ones that were there before, without reading them. */
import type { Files } from "#kernel/ports/files.ts";
import type { RulesetSources } from "./sources.ts";

/** Of a file: its path, inode, size and time of change. May throw `CodedError`. */
export function fileFingerprint(files: Files, path: string): string {
  const info = files.info(path);
  return info === null ? path : `${path} ${info.inode} ${info.bytes} ${info.modifiedMs}`;
}

/** The same text means the same files, unchanged. */
export function sourcesFingerprint(files: Files, { decoders, rules, lists }: RulesetSources): string {
  return [decoders, rules, lists]
    .flat()
    .map(({ path }) => fileFingerprint(files, path))
    .join("\n");
}
