/** What this node is in its cluster: the configuration's section, and what only the program knows. */
import type { ClusterConfig } from "#config/sections/cluster.ts";
import { isSafeName } from "#formats/wire/cluster/paths.ts";
import { CodedError } from "#kernel/errors.ts";
import type { Secret } from "#model/secret.ts";

export type ClusterNode = {
  readonly home: string;
  readonly clusterName: string;
  readonly nodeName: string;
  /** What this node says it is; nodes take only their own version, so among nodes of the peer it must be the peer's. */
  readonly version: string;
  readonly key: Secret;
  readonly bindAddress: string;
  readonly masterAddress: string;
  readonly port: number;
};

/** Throws `cluster_node_name_invalid` for a name that cannot be a directory: it becomes one, which is emptied. */
export function clusterNode(config: ClusterConfig, home: string): ClusterNode {
  const { name, nodeName, key, bindAddress, masterAddress, port, announcedVersion: version } = config;
  if (!isSafeName(nodeName)) {
    throw new CodedError("cluster_node_name_invalid", `'${nodeName}' cannot be the name of a node`);
  }
  return { home, clusterName: name, nodeName, version, key, bindAddress, masterAddress, port };
}
