/** TCP, TLS and UDP by Node. */
import assert from "node:assert/strict";
import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { createServer, type Server, type Socket } from "node:net";
import { errnoOf } from "../errors.ts";
import type {
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
} from "../ports/network.ts";
import type { BoundPort } from "./bound-ports.ts";
import { listenError, type Place } from "./listen-error.ts";
import { receiveBufferLimit } from "./receive-buffer.ts";
import { TlsAcceptor } from "./tls-acceptor.ts";

const MAPPED_IPV4_PREFIX = "::ffff:";

function plainAddress(address: string | undefined): string {
  if (address === undefined) return "";
  return address.startsWith(MAPPED_IPV4_PREFIX) ? address.slice(MAPPED_IPV4_PREFIX.length) : address;
}

export class SystemConnection implements Connection {
  readonly remote: SocketAddress;
  #stream: Socket;
  #handler: ConnectionHandler | null = null;
  /** While it lasts the stream is TLS's alone. */
  #handshaking = false;
  #reason: string | null = null;
  #closed = false;

  constructor(socket: Socket) {
    this.remote = { address: plainAddress(socket.remoteAddress), port: socket.remotePort ?? 0 };
    this.#stream = socket;
  }

  attach(handler: ConnectionHandler): void {
    this.#handler = handler;
    this.#listen(this.#stream);
  }

  get pendingBytes(): number {
    return this.#stream.writableLength;
  }

  write(bytes: Uint8Array): void {
    assert(!this.#handshaking, "clear text into a TLS handshake");
    if (!this.#closed && this.#stream.writable) this.#stream.write(bytes);
  }

  pause(): void {
    if (!this.#handshaking) this.#stream.pause();
  }

  resume(): void {
    if (!this.#handshaking) this.#stream.resume();
  }

  end(): void {
    this.#stream.end();
  }

  destroy(): void {
    this.#stream.destroy();
  }

  startTls(options: TlsServerOptions, firstBytes: Uint8Array): void {
    const acceptor = acceptorOf(options);
    const raw = this.#stream;
    raw.removeAllListeners("data");
    raw.removeAllListeners("drain");
    raw.pause();
    raw.unshift(firstBytes);
    this.#handshaking = true;
    acceptor.accept(raw, {
      secured: (stream, chain) => {
        this.#handshaking = false;
        this.#stream = stream;
        this.#handler?.secured?.(chain);
        this.#listen(stream);
      },
      refused: (problem, chain) => this.#handler?.certificateRefused?.(problem, chain),
      failed: (error) => this.#fail(error),
    });
  }

  #listen(stream: Socket): void {
    stream.on("data", (chunk) => {
      if (!this.#closed && Buffer.isBuffer(chunk)) this.#handler?.data(chunk);
    });
    stream.on("drain", () => this.#handler?.drained?.());
    stream.on("error", (error) => {
      this.#fail(error);
      stream.destroy();
    });
    stream.on("close", () => {
      if (this.#closed || stream !== this.#stream) return; // the end of a secured stream comes through TLS
      this.#closed = true;
      this.#handler?.closed(this.#reason);
    });
  }

  #fail(error: Error): void {
    this.#reason ??= errnoOf(error) ?? "failed";
  }
}

const tlsAcceptors = new WeakMap<TlsServerOptions, TlsAcceptor>();

/** Parsing a key costs milliseconds, so one acceptor serves every connection of a listener. */
function acceptorOf(options: TlsServerOptions): TlsAcceptor {
  const known = tlsAcceptors.get(options);
  if (known !== undefined) return known;
  const acceptor = new TlsAcceptor(options);
  tlsAcceptors.set(options, acceptor);
  return acceptor;
}

function localAddress(server: Server): SocketAddress {
  const local = server.address();
  if (local === null || typeof local === "string") return { address: "", port: 0 };
  return { address: plainAddress(local.address), port: local.port };
}

/** IPv6 sockets know an IPv4 address in this form only. */
function addressFor(socket: UdpSocket, address: string): string {
  const mapped = socket.address().family === "IPv6" && !address.includes(":");
  return mapped ? MAPPED_IPV4_PREFIX + address : address;
}

function datagramSocket(socket: UdpSocket): DatagramSocket {
  const { address, port } = socket.address();
  return {
    local: { address: plainAddress(address), port },
    send: (bytes, to) => socket.send(bytes, to.port, addressFor(socket, to.address), () => {}),
    close: () => new Promise((done) => socket.close(() => done())),
  };
}

function bindDatagrams(
  options: DatagramOptions,
  receive: DatagramHandler,
  bound?: BoundPort,
): Promise<DatagramSocket> {
  return new Promise((resolve, reject) => {
    const { host, port, receiveBufferBytes } = options;
    const socket = createSocket({
      type: host.includes(":") ? "udp6" : "udp4",
      recvBufferSize: receiveBufferBytes,
    });
    socket.on("message", (bytes, remote) =>
      receive(bytes, { address: plainAddress(remote.address), port: remote.port }),
    );
    socket.once("error", (error) => reject(listenError(error, options)));
    socket.bind(bound === undefined ? { address: host, port } : { fd: bound.descriptor }, () => {
      socket.removeAllListeners("error");
      // What one datagram meets on its way is no matter of the socket.
      socket.on("error", () => {});
      resolve(datagramSocket(socket));
    });
  });
}

async function listen(
  options: ListenOptions,
  accept: (connection: Connection) => ConnectionHandler,
  bound?: BoundPort,
): Promise<Listener> {
  const { host, port, backlog, receiveBufferBytes } = options;
  const limitBuffer = receiveBufferBytes === undefined ? null : await receiveBufferLimit(receiveBufferBytes);
  return new Promise((resolve, reject) => {
    const server = createServer({ noDelay: true }, (socket) => {
      const connection = new SystemConnection(socket);
      connection.attach(accept(connection));
    });
    server.once("error", (error) => reject(listenError(error, options)));
    // Of a socket that is there Node.js takes the backlog as an argument only.
    server.listen(bound === undefined ? { host, port } : { fd: bound.descriptor }, backlog, () => {
      server.removeAllListeners("error");
      limitBuffer?.(server);
      // An accept that fails for want of descriptors is that client's loss, not the server's: libuv ends its connection.
      server.on("error", () => {});
      resolve({
        local: localAddress(server),
        close: () => new Promise((done) => server.close(() => done())),
      });
    });
  });
}

export const systemNetwork: Network = networkWith([]);

/** Of ports that are bound already their sockets are used. */
export function networkWith(ports: readonly BoundPort[]): Network {
  const boundOf = (protocol: "tcp" | "udp", { host, port }: Place) =>
    ports.find((bound) => bound.protocol === protocol && bound.host === host && bound.port === port);
  return {
    listen: (options, accept) => listen(options, accept, boundOf("tcp", options)),
    bindDatagrams: (options, receive) => bindDatagrams(options, receive, boundOf("udp", options)),
  };
}
