/** Reads the configuration and the rule set of a home in a thread of its own: a rule set takes half a second. */
import { parentPort, workerData } from "node:worker_threads";
import { loadRuleset } from "#analysis/ruleset/ruleset.ts";
import type { Problem } from "#formats/source-position.ts";
import { CodedError } from "#kernel/errors.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import type { ConfigurationCheck, ConfigurationProblems } from "./configuration-check.ts";
import { homePaths } from "./home.ts";
import { readSettings, rulesetSources } from "./settings.ts";

const { home, rulesetDirectory }: ConfigurationCheck = workerData;

const errorsOf = (problems: readonly Problem[]) => problems.filter(({ severity }) => severity === "error");

function check(): ConfigurationProblems {
  const paths = homePaths(home);
  const { config, problems } = readSettings(systemFiles, paths);
  const configuration = errorsOf(problems);
  if (configuration.length > 0) return { kind: "configuration", problems: configuration };
  const sources = rulesetSources(systemFiles, paths, { config, directory: rulesetDirectory });
  return { kind: "ruleset", problems: errorsOf(loadRuleset(systemFiles, sources).problems) };
}

try {
  parentPort?.postMessage(check());
} catch (error) {
  if (!(error instanceof CodedError)) throw error;
  const outcome: ConfigurationProblems = { kind: "unreadable", text: error.message };
  parentPort?.postMessage(outcome);
}
