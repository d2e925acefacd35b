/** Which home directory a command means. */
import { resolve } from "node:path";
import { PROGRAM_DIRECTORY } from "#kernel/platform/program-places.ts";
import type { Environment } from "../environment.ts";

export const HOME_OPTION = "--home <dir>";
export const HOME_HELP = "home directory (default: $CYB3RHQ_HOME, else home/ beside the program)";

export function homeDirectory(environment: Environment, option: string | undefined): string {
  const chosen = option ?? environment.variables["CYB3RHQ_HOME"] ?? "";
  return chosen === "" ? `${PROGRAM_DIRECTORY}/home` : resolve(chosen);
}
