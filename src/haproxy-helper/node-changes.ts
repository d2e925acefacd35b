/** Which servers HAProxy lacks and which it has too many, compared with the cluster's nodes. Pure. */
import type { ServerStats } from "./proxy-driver.ts";

export type NodeChanges = {
  /** Address of each server to add, by name. */
  readonly added: ReadonlyMap<string, string>;
  /** Nodes whose address is another now: removed, then added. */
  readonly moved: readonly string[];
  /** Servers that are no node; `isGone` decides on each. */
  readonly strangers: readonly string[];
};

export function findChanges(
  nodes: ReadonlyMap<string, string>,
  servers: ReadonlyMap<string, string>,
): NodeChanges {
  const added = new Map([...nodes].filter(([name, address]) => servers.get(name) !== address));
  return {
    added,
    moved: [...added.keys()].filter((name) => servers.has(name)),
    strangers: [...servers.keys()].filter((name) => !nodes.has(name)),
  };
}

const SECONDS_OF_MINUTE = 60;

/**
 * A server that is no node may be one whose node only starts again, or connects anew to its master: it stays until it was down, and
 * its node missing, for long. Of one that missed a check (`UP 2/3`) HAProxy tells since when it is up.
 */
export function isGone(stats: ServerStats, missingSeconds: number, minutes: number): boolean {
  if (stats.status.startsWith("UP")) return false;
  return Math.min(stats.lastChangeSeconds, missingSeconds) >= minutes * SECONDS_OF_MINUTE;
}

/** HAProxy's own characters for names of servers; others would be words or comments in its configuration. */
const SERVER_NAME = /^[A-Za-z0-9_.:-]{1,255}$/;
/** An address or a host name; never a path, a prefix of HAProxy's (`unix@`) or two words. */
const SERVER_ADDRESS = /^[A-Za-z0-9_.:-]{1,255}$/;

export function isServerName(name: string): boolean {
  return SERVER_NAME.test(name);
}

/** What becomes a server comes from other hosts. */
export function canBeServer(name: string, address: string): boolean {
  return isServerName(name) && SERVER_ADDRESS.test(address);
}
