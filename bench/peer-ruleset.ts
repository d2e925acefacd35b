/** The peer's rule set of the data directory, made ready to run. */
import { CompiledRuleset } from "#analysis/engine.ts";
import { loadRuleset } from "#analysis/ruleset/ruleset.ts";
import { type RulesetSources, stockSources } from "#analysis/ruleset/sources.ts";
import { readMitreTable } from "#daemons/mitre-file.ts";
import { systemFiles } from "#kernel/platform/files.ts";

export const RULESET_FOLDER = "wazuh-ruleset";
/** Of the peer's shipped configuration. */
const LEVELS = { log: 3, mail: 12 };
const PROBLEMS_SHOWN_MAX = 5;

export function peerSources(dataDirectory: string): RulesetSources {
  return stockSources(systemFiles, `${dataDirectory}/${RULESET_FOLDER}`);
}

export function compileSources(sources: RulesetSources): CompiledRuleset {
  const { ruleset, problems } = loadRuleset(systemFiles, sources);
  if (ruleset === null) throw new Error(JSON.stringify(problems.slice(0, PROBLEMS_SHOWN_MAX), null, 1));
  return new CompiledRuleset(ruleset, LEVELS, { mitre: readMitreTable(systemFiles) });
}

export function loadPeerRuleset(dataDirectory: string): {
  readonly set: CompiledRuleset;
  readonly loadMs: number;
} {
  const begun = performance.now();
  const set = compileSources(peerSources(dataDirectory));
  return { set, loadMs: performance.now() - begun };
}
