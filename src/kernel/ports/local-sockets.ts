/** Stream sockets in the file system, for programs of this host: byte chunks in, byte chunks out. */
import type { Connection, ConnectionHandler } from "./network.ts";

export type LocalConnection = Pick<Connection, "write" | "end" | "destroy">;
/** The listener's end: what a client does not read is measured, and the client need not be read. */
export type AcceptedConnection = LocalConnection & Pick<Connection, "pendingBytes" | "pause" | "resume">;

export type LocalListenOptions = {
  readonly path: string;
  /** Of the socket file: who may connect. */
  readonly permissions: number;
  readonly backlog: number;
};

export interface LocalListener {
  /** Stops accepting and removes the socket file; open connections stay. */
  close(): Promise<void>;
}

export interface LocalSockets {
  /**
   * Replaces the socket that a listener before left at `path`. Throws `CodedError` `socket_path_taken` when something else is there,
   * else `listen_failed`.
   */
  listen(
    options: LocalListenOptions,
    accept: (connection: AcceptedConnection) => ConnectionHandler,
  ): Promise<LocalListener>;
  /** Throws `CodedError` `socket_unavailable` when nobody listens at `path`, or this user may not connect. */
  open(path: string, handler: ConnectionHandler): Promise<LocalConnection>;
}
