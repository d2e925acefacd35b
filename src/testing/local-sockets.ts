/** Local stream sockets in memory: a test is the client, and decides how bytes are cut. */
import { CodedError } from "#kernel/errors.ts";
import type {
  AcceptedConnection,
  LocalConnection,
  LocalListener,
  LocalListenOptions,
  LocalSockets,
} from "#kernel/ports/local-sockets.ts";
import type { ConnectionHandler } from "#kernel/ports/network.ts";
import { FakeConnection } from "./network.ts";

/** The server's end of a connection whose other end is a handler of the test's program. */
class LinkedConnection extends FakeConnection {
  readonly #client: ConnectionHandler;

  constructor(client: ConnectionHandler) {
    super({ address: "", port: 0 });
    this.#client = client;
  }

  override write(bytes: Uint8Array): void {
    super.write(bytes);
    this.#client.data(Buffer.from(bytes));
  }

  override end(): void {
    super.end();
    this.#client.closed(null);
  }

  override destroy(): void {
    super.destroy();
    this.#client.closed(null);
  }
}

export class FakeLocalSockets implements LocalSockets {
  readonly #listeners = new Map<string, (connection: AcceptedConnection) => ConnectionHandler>();
  readonly #taken = new Set<string>();

  /** Nothing can listen there from here on. */
  take(path: string): void {
    this.#taken.add(path);
  }

  listen(
    { path }: LocalListenOptions,
    accept: (connection: AcceptedConnection) => ConnectionHandler,
  ): Promise<LocalListener> {
    if (this.#taken.has(path))
      return Promise.reject(new CodedError("socket_path_taken", `${path} is no socket`));
    this.#listeners.set(path, accept);
    const close = (): Promise<void> => {
      this.#listeners.delete(path);
      return Promise.resolve();
    };
    return Promise.resolve({ close });
  }

  /** As a program does it; what the server writes arrives at once. */
  open(path: string, handler: ConnectionHandler): Promise<LocalConnection> {
    const accept = this.#listeners.get(path);
    if (accept === undefined)
      return Promise.reject(new CodedError("socket_unavailable", `connect ENOENT ${path}`));
    const server = new LinkedConnection(handler);
    const serverHandler = accept(server);
    return Promise.resolve({
      write: (bytes: Uint8Array) => serverHandler.data(Buffer.from(bytes)),
      end: () => serverHandler.closed(null),
      destroy: () => serverHandler.closed(null),
    });
  }

  connect(path: string): FakeConnection {
    const accept = this.#listeners.get(path);
    if (accept === undefined) throw new Error(`nothing listens on ${path}`);
    const connection = new FakeConnection({ address: "", port: 0 });
    connection.attach(accept(connection));
    return connection;
  }
}
