/** HAProxy as the helper sees it, however it is spoken to. Every call throws a `helperError` when HAProxy does not do it. */

export type Backend = {
  readonly name: string;
  /** Null when HAProxy does not say. */
  readonly algorithm: string | null;
};

export type ServerStats = {
  /** `UP` only when HAProxy is sure of it: `UP 1/3` is not. */
  readonly status: string;
  readonly lastChangeSeconds: number;
  readonly connections: number;
};

export type AdminState = "drain" | "ready";

/** What only a driver can do that writes HAProxy's configuration, and so makes it reload. */
export interface ProxyConfiguration {
  /** Seconds after which the old process of a reload ends; null when it waits for its last connection. */
  hardStopSeconds(): Promise<number | null>;
  setHardStop(seconds: number): Promise<void>;
  addBackend(backend: string): Promise<void>;
  /** Names of all frontends that have a backend. */
  frontends(): Promise<readonly string[]>;
  boundPorts(frontend: string): Promise<readonly number[]>;
  addFrontend(frontend: string, backend: string, port: number): Promise<void>;
}

export interface ProxyDriver {
  /** Null for a driver that changes the running HAProxy only. */
  readonly configuration: ProxyConfiguration | null;
  /** Looks whether HAProxy is there and is what the options say; called before all else, and again after each failure. */
  initialize(): Promise<void>;
  /** What answers, with its version. */
  describe(): Promise<string>;
  backends(): Promise<readonly Backend[]>;
  /** The form in which a node's address stands in HAProxy; `present` is what its server has, null without one. */
  serverAddress(nodeAddress: string, present: string | null): Promise<string>;
  /** Address of each server, by name. */
  servers(backend: string): Promise<ReadonlyMap<string, string>>;
  addServer(backend: string, server: string, address: string, port: number): Promise<void>;
  removeServer(backend: string, server: string): Promise<void>;
  isDrained(backend: string, server: string): Promise<boolean>;
  setState(backend: string, server: string, state: AdminState): Promise<void>;
  stats(backend: string, server: string): Promise<ServerStats>;
  /** These are the servers from here on: whatever must outlive HAProxy is kept now. */
  keep(backend: string, servers: ReadonlyMap<string, string>, port: number): Promise<void>;
}
