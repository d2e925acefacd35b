/** What the registry knows of an agent beside its key. Times are seconds since the epoch; texts are log texts (one char a byte). */
import type { AgentId, AgentName, ConnectionStatus, GroupName } from "#model/agent.ts";

/** Why an agent is in its state, by code; 0 says nothing is wrong. wazuh v4.14.7: src/headers/agent_op.h, the peer's order. */
export const STATUS_REASONS: readonly string[] = [
  "",
  "Invalid agent version",
  "Agent version not received",
  "Shutdown message received",
  "No keepalive received",
  "Reset by the manager",
];
export const STATUS_CODES = [0, 1, 2, 3, 4, 5] as const;
export type StatusCode = (typeof STATUS_CODES)[number];
export const STATUS_CODE_RESET = 5;

/** Whether the cluster must be told of a row: what the peer writes there, letter by letter. */
export const SYNC_STATUSES = ["synced", "syncreq", "syncreq_status", "syncreq_keepalive"] as const;
export type SyncStatus = (typeof SYNC_STATUSES)[number];

export const GROUP_CONFIG_STATUSES = ["synced", "not synced"] as const;
export type GroupConfigStatus = (typeof GROUP_CONFIG_STATUSES)[number];

/** The parts of a keepalive's first line; an empty text is a part that the agent did not send. */
export type AgentOs = {
  readonly name: string;
  readonly version: string;
  readonly major: string;
  readonly minor: string;
  readonly codename: string;
  readonly build: string;
  readonly platform: string;
  readonly uname: string;
  readonly arch: string;
};

/** The key has its marks: `"key"`, `!"key"` hidden, `#"key"` of the system. */
export type AgentLabel = { readonly key: string; readonly value: string };

/** What a keepalive tells, complete: it replaces what the one before told. Before the first one the version may be known alone. */
export type AgentInfo = {
  readonly os: AgentOs;
  readonly version: string;
  readonly configSum: string;
  readonly mergedSum: string;
  readonly managerHost: string;
  readonly nodeName: string;
  /** The address the agent gives itself; empty when it said none. */
  readonly agentAddress: string;
  readonly labels: readonly AgentLabel[];
};

export type AgentRecord = {
  readonly id: AgentId;
  readonly name: AgentName;
  /** The registered address, as in client.keys. */
  readonly address: string;
  /** Null for an agent that somebody wrote into client.keys without a line in agents-timestamp. */
  readonly registeredSeconds: number | null;
  readonly groups: readonly GroupName[];
  readonly status: ConnectionStatus;
  readonly statusCode: StatusCode;
  readonly lastKeepaliveSeconds: number | null;
  /** 0 while the agent is not disconnected. */
  readonly disconnectionSeconds: number;
  /** Null until the agent told something of itself. */
  readonly info: AgentInfo | null;
  readonly syncStatus: SyncStatus;
  readonly groupConfigStatus: GroupConfigStatus;
};
