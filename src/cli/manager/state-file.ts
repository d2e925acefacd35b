/** The file in which a running manager says every few seconds what it does. */
import type { HomePaths } from "#daemons/home.ts";
import { isObject } from "../bytes.ts";
import type { Environment } from "../environment.ts";

/** The file of another version may say less. */
export function readState(environment: Environment, paths: HomePaths): Readonly<Record<string, unknown>> {
  if (environment.files.info(paths.state) === null) return {};
  try {
    const state: unknown = JSON.parse(environment.files.read(paths.state).toString("utf8"));
    return isObject(state) ? state : {};
  } catch {
    return {};
  }
}
