/** The peer's rule set of the data directory, made ready to run. */
import { CompiledRuleset } from "#analysis/engine.ts";
import { loadRuleset } from "#analysis/ruleset/ruleset.ts";
import { stockSources } from "#analysis/ruleset/sources.ts";
import { readMitreTable } from "#daemons/mitre-file.ts";
import { systemFiles } from "#kernel/platform/files.ts";

export const RULESET_FOLDER = "wazuh-ruleset";
/** Of the peer's shipped configuration. */
const LEVELS = { log: 3, mail: 12 };

export function loadPeerRuleset(dataDirectory: string): {
  readonly set: CompiledRuleset;
  readonly loadMs: number;
} {
  const begun = performance.now();
  const { ruleset, problems } = loadRuleset(
    systemFiles,
    stockSources(systemFiles, `${dataDirectory}/${RULESET_FOLDER}`),
  );
  if (ruleset === null) throw new Error(JSON.stringify(problems, null, 1));
  const set = new CompiledRuleset(ruleset, LEVELS, readMitreTable(systemFiles));
  return { set, loadMs: performance.now() - begun };
}
