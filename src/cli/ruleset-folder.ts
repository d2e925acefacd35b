/** A rule set in a folder with `decoders/`, `rules/` and `lists/`: loaded for a command, and its problems told. */
import { CompiledRuleset } from "#analysis/engine.ts";
import { loadRuleset, type RulesetOutcome } from "#analysis/ruleset/ruleset.ts";
import { namedByPath, type RulesetSources, stockSources } from "#analysis/ruleset/sources.ts";
import { readMitreTable } from "#daemons/mitre-file.ts";
import { formatProblem, type Problem } from "#formats/source-position.ts";
import { CodedError } from "#kernel/errors.ts";
import type { Files } from "#kernel/ports/files.ts";
import { SHIPPED_ALERT_LEVELS } from "#rule-tests/session.ts";
import { utf8Bytes } from "./bytes.ts";
import type { Environment } from "./environment.ts";

/** The line of a problem as bytes: its message is a byte string, its file name is not. */
export function problemLine(problem: Problem): string {
  const { position } = problem;
  return `${formatProblem({ ...problem, position: { ...position, file: utf8Bytes(position.file) } })}\n`;
}

export function folderSources(files: Files, directory: string): RulesetSources {
  const plain = directory.length > 1 ? directory.replace(/\/+$/, "") : directory;
  if (files.info(plain)?.kind !== "directory") {
    throw new CodedError("ruleset_not_found", `no rule set folder at ${directory}`, { directory });
  }
  const sources = stockSources(files, plain);
  if (sources.decoders.length === 0 && sources.rules.length === 0) {
    const text = `no rule set in ${directory}: neither decoders/*.xml nor rules/*.xml`;
    throw new CodedError("ruleset_not_found", text, { directory });
  }
  return namedByPath(sources);
}

export function loadFolder(files: Files, directory: string): RulesetOutcome {
  return loadRuleset(files, folderSources(files, directory));
}

/** Null when it is broken; stderr has then every problem. */
export function openRuleset(environment: Environment, directory: string): CompiledRuleset | null {
  const { ruleset, problems } = loadFolder(environment.files, directory);
  if (ruleset !== null)
    return new CompiledRuleset(ruleset, SHIPPED_ALERT_LEVELS, { mitre: readMitreTable(environment.files) });
  for (const problem of problems) environment.stderr.write(problemLine(problem));
  return null;
}
