/**
 * Serves a local stream socket: each client sends one request in a frame, gets its answer in one frame or more, and is hung up on.
 *
 * Held for a client: one frame, and its answer until it was read or `ANSWER_MS_MAX` have passed.
 */
import { encodeFrame, FrameDecoder, PAYLOAD_BYTES_MAX } from "#formats/wire/agent/frame.ts";
import type { Clock, Timer } from "#kernel/ports/clock.ts";
import type { LocalConnection, LocalListener, LocalSockets } from "#kernel/ports/local-sockets.ts";
import type { Metrics } from "#kernel/ports/metrics.ts";
import type { ConnectionHandler } from "#kernel/ports/network.ts";
import { ANSWER_MS_MAX, BACKLOG, CLIENTS_MAX, REQUEST_MS_MAX } from "./limits.ts";

/** Owner and group (wazuh v4.14.7: OS_BindUnixDomain). */
const SOCKET_PERMISSIONS = 0o660;

export type FramedServiceNeeds = {
  readonly clock: Clock;
  readonly localSockets: LocalSockets;
  readonly metrics: Metrics;
  /** Null hangs up without an answer. Must not reject. */
  readonly answer: (request: Buffer) => Promise<Uint8Array | null>;
};

export class FramedService {
  readonly #path: string;
  readonly #needs: FramedServiceNeeds;
  readonly #clients = new Set<Client>();
  #listener: LocalListener | null = null;

  constructor(path: string, needs: FramedServiceNeeds) {
    this.#path = path;
    this.#needs = needs;
  }

  /** Throws a `CodedError` when the socket cannot be had. */
  async start(): Promise<void> {
    const options = { path: this.#path, permissions: SOCKET_PERMISSIONS, backlog: BACKLOG };
    this.#listener = await this.#needs.localSockets.listen(options, (connection) => this.#accept(connection));
  }

  async stop(): Promise<void> {
    const closed = this.#listener?.close();
    this.#listener = null;
    for (const client of [...this.#clients]) client.close();
    await closed;
  }

  #accept(connection: LocalConnection): ConnectionHandler {
    const { metrics } = this.#needs;
    if (this.#clients.size >= CLIENTS_MAX) {
      metrics.add("local_clients_over_limit");
      connection.destroy();
      return REFUSED;
    }
    metrics.add("local_clients");
    const client = new Client(connection, this.#needs, () => this.#clients.delete(client));
    this.#clients.add(client);
    return client;
  }
}

const REFUSED: ConnectionHandler = { data: () => {}, closed: () => {} };

class Client implements ConnectionHandler {
  readonly #connection: LocalConnection;
  readonly #needs: FramedServiceNeeds;
  readonly #gone: () => void;
  /** Null once the request is whole: what follows it is dropped. */
  #decoder: FrameDecoder | null = new FrameDecoder();
  #deadline: Timer;
  #isClosed = false;

  constructor(connection: LocalConnection, needs: FramedServiceNeeds, gone: () => void) {
    this.#connection = connection;
    this.#needs = needs;
    this.#gone = gone;
    this.#deadline = this.#startDeadline(REQUEST_MS_MAX);
  }

  data(chunk: Buffer): void {
    if (this.#decoder === null) return;
    const { frames, violation } = this.#decoder.push(chunk);
    const [request] = frames;
    if (request === undefined) {
      if (violation !== null) this.close();
      return;
    }
    this.#decoder = null;
    this.#deadline.cancel();
    void this.#needs.answer(request).then((answer) => this.#answer(answer));
  }

  closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#decoder = null;
    this.#deadline.cancel();
    this.#gone();
  }

  close(): void {
    this.closed();
    this.#connection.destroy();
  }

  #answer(answer: Uint8Array | null): void {
    if (this.#isClosed) return;
    if (answer === null) {
      this.close();
      return;
    }
    this.#deadline = this.#startDeadline(ANSWER_MS_MAX);
    // An empty answer is a frame too.
    for (let at = 0; at === 0 || at < answer.length; at += PAYLOAD_BYTES_MAX)
      this.#connection.write(encodeFrame(answer.subarray(at, at + PAYLOAD_BYTES_MAX)));
    this.#connection.end();
  }

  #startDeadline(delayMs: number): Timer {
    return this.#needs.clock.after(delayMs, () => {
      this.#needs.metrics.add("local_clients_silent");
      this.close();
    });
  }
}
