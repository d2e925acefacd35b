/** The settings of the agent connection service, already parsed. */
import type { Protocols } from "#config/sections/remote.ts";
import { CONNECTIONS_MAX } from "./limits.ts";

/** `remoted.request_*`, `remoted.response_timeout` and `remoted.max_attempts`. */
export type RequestConfig = {
  /** Requests that wait at a time. */
  readonly pool: number;
  readonly responseMs: number;
  /** Over UDP: from one try to the next. */
  readonly retryMs: number;
  readonly attemptsMax: number;
};

export type ConnectionConfig = {
  readonly host: string;
  /** `<remote><port>` of the secure connection. */
  readonly port: number;
  /** `<remote><protocol>`; at least one of them. */
  readonly protocols: Protocols;
  /** For the line that says the service has started. */
  readonly processId: number;
  /** Agents may not be newer, in major and minor: `v4.14.7`. */
  readonly managerVersion: string;
  /** `<remote><agents><allow_higher_versions>`. */
  readonly allowHigherVersions: boolean;
  /** `<remote><connection_overtake_time>`; 0: a second connection of a connected agent is always refused. */
  readonly overtakeSeconds: number;
  /** `remoted.verify_msg_id`. */
  readonly verifyMessageIds: boolean;
  /** `remoted.recv_counter_flush`: messages of an agent between two writes of its received counter. */
  readonly receivedCounterFlush: number;
  /** `<global><agents_disconnection_time>`. */
  readonly disconnectionSeconds: number;
  /** `<global><agents_disconnection_alert_time>`: from disconnected to the event that says so. */
  readonly disconnectionAlertSeconds: number;
  /** `monitord.monitor_agents` on a node that raises these events; false on a worker of a cluster. */
  readonly raisesDisconnected: boolean;
  /** Open connections; a new one beyond it is closed at once. */
  readonly connectionsMax: number;
  readonly requests: RequestConfig;
  /** `<auth><key_request>`: keys of unknown agents are asked for. */
  readonly asksForKeys: boolean;
  /** `queue/rids`. */
  readonly countersDirectory: string;
};

/** What the peer has where nothing is configured. */
export const CONNECTION_DEFAULTS = {
  port: 1514,
  protocols: { tcp: true, udp: false },
  allowHigherVersions: false,
  overtakeSeconds: 60,
  verifyMessageIds: false,
  receivedCounterFlush: 128,
  disconnectionSeconds: 900,
  disconnectionAlertSeconds: 0,
  raisesDisconnected: true,
  connectionsMax: CONNECTIONS_MAX,
  asksForKeys: false,
  requests: { pool: 1024, responseMs: 60_000, retryMs: 1000, attemptsMax: 4 },
} as const satisfies Partial<ConnectionConfig>;
