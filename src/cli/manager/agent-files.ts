/** The agents of a home directory as its files have them: commands work whether the manager runs or not, and it sees what they change. */
import { type HomePaths, homePaths, prepareHome } from "#daemons/home.ts";
import { CodedError } from "#kernel/errors.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { Metrics } from "#kernel/ports/metrics.ts";
import { AgentStore } from "#registry/agent-store.ts";
import { Registry, registryPaths } from "#registry/registry.ts";
import { utf8Bytes } from "../bytes.ts";
import type { Environment } from "../environment.ts";
import { homeDirectory } from "./home-choice.ts";

const NOT_COUNTED: Metrics = { add: () => {}, set: () => {} };

function warningsTo(environment: Environment): Log {
  return {
    write: (level, text) => {
      if (level !== "debug" && level !== "info") environment.stderr.write(utf8Bytes(`cyb3rhq: ${text}\n`));
    },
  };
}

/** Throws a `CodedError` when there is no home at that place. */
export function existingHome(environment: Environment, home: string | undefined): HomePaths {
  const paths = homePaths(homeDirectory(environment, home));
  if (environment.files.info(paths.config) !== null) {
    prepareHome(environment.files, paths);
    return paths;
  }
  throw new CodedError("home_not_found", `${paths.home} is no home directory yet; 'cyb3rhq start' makes it`);
}

/** Null when no manager has run on the home yet. The caller closes it. */
export function openAgentStore(environment: Environment, paths: HomePaths): AgentStore | null {
  const path = registryPaths(paths.home).database;
  if (environment.files.info(path) === null) return null;
  return new AgentStore({
    path,
    clock: environment.clock,
    log: warningsTo(environment),
    metrics: NOT_COUNTED,
  });
}

/**
 * Throws a `CodedError` when the home is not this user's to change. Who is in the group of its manager could else put a client.keys there
 * that the manager cannot read. Called while no registry is open: closing its file gives up the locks of the process on it.
 */
export function demandRightToChange({ files }: Environment, { home }: HomePaths): void {
  const { database } = registryPaths(home);
  if (files.info(database) === null) return;
  try {
    files.open(database, "update").close();
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== "file_access_denied") throw error;
    const text = `No right to change ${home}: call this as root or as the user of its manager`;
    throw new CodedError("home_not_writable", text, {}, error);
  }
}

/** The registry without its service: nobody's connection state is touched. Stopped when `use` has ended. */
export async function withRegistry<T>(
  environment: Environment,
  paths: HomePaths,
  use: (registry: Registry) => Promise<T>,
): Promise<T> {
  const registry = new Registry({
    files: environment.files,
    clock: environment.clock,
    log: warningsTo(environment),
    metrics: NOT_COUNTED,
    paths: registryPaths(paths.home),
  });
  registry.keys.start();
  try {
    return await use(registry);
  } finally {
    registry.stop();
  }
}
