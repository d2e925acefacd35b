/** TCP and UDP as the services see them: bytes in, bytes out, and for TCP a way to stop reading. */

export type SocketAddress = {
  /** Numeric; an IPv4 address that arrived as `::ffff:a.b.c.d` is given as `a.b.c.d`. */
  readonly address: string;
  readonly port: number;
};

export type TlsServerOptions = {
  readonly certificate: string;
  readonly key: string;
  readonly ciphers: string;
  /** PEM of the authority that every client's certificate must chain to; null asks for no client certificate. */
  readonly clientAuthority: string | null;
  /** Also TLS 1.0 and 1.1, for very old agents. */
  readonly oldVersions: boolean;
};

/** The certificates that a TLS client showed, as DER: its own, then what it sent of those above it. */
export type CertificateChain = readonly Buffer[];

export type ConnectionHandler = {
  /** The chunk belongs to the handler from here on. */
  data(chunk: Buffer): void;
  /** Everything written so far has left the process. */
  drained?(): void;
  /** The TLS handshake is over. `chain` was verified to lead to the authority; it is empty when none was asked for. */
  secured?(chain: CertificateChain): void;
  /** The client's certificate was refused for `problem`, OpenSSL's name of it (`CERT_HAS_EXPIRED`); `closed` follows. */
  certificateRefused?(problem: string, chain: CertificateChain): void;
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
  /**
   * Turns the rest of the stream into TLS and reads on; `firstBytes` are those already received. Handler calls then see clear
   * text, and none before the client's certificate was verified where one is asked for. Throws when `options` are unusable.
   */
  startTls(options: TlsServerOptions, firstBytes: Uint8Array): void;
}

export interface Listener {
  readonly local: SocketAddress;
  /** Stops accepting; open connections stay. */
  close(): Promise<void>;
}

export type ListenOptions = {
  readonly host: string;
  readonly port: number;
  readonly backlog: number;
  /** Of each connection, asked of the system where it can be; absent: what the system gives, which grows to megabytes. */
  readonly receiveBufferBytes?: number;
};

/** A datagram that arrived; the bytes belong to the receiver. */
export type DatagramHandler = (bytes: Buffer, remote: SocketAddress) => void;

export interface DatagramSocket {
  readonly local: SocketAddress;
  /** What cannot be sent is lost, as datagrams are. */
  send(bytes: Uint8Array, to: SocketAddress): void;
  close(): Promise<void>;
}

export type DatagramOptions = {
  readonly host: string;
  readonly port: number;
  /** Asked of the system, which may give less. */
  readonly receiveBufferBytes: number;
};

export interface Network {
  /** Throws `CodedError` `port_taken`, `port_forbidden`, `address_unavailable` or `listen_failed`. */
  listen(options: ListenOptions, accept: (connection: Connection) => ConnectionHandler): Promise<Listener>;
  /** Throws as `listen` does. */
  bindDatagrams(options: DatagramOptions, receive: DatagramHandler): Promise<DatagramSocket>;
}
