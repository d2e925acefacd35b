/** TCP as the services see it: byte chunks in, byte chunks out, and a way to stop reading. */

export type SocketAddress = {
  /** Numeric; an IPv4 address that arrived as `::ffff:a.b.c.d` is given as `a.b.c.d`. */
  readonly address: string;
  readonly port: number;
};

export type TlsServerOptions = {
  readonly certificate: string;
  readonly key: string;
  readonly ciphers: string;
  /** PEM of the authority that clients must chain to; null asks for no client certificate. */
  readonly clientAuthority: string | null;
  /** Also TLS 1.0 and 1.1, for very old agents. */
  readonly oldVersions: boolean;
};

export type ConnectionHandler = {
  /** The chunk belongs to the handler from here on. */
  data(chunk: Buffer): void;
  /** Everything written so far has left the process. */
  drained?(): void;
  /** The last call: the peer ended, `destroy` was called, or the connection failed (`reason` is a short code). */
  closed(reason: string | null): void;
};

export interface Connection {
  readonly remote: SocketAddress;
  /** Bytes written and not yet handed to the system. */
  readonly pendingBytes: number;
  write(bytes: Uint8Array): void;
  pause(): void;
  resume(): void;
  /** Sends what is pending, then closes. */
  end(): void;
  destroy(): void;
  /** Turns the rest of the stream into TLS; `firstBytes` are those already received. Handler calls then see clear text. */
  startTls(options: TlsServerOptions, firstBytes: Uint8Array): void;
}

export interface Listener {
  readonly local: SocketAddress;
  /** Stops accepting; open connections stay. */
  close(): Promise<void>;
}

export type ListenOptions = { readonly host: string; readonly port: number; readonly backlog: number };

export interface Network {
  /** Throws `CodedError` `port_taken`, `port_forbidden`, `address_unavailable` or `listen_failed`. */
  listen(options: ListenOptions, accept: (connection: Connection) => ConnectionHandler): Promise<Listener>;
}
