/** Says what is wrong with a home's configuration and rule set: the loader is the checker. */
import { resolve } from "node:path";
import { loadRuleset } from "#analysis/ruleset/ruleset.ts";
import { readSettings, rulesetSources } from "#daemons/settings.ts";
import { utf8Bytes } from "../bytes.ts";
import { type Environment, EXIT_FAILURE, EXIT_OK } from "../environment.ts";
import { problemLine } from "../ruleset-folder.ts";
import { existingHome } from "./agent-files.ts";

type CheckOptions = { readonly home?: string; readonly ruleset?: string; readonly json?: boolean };

export function checkConfig(environment: Environment, options: CheckOptions): number {
  const { files, stdout } = environment;
  const paths = existingHome(environment, options.home);
  const { config, problems: ofConfig } = readSettings(files, paths);
  const directory = options.ruleset === undefined ? null : resolve(options.ruleset);
  const { problems: ofRules } = loadRuleset(files, rulesetSources(files, paths, { config, directory }));
  const problems = [...ofConfig, ...ofRules];
  const errors = problems.filter(({ severity }) => severity === "error").length;
  const warnings = problems.length - errors;
  if (options.json === true) stdout.write(utf8Bytes(`${JSON.stringify({ errors, warnings, problems })}\n`));
  else {
    for (const problem of problems) stdout.write(problemLine(problem));
    stdout.write(`${errors} errors, ${warnings} warnings\n`);
  }
  return errors === 0 ? EXIT_OK : EXIT_FAILURE;
}
