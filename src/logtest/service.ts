/** The log test on its socket, as the peer's tools and API speak to it. */
import type { Timer } from "#kernel/ports/clock.ts";
import { FramedService, type Manners } from "#local-sockets/framed-service.ts";
import { framedAnswer, TOO_LARGE_ANSWER } from "./answer.ts";
import { LogtestEvents } from "./events.ts";
import { CLIENT_MS_MAX, CLIENTS_MAX, REQUEST_BYTES_MAX, SWEEP_PERIOD_MS_MAX } from "./limits.ts";
import { Logtest } from "./logtest.ts";
import type { LogtestConfig, LogtestNeeds } from "./needs.ts";

const MANNERS: Manners = {
  counters: "logtest",
  clientsMax: CLIENTS_MAX,
  requestBytesMax: REQUEST_BYTES_MAX,
  requestMsMax: CLIENT_MS_MAX,
  answerMsMax: CLIENT_MS_MAX,
  tooLarge: Buffer.from(TOO_LARGE_ANSWER),
  frame: framedAnswer,
};

export class LogtestService {
  readonly #config: LogtestConfig;
  readonly #needs: LogtestNeeds;
  readonly #events: LogtestEvents;
  readonly #logtest: Logtest;
  readonly #socket: FramedService;
  #sweeper: Timer | null = null;

  constructor(config: LogtestConfig, needs: LogtestNeeds) {
    this.#config = config;
    this.#needs = needs;
    this.#events = new LogtestEvents(needs);
    this.#logtest = new Logtest(config, needs, this.#events);
    const answer = (request: Buffer) => Buffer.from(this.#logtest.answer(request), "latin1");
    this.#socket = new FramedService(config.socketPath, { ...needs, answer }, MANNERS);
  }

  /** Throws a `CodedError` when the socket cannot be had. */
  async start(): Promise<void> {
    await this.#socket.start();
    const periodMs = Math.min(this.#config.sessionSeconds * 1000, SWEEP_PERIOD_MS_MAX);
    this.#sweeper = this.#needs.clock.every(periodMs, () => this.#logtest.sweep());
    this.#events.started();
  }

  async stop(): Promise<void> {
    this.#sweeper?.cancel();
    await this.#socket.stop();
  }
}
