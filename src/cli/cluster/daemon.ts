/** What a program finds that wanted to start the peer's cluster daemon. */
import { type ManagerConfigOutcome, readManagerConfig } from "#config/manager-config.ts";
import { errorLines } from "#daemons/settings.ts";
import { utf8Bytes } from "../bytes.ts";
import { type Environment, EXIT_FAILURE, EXIT_OK } from "../environment.ts";
import { existingHome } from "../manager/agent-files.ts";
import { askNode } from "./control.ts";

function readConfig(environment: Environment, home: string | undefined, file?: string): ManagerConfigOutcome {
  const path = file ?? existingHome(environment, home).config;
  return readManagerConfig(environment.files.read(path).toString("latin1"), path);
}

/** Says what is wrong with the configuration; false when something is. */
export function testClusterConfig(
  environment: Environment,
  { home, file }: { readonly home?: string; readonly file?: string },
): boolean {
  const errors = errorLines(readConfig(environment, home, file).problems);
  // One char a byte already: the configuration is read so.
  for (const line of errors) environment.stderr.write(`cyb3rhq: ${line}\n`);
  return errors.length === 0;
}

export async function sayClusterState(environment: Environment, home: string | undefined): Promise<number> {
  if (readConfig(environment, home).config.cluster.disabled) return EXIT_OK;
  const told = await askNode(environment, home, { command: "get_config" });
  const text = told.ok
    ? "The cluster daemon runs inside the manager"
    : "The cluster daemon is a part of the manager, which does not run; 'cyb3rhq start' runs it";
  environment.stdout.write(utf8Bytes(`${text}\n`));
  return told.ok ? EXIT_OK : EXIT_FAILURE;
}
