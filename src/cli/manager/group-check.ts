/** The job of the peer's `verify-agent-conf`: says what is wrong with agent.conf of groups, or of a file that is to become one. */
import { resolve } from "node:path";
import { checkAgentConf } from "#config/agent-conf.ts";
import { groupName } from "#groups/group-changes.ts";
import { CodedError } from "#kernel/errors.ts";
import { GroupFolders } from "#registry/group-folders.ts";
import { registryPaths } from "#registry/registry.ts";
import { utf8Bytes } from "../bytes.ts";
import { type Environment, EXIT_FAILURE, EXIT_OK } from "../environment.ts";
import { problemLine } from "../ruleset-folder.ts";
import { existingHome } from "./agent-files.ts";

type CheckOptions = {
  readonly names: readonly string[];
  readonly file?: string;
  readonly home?: string;
  readonly json?: boolean;
};

function filesToCheck(environment: Environment, { names, file, home }: CheckOptions): readonly string[] {
  if (file !== undefined) return [resolve(file)];
  const shared = registryPaths(existingHome(environment, home).home).sharedGroups;
  const folders = new GroupFolders(environment.files, shared);
  const groups = names.map(groupName);
  const unknown = groups.find((group) => !folders.exists(group));
  if (unknown !== undefined)
    throw new CodedError("group_unknown", `There is no group '${unknown}'; 'cyb3rhq groups list' shows them`);
  return (groups.length === 0 ? folders.names() : groups)
    .map((group) => `${shared}/${group}/agent.conf`)
    .filter((path) => environment.files.info(path)?.kind === "file");
}

export function checkGroups(environment: Environment, options: CheckOptions): number {
  const { files, stdout } = environment;
  const paths = filesToCheck(environment, options);
  const problems = paths.flatMap((path) => checkAgentConf(files.read(path).toString("latin1"), path));
  const errors = problems.filter(({ severity }) => severity === "error").length;
  const warnings = problems.length - errors;
  if (options.json === true) stdout.write(utf8Bytes(`${JSON.stringify({ errors, warnings, problems })}\n`));
  else {
    for (const problem of problems) stdout.write(problemLine(problem));
    stdout.write(`${paths.length} files: ${errors} errors, ${warnings} warnings\n`);
  }
  return errors === 0 ? EXIT_OK : EXIT_FAILURE;
}
