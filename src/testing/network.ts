/** A network in memory: a test is the client, and decides how bytes are cut. TLS is a flag: bytes pass in clear. */
import { CodedError } from "#kernel/errors.ts";
import type {
  CertificateChain,
  Connection,
  ConnectionHandler,
  DatagramHandler,
  DatagramOptions,
  DatagramSocket,
  Listener,
  ListenOptions,
  Network,
  SocketAddress,
  TlsServerOptions,
} from "#kernel/ports/network.ts";

export class FakeConnection implements Connection {
  readonly remote: SocketAddress;
  /** What the server wrote. */
  readonly sent: Buffer[] = [];
  pendingBytes = 0;
  paused = false;
  ended = false;
  tls: TlsServerOptions | null = null;
  #handler: ConnectionHandler | null = null;
  #waiting: Buffer[] = [];
  #secured = false;

  constructor(remote: SocketAddress) {
    this.remote = remote;
  }

  attach(handler: ConnectionHandler): void {
    this.#handler = handler;
  }

  /** The client sends these bytes as one chunk. */
  receive(bytes: Uint8Array): void {
    if (this.ended) return;
    if (this.paused) this.#waiting.push(Buffer.from(bytes));
    else this.#deliver(Buffer.from(bytes));
  }

  /** The client ends its handshake without a word; one that goes on sending has ended it too. */
  secure(chain: CertificateChain = []): void {
    this.#secured = true;
    this.#handler?.secured?.(chain);
  }

  /** What the client showed is refused. */
  refuseCertificate(problem: string, chain: CertificateChain): void {
    this.#handler?.certificateRefused?.(problem, chain);
    this.#close(null);
  }

  /** The client has read what waited. */
  drain(): void {
    this.pendingBytes = 0;
    this.#handler?.drained?.();
  }

  /** The client hangs up. */
  hangUp(reason: string | null = null): void {
    this.#close(reason);
  }

  get sentBytes(): Buffer {
    return Buffer.concat(this.sent);
  }

  write(bytes: Uint8Array): void {
    if (!this.ended) this.sent.push(Buffer.from(bytes));
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    while (!this.paused && !this.ended) {
      const chunk = this.#waiting.shift();
      if (chunk === undefined) break;
      this.#deliver(chunk);
    }
  }

  end(): void {
    this.#close(null);
  }

  destroy(): void {
    this.#close(null);
  }

  startTls(options: TlsServerOptions, firstBytes: Uint8Array): void {
    this.tls = options;
    if (firstBytes.length > 0) this.#deliver(Buffer.from(firstBytes));
    this.resume();
  }

  #deliver(bytes: Buffer): void {
    if (this.tls !== null && !this.#secured) this.secure();
    if (!this.ended) this.#handler?.data(bytes);
  }

  #close(reason: string | null): void {
    if (this.ended) return;
    this.ended = true;
    this.#handler?.closed(reason);
  }
}

/** A datagram that the server sent. */
export type SentDatagram = { readonly bytes: Buffer; readonly to: SocketAddress };

export class FakeNetwork implements Network {
  readonly #receivers = new Map<number, DatagramHandler>();
  readonly sentDatagrams: SentDatagram[] = [];
  readonly #listeners = new Map<number, (connection: Connection) => ConnectionHandler>();
  #clientPort = 40_000;

  listen(options: ListenOptions, accept: (connection: Connection) => ConnectionHandler): Promise<Listener> {
    if (this.#listeners.has(options.port)) {
      return Promise.reject(new CodedError("port_taken", `Port ${options.port} is taken on ${options.host}`));
    }
    this.#listeners.set(options.port, accept);
    const close = (): Promise<void> => {
      this.#listeners.delete(options.port);
      return Promise.resolve();
    };
    return Promise.resolve({ local: { address: options.host, port: options.port }, close });
  }

  bindDatagrams({ host, port }: DatagramOptions, receive: DatagramHandler): Promise<DatagramSocket> {
    if (this.#receivers.has(port)) {
      return Promise.reject(new CodedError("port_taken", `Port ${port} is taken on ${host}`));
    }
    this.#receivers.set(port, receive);
    return Promise.resolve({
      local: { address: host, port },
      send: (bytes, to) => this.sentDatagrams.push({ bytes: Buffer.from(bytes), to }),
      close: () => {
        this.#receivers.delete(port);
        return Promise.resolve();
      },
    });
  }

  /** Somebody sends a datagram to a bound port. */
  datagram(
    port: number,
    bytes: Uint8Array,
    from: SocketAddress = { address: "192.0.2.10", port: 40_000 },
  ): void {
    this.#receivers.get(port)?.(Buffer.from(bytes), from);
  }

  /** A client connects to a listening port. */
  connect(port: number, address = "192.0.2.10"): FakeConnection {
    const accept = this.#listeners.get(port);
    if (accept === undefined) throw new Error(`nothing listens on ${port}`);
    const connection = new FakeConnection({ address, port: this.#clientPort++ });
    connection.attach(accept(connection));
    return connection;
  }
}
