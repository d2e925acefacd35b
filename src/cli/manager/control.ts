/** Asks the manager that runs on a home directory. */
import { homePaths } from "#daemons/home.ts";
import { askManager } from "#local-sockets/control-client.ts";
import type { Environment } from "../environment.ts";
import { homeDirectory } from "./home-choice.ts";

/** Throws a `CodedError` when no manager runs there, or with what the manager says. */
export function askHome(
  environment: Environment,
  home: string | undefined,
  request: { readonly command: string; readonly parameters: Readonly<Record<string, unknown>> },
): Promise<unknown> {
  const { controlSocket } = homePaths(homeDirectory(environment, home));
  return askManager(environment.localSockets, controlSocket, request);
}
