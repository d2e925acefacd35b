/** The log test on its socket, as the peer's tools and API speak to it. */
import type { Timer } from "#kernel/ports/clock.ts";
import type { LocalConnection, LocalListener } from "#kernel/ports/local-sockets.ts";
import type { ConnectionHandler } from "#kernel/ports/network.ts";
import { type ClientHost, LogtestClient } from "./client.ts";
import { LogtestEvents } from "./events.ts";
import { BACKLOG, CLIENTS_MAX, SWEEP_PERIOD_MS_MAX } from "./limits.ts";
import { Logtest } from "./logtest.ts";
import type { LogtestConfig, LogtestNeeds } from "./needs.ts";

/** Owner and group (wazuh v4.14.7: OS_BindUnixDomain). */
const SOCKET_PERMISSIONS = 0o660;

type Running = { readonly listener: LocalListener; readonly sweeper: Timer };

export class LogtestService {
  readonly #config: LogtestConfig;
  readonly #needs: LogtestNeeds;
  readonly #events: LogtestEvents;
  readonly #logtest: Logtest;
  readonly #clients = new Set<LogtestClient>();
  readonly #clientHost: ClientHost;
  #running: Running | null = null;

  constructor(config: LogtestConfig, needs: LogtestNeeds) {
    this.#config = config;
    this.#needs = needs;
    this.#events = new LogtestEvents(needs);
    this.#logtest = new Logtest(config, needs, this.#events);
    this.#clientHost = {
      clock: needs.clock,
      answer: (request) => this.#logtest.answer(request),
      silent: () => this.#events.count("logtest_clients_silent"),
      tooLarge: () => this.#events.count("logtest_requests_too_large"),
      withoutRequest: () => this.#events.count("logtest_clients_without_request"),
      gone: (client) => this.#clients.delete(client),
    };
  }

  /** Throws a `CodedError` when the socket cannot be had. */
  async start(): Promise<void> {
    const { localSockets, clock } = this.#needs;
    const { socketPath, sessionSeconds } = this.#config;
    const options = { path: socketPath, permissions: SOCKET_PERMISSIONS, backlog: BACKLOG };
    const listener = await localSockets.listen(options, (connection) => this.#accept(connection));
    const periodMs = Math.min(sessionSeconds * 1000, SWEEP_PERIOD_MS_MAX);
    const sweeper = clock.every(periodMs, () => this.#logtest.sweep());
    this.#running = { listener, sweeper };
    this.#events.started();
  }

  async stop(): Promise<void> {
    if (this.#running === null) return;
    const { listener, sweeper } = this.#running;
    this.#running = null;
    sweeper.cancel();
    const closed = listener.close();
    for (const client of [...this.#clients]) client.close();
    await closed;
  }

  #accept(connection: LocalConnection): ConnectionHandler {
    if (this.#clients.size >= CLIENTS_MAX) {
      this.#events.count("logtest_clients_over_limit");
      connection.destroy();
      return IGNORE;
    }
    const client = new LogtestClient(connection, this.#clientHost);
    this.#clients.add(client);
    return client;
  }
}

/** A connection that was closed before it became a client. */
const IGNORE: ConnectionHandler = { data: () => {}, closed: () => {} };
