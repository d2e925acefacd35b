/**
 * The cluster daemon's local socket, on master and worker: programs of this host speak the frames of the cluster there, not sealed and without a hello.
 *
 * What they may ask is the tasks': `handlers` gives each client its commands. Who may connect is the mode of the socket.
 */
import { SCRATCH_DIRECTORY } from "#formats/wire/cluster/paths.ts";
import { CodedError } from "#kernel/errors.ts";
import type { Timer } from "#kernel/ports/clock.ts";
import type { AcceptedConnection, LocalListener, LocalSockets } from "#kernel/ports/local-sockets.ts";
import type { ConnectionHandler } from "#kernel/ports/network.ts";
import { Channel } from "../channel.ts";
import { KEEPALIVE_CHECK_PERIOD_MS, LOCAL_CLIENTS_MAX, SILENCE_MS_MAX } from "../limits.ts";
import type { ClusterNeeds } from "../needs.ts";
import { type Handler, type HandlerTable, ok, type RequestOutcome } from "../replies.ts";
import { LOCAL_SOCKET_NAME } from "../scratch.ts";
import { type StringOutcome, sendString } from "../send-string.ts";
import { taggedLog } from "../tagged-log.ts";

/** Owner and group: the answers hold secrets. */
const SOCKET_PERMISSIONS = 0o660;
const BACKLOG = 128;
/** The peer's ids are random numbers below it; other nodes see them. */
const CLIENT_IDS = 2 ** 20;
const REFUSED: ConnectionHandler = { data: () => {}, closed: () => {} };

export type LocalServerNeeds = Pick<ClusterNeeds, "clock" | "random" | "log" | "metrics"> & {
  readonly localSockets: LocalSockets;
};

/** One program that is connected. */
export class LocalClient {
  readonly id: string;
  readonly #channel: Channel;

  constructor(id: string, channel: Channel) {
    this.id = id;
    this.#channel = channel;
  }

  /** Something that the program waits for after its request was answered (`dapi_res`, `control_res`, `ok`). */
  request(command: string, payload: Buffer): Promise<RequestOutcome> {
    return this.#channel.request(command, payload);
  }

  sendString(bytes: Buffer): Promise<StringOutcome> {
    return sendString(this.#channel, bytes);
  }
}

type Seat = { readonly client: LocalClient; readonly channel: Channel; heardMs: number };

export class LocalServer {
  readonly #path: string;
  readonly #needs: LocalServerNeeds;
  readonly #handlers: (client: LocalClient) => HandlerTable;
  readonly #seats = new Map<string, Seat>();
  #listener: LocalListener | null = null;
  #check: Timer | null = null;

  constructor(home: string, needs: LocalServerNeeds, handlers: (client: LocalClient) => HandlerTable) {
    this.#path = `${home}/${SCRATCH_DIRECTORY}/${LOCAL_SOCKET_NAME}`;
    this.#needs = needs;
    this.#handlers = handlers;
  }

  /** Throws what `LocalSockets.listen` throws, after it was said. */
  async start(): Promise<void> {
    const { localSockets, clock } = this.#needs;
    const log = taggedLog(this.#needs.log, "Local Server", "Main");
    try {
      const options = { path: this.#path, permissions: SOCKET_PERMISSIONS, backlog: BACKLOG };
      this.#listener = await localSockets.listen(options, (connection) => this.#accept(connection));
    } catch (error) {
      if (error instanceof CodedError) log.write("error", `Could not create server: ${error.message}`);
      throw error;
    }
    log.write("info", `Serving on ${this.#path}`);
    this.#closeSilent();
    this.#check = clock.every(KEEPALIVE_CHECK_PERIOD_MS, () => this.#closeSilent());
  }

  async stop(): Promise<void> {
    this.#check?.cancel();
    this.closeClients();
    await this.#listener?.close();
  }

  /** A worker that loses its master ends those who wait for it. */
  closeClients(): void {
    for (const { channel } of [...this.#seats.values()]) channel.close();
  }

  /** Null when it is gone. */
  client(id: string): LocalClient | null {
    return this.#seats.get(id)?.client ?? null;
  }

  #accept(connection: AcceptedConnection): ConnectionHandler {
    if (this.#seats.size >= LOCAL_CLIENTS_MAX) {
      connection.destroy();
      return REFUSED;
    }
    const { clock, random, log } = this.#needs;
    let id: string;
    do id = String(random.below(CLIENT_IDS));
    while (this.#seats.has(id));
    const handlers = new Map<string, Handler>();
    const channel = new Channel(
      {
        link: connection,
        cipher: null,
        log: taggedLog(log, `Local ${id}`, "Main"),
        handlerOf: (command) => handlers.get(command) ?? null,
        closed: () => this.#seats.delete(id),
      },
      this.#needs,
    );
    const seat: Seat = { client: new LocalClient(id, channel), channel, heardMs: clock.monotonicMs() };
    this.#seats.set(id, seat);
    handlers.set("echo-c", (payload) => {
      seat.heardMs = clock.monotonicMs();
      return ok(payload, "ok-m ");
    });
    for (const [command, handler] of this.#handlers(seat.client)) handlers.set(command, handler);
    return {
      data: (chunk) => channel.data(chunk),
      drained: () => channel.drained(),
      closed: () => channel.close(),
    };
  }

  #closeSilent(): void {
    const nowMs = this.#needs.clock.monotonicMs();
    const log = taggedLog(this.#needs.log, "Local Server", "Keep alive");
    log.write("debug", "Calculating.");
    for (const [id, { channel, heardMs }] of [...this.#seats]) {
      if (nowMs - heardMs <= SILENCE_MS_MAX) continue;
      const silence = `No keep alives have been received from ${id} in the last minute. Disconnecting`;
      log.write("error", silence);
      channel.close();
    }
    log.write("debug", "Calculated.");
  }
}
