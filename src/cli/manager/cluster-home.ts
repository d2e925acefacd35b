/** A home in a cluster. Agents are the master's, so a worker changes nothing that the next synchronisation would undo. */

import type { HomePaths } from "#daemons/home.ts";
import { readSettings } from "#daemons/settings.ts";
import { memberOf } from "#formats/wire/cluster/json-value.ts";
import { CodedError } from "#kernel/errors.ts";
import type { AgentId } from "#model/agent.ts";
import { askNode } from "../cluster/control.ts";
import type { Environment } from "../environment.ts";

export function isInCluster({ files }: Environment, paths: HomePaths): boolean {
  return !readSettings(files, paths).config.cluster.disabled;
}

/** The master's address; null on every other node. */
function masterOf({ files }: Environment, paths: HomePaths): string | null {
  const { cluster } = readSettings(files, paths).config;
  return !cluster.disabled && cluster.nodeType === "worker" ? cluster.masterAddress : null;
}

export function isWorker(environment: Environment, paths: HomePaths): boolean {
  return masterOf(environment, paths) !== null;
}

/** What the nodes of this home's cluster say they are. */
export function clusterVersion({ files }: Environment, paths: HomePaths): string {
  return readSettings(files, paths).config.cluster.announcedVersion;
}

/** Throws a `CodedError` on a worker. */
export function demandNoWorker(environment: Environment, paths: HomePaths): void {
  const master = masterOf(environment, paths);
  if (master === null) return;
  throw new CodedError(
    "not_on_worker",
    `This node is a worker: agents are registered on the master, ${master}`,
  );
}

/** False when this is no worker. Throws a `CodedError` when the master did not do it. */
export async function removedByMaster(
  environment: Environment,
  paths: HomePaths,
  { id, purge }: { readonly id: AgentId; readonly purge: boolean },
): Promise<boolean> {
  if (masterOf(environment, paths) === null) return false;
  const message = { arguments: { id, purge }, function: "remove" };
  const parameters = { daemon_name: "authd", message };
  const told = await askNode(environment, paths.home, { command: "sendsync", parameters });
  if (!told.ok) throw new CodedError("master_not_asked", told.text);
  if (memberOf(told.value, "error") === 0) return true;
  const text = memberOf(told.value, "message");
  throw new CodedError(
    "master_refused",
    `The master did not remove '${id}': ${String(text ?? "no reason given")}`,
  );
}
