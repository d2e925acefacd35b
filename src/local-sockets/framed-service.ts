/**
 * Serves a local stream socket: each client sends one request in a frame, gets its answer in one frame or more, and is hung up on.
 *
 * Held for a client: one frame, and its answer until it was read or its time is over.
 */
import { encodeFrame, FrameDecoder, PAYLOAD_BYTES_MAX } from "#formats/wire/agent/frame.ts";
import type { Clock, Timer } from "#kernel/ports/clock.ts";
import type { LocalConnection, LocalListener, LocalSockets } from "#kernel/ports/local-sockets.ts";
import type { Metrics } from "#kernel/ports/metrics.ts";
import type { ConnectionHandler } from "#kernel/ports/network.ts";
import { ANSWER_MS_MAX, BACKLOG, CLIENTS_MAX, REQUEST_MS_MAX, SOCKET_PERMISSIONS } from "./limits.ts";

export type FramedServiceNeeds = {
  readonly clock: Clock;
  readonly localSockets: LocalSockets;
  readonly metrics: Metrics;
  /** Of a request that is not empty; null hangs up without an answer. Must neither throw nor reject. */
  readonly answer: (request: Buffer) => Promise<Uint8Array | null> | Uint8Array | null;
};

/** Before each frame. */
const LENGTH_BYTES = 4;

/** How the clients of a socket are treated. */
export type Manners = {
  /** The first word of its counters. */
  readonly counters: string;
  /** At a time; one more is closed without an answer. */
  readonly clientsMax: number;
  readonly requestBytesMax: number;
  /** From the connection to the whole request. */
  readonly requestMsMax: number;
  /** From the answer to the end of the connection. */
  readonly answerMsMax: number;
  /** Said to a client that asks too much; null hangs up. */
  readonly tooLarge: Uint8Array | null;
  readonly frame: (answer: Uint8Array) => Uint8Array;
};

const USUAL_MANNERS: Manners = {
  counters: "local",
  clientsMax: CLIENTS_MAX,
  requestBytesMax: PAYLOAD_BYTES_MAX,
  requestMsMax: REQUEST_MS_MAX,
  answerMsMax: ANSWER_MS_MAX,
  tooLarge: null,
  frame: inFrames,
};

/** For clients that read one frame, however long it is: the peer's programs in Python. */
export const ONE_FRAME: Manners = {
  ...USUAL_MANNERS,
  frame: (answer) => {
    const head = Buffer.alloc(LENGTH_BYTES);
    head.writeUInt32LE(answer.length);
    return Buffer.concat([head, answer]);
  },
};

/** An empty answer is a frame too. */
function inFrames(answer: Uint8Array): Uint8Array {
  const frames: Buffer[] = [];
  for (let at = 0; at === 0 || at < answer.length; at += PAYLOAD_BYTES_MAX)
    frames.push(encodeFrame(answer.subarray(at, at + PAYLOAD_BYTES_MAX)));
  return Buffer.concat(frames);
}

export class FramedService {
  readonly #path: string;
  readonly #needs: FramedServiceNeeds;
  readonly #manners: Manners;
  readonly #clients = new Set<Client>();
  #listener: LocalListener | null = null;

  constructor(path: string, needs: FramedServiceNeeds, manners: Manners = USUAL_MANNERS) {
    this.#path = path;
    this.#needs = needs;
    this.#manners = manners;
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
    const { clientsMax, counters } = this.#manners;
    if (this.#clients.size >= clientsMax) {
      metrics.add(`${counters}_clients_over_limit`);
      connection.destroy();
      return REFUSED;
    }
    metrics.add(`${counters}_clients`);
    const client = new Client(connection, { ...this.#needs, ...this.#manners }, () =>
      this.#clients.delete(client),
    );
    this.#clients.add(client);
    return client;
  }
}

const REFUSED: ConnectionHandler = { data: () => {}, closed: () => {} };

class Client implements ConnectionHandler {
  readonly #connection: LocalConnection;
  readonly #host: FramedServiceNeeds & Manners;
  readonly #gone: () => void;
  /** Null once the request is whole: what follows it is dropped. */
  #decoder: FrameDecoder | null = new FrameDecoder();
  #deadline: Timer;
  #isClosed = false;

  constructor(connection: LocalConnection, host: FramedServiceNeeds & Manners, gone: () => void) {
    this.#connection = connection;
    this.#host = host;
    this.#gone = gone;
    this.#deadline = this.#startDeadline(host.requestMsMax);
  }

  data(chunk: Buffer): void {
    if (this.#decoder === null) return;
    const { frames, violation } = this.#decoder.push(chunk);
    const [request] = frames;
    if (request === undefined && violation === null) return;
    if (request?.length === 0) {
      this.close();
      return;
    }
    this.#decoder = null;
    this.#deadline.cancel();
    if (request === undefined || request.length > this.#host.requestBytesMax) this.#refuse();
    else this.#ask(request);
  }

  closed(): void {
    if (this.#isClosed) return;
    if (this.#decoder !== null) this.#count("clients_without_request");
    this.#isClosed = true;
    this.#decoder = null;
    this.#deadline.cancel();
    this.#gone();
  }

  close(): void {
    this.closed();
    this.#connection.destroy();
  }

  #refuse(): void {
    this.#count("requests_too_large");
    this.#answer(this.#host.tooLarge);
  }

  #ask(request: Buffer): void {
    const answer = this.#host.answer(request);
    if (answer instanceof Promise) void answer.then((awaited) => this.#answer(awaited));
    else this.#answer(answer);
  }

  #answer(answer: Uint8Array | null): void {
    if (this.#isClosed) return;
    if (answer === null) {
      this.close();
      return;
    }
    this.#deadline = this.#startDeadline(this.#host.answerMsMax);
    this.#connection.write(this.#host.frame(answer));
    this.#connection.end();
  }

  #startDeadline(delayMs: number): Timer {
    return this.#host.clock.after(delayMs, () => {
      this.#count("clients_silent");
      this.close();
    });
  }

  #count(what: string): void {
    this.#host.metrics.add(`${this.#host.counters}_${what}`);
  }
}
