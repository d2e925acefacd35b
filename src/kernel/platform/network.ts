/** TCP and TLS by Node. */
import { createServer, type Server, type Socket } from "node:net";
import { createSecureContext, TLSSocket } from "node:tls";
import { CodedError, errnoOf, messageOf } from "../errors.ts";
import type {
  Connection,
  ConnectionHandler,
  Listener,
  ListenOptions,
  Network,
  SocketAddress,
  TlsServerOptions,
} from "../ports/network.ts";

const MAPPED_IPV4_PREFIX = "::ffff:";

function plainAddress(address: string | undefined): string {
  if (address === undefined) return "";
  return address.startsWith(MAPPED_IPV4_PREFIX) ? address.slice(MAPPED_IPV4_PREFIX.length) : address;
}

class SystemConnection implements Connection {
  readonly remote: SocketAddress;
  #stream: Socket;
  #handler: ConnectionHandler | null = null;
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
    if (!this.#closed && this.#stream.writable) this.#stream.write(bytes);
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  end(): void {
    this.#stream.end();
  }

  destroy(): void {
    this.#stream.destroy();
  }

  startTls(options: TlsServerOptions, firstBytes: Uint8Array): void {
    const raw = this.#stream;
    raw.removeAllListeners("data");
    raw.removeAllListeners("drain");
    raw.removeAllListeners("close");
    raw.pause();
    raw.unshift(firstBytes);
    const secure = new TLSSocket(raw, {
      isServer: true,
      secureContext: secureContextOf(options),
      requestCert: options.clientAuthority !== null,
      rejectUnauthorized: options.clientAuthority !== null,
    });
    this.#stream = secure;
    this.#listen(secure);
  }

  #listen(stream: Socket): void {
    let reason: string | null = null;
    stream.on("data", (chunk) => {
      if (!this.#closed && Buffer.isBuffer(chunk)) this.#handler?.data(chunk);
    });
    stream.on("drain", () => this.#handler?.drained?.());
    stream.on("error", (error) => {
      reason = errnoOf(error) ?? "failed";
      stream.destroy();
    });
    stream.on("close", () => {
      if (this.#closed) return;
      this.#closed = true;
      this.#handler?.closed(reason);
    });
  }
}

type SecureContext = ReturnType<typeof createSecureContext>;
const secureContexts = new WeakMap<TlsServerOptions, SecureContext>();

/** Parsing a key costs milliseconds, so one context serves every connection of a listener. */
function secureContextOf(options: TlsServerOptions): SecureContext {
  const known = secureContexts.get(options);
  if (known !== undefined) return known;
  const context = createSecureContext({
    cert: options.certificate,
    key: options.key,
    // TLS 1.0 and 1.1 need SHA-1 signatures, which OpenSSL allows at security level 0 only.
    ciphers: options.oldVersions ? `${options.ciphers}:@SECLEVEL=0` : options.ciphers,
    minVersion: options.oldVersions ? "TLSv1" : "TLSv1.2",
    ...(options.clientAuthority === null ? {} : { ca: options.clientAuthority }),
  });
  secureContexts.set(options, context);
  return context;
}

function listenError(error: unknown, options: ListenOptions): CodedError {
  const where = { host: options.host, port: options.port };
  switch (errnoOf(error)) {
    case "EADDRINUSE":
      return new CodedError("port_taken", `Port ${options.port} is taken on ${options.host}`, where, error);
    case "EACCES":
      return new CodedError("port_forbidden", `No right to listen on port ${options.port}`, where, error);
    case "EADDRNOTAVAIL":
      return new CodedError("address_unavailable", `No such address here: ${options.host}`, where, error);
    default:
      return new CodedError("listen_failed", messageOf(error), where, error);
  }
}

function localAddress(server: Server): SocketAddress {
  const local = server.address();
  if (local === null || typeof local === "string") return { address: "", port: 0 };
  return { address: plainAddress(local.address), port: local.port };
}

export const systemNetwork: Network = {
  listen(options, accept): Promise<Listener> {
    return new Promise((resolve, reject) => {
      const server = createServer({ noDelay: true }, (socket) => {
        const connection = new SystemConnection(socket);
        connection.attach(accept(connection));
      });
      server.once("error", (error) => reject(listenError(error, options)));
      server.listen({ host: options.host, port: options.port, backlog: options.backlog }, () => {
        server.removeAllListeners("error");
        // An accept that fails for want of descriptors is that client's loss, not the server's.
        server.on("error", () => {});
        resolve({
          local: localAddress(server),
          close: () => new Promise((done) => server.close(() => done())),
        });
      });
    });
  },
};
