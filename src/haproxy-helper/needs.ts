/** What the helper asks of the cluster daemon; the composition root hands it over. */

import type { Clock } from "#kernel/ports/clock.ts";
import type { Files } from "#kernel/ports/files.ts";
import type { HostNames } from "#kernel/ports/host-names.ts";
import type { HttpClient } from "#kernel/ports/http-client.ts";
import type { LocalSockets } from "#kernel/ports/local-sockets.ts";
import type { LogLevel } from "#kernel/ports/log.ts";
import type { AgentId } from "#model/agent.ts";

/** cluster.log knows one level more than the others. */
export type HelperLogLevel = LogLevel | "debug2";
export type HelperSubtag = "Main" | "Proxy" | "D API";
/** cluster.log's tag of all lines of the helper. */
export const HELPER_TAG = "HAPHelper";

export interface HelperLog {
  write(level: HelperLogLevel, subtag: HelperSubtag, text: string): void;
}

export type ActiveAgent = {
  readonly id: AgentId;
  /** As the agent says it: `Wazuh v4.14.7`; empty when it has not. */
  readonly version: string;
};

/** The cluster as the master sees it. Each call throws `CodedError` when it cannot be answered now. */
export interface ClusterView {
  /** Address of each connected node and the master, by name. */
  nodes(): Promise<ReadonlyMap<string, string>>;
  /** Active agents of each node, without the node's own (000); nodes without agents may be left out. */
  activeAgents(): Promise<ReadonlyMap<string, readonly ActiveAgent[]>>;
  /** Tells these agents, wherever they are connected, to connect anew; those that are gone are passed over. */
  reconnect(agents: readonly AgentId[]): Promise<void>;
}

export type HelperNeeds = {
  readonly clock: Clock;
  readonly log: HelperLog;
  readonly cluster: ClusterView;
  readonly files: Files;
  readonly http: HttpClient;
  readonly localSockets: LocalSockets;
  readonly hostNames: HostNames;
};
