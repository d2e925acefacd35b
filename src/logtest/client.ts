/** One connection: a request in one frame, its answer in another, then the end. Holds at most one request. */
import { FrameDecoder } from "#formats/wire/agent/frame.ts";
import type { Clock, Timer } from "#kernel/ports/clock.ts";
import type { LocalConnection } from "#kernel/ports/local-sockets.ts";
import type { ConnectionHandler } from "#kernel/ports/network.ts";
import { framedAnswer, TOO_LARGE_ANSWER } from "./answer.ts";
import { CLIENT_MS_MAX, REQUEST_BYTES_MAX } from "./limits.ts";

export type ClientHost = {
  readonly clock: Clock;
  answer(request: Buffer): string;
  /** It took too long to ask, or to read its answer. */
  silent(): void;
  tooLarge(): void;
  /** It left, or asked nothing. */
  withoutRequest(): void;
  gone(client: LogtestClient): void;
};

export class LogtestClient implements ConnectionHandler {
  readonly #connection: LocalConnection;
  readonly #host: ClientHost;
  /** Null once the request is whole: what follows it is dropped. */
  #decoder: FrameDecoder | null = new FrameDecoder();
  #deadline: Timer;
  #isClosed = false;

  constructor(connection: LocalConnection, host: ClientHost) {
    this.#connection = connection;
    this.#host = host;
    this.#deadline = this.#startDeadline();
  }

  data(chunk: Buffer): void {
    if (this.#decoder === null) return;
    const { frames, violation } = this.#decoder.push(chunk);
    const [request] = frames;
    if (request === undefined) {
      if (violation !== null) this.#refuse();
      return;
    }
    // The frames of agents, which this decoder is made for, may be one byte longer.
    if (request.length > REQUEST_BYTES_MAX) this.#refuse();
    else if (request.length === 0) this.#leaveUnanswered();
    else this.#answer(this.#host.answer(request));
  }

  closed(): void {
    if (this.#decoder !== null) this.#host.withoutRequest();
    this.#leave();
  }

  close(): void {
    this.#leave();
    this.#connection.destroy();
  }

  #refuse(): void {
    this.#host.tooLarge();
    this.#answer(TOO_LARGE_ANSWER);
  }

  #leaveUnanswered(): void {
    this.#host.withoutRequest();
    this.close();
  }

  #answer(answer: string): void {
    this.#decoder = null;
    this.#deadline.cancel();
    this.#deadline = this.#startDeadline();
    this.#connection.write(framedAnswer(answer));
    this.#connection.end();
  }

  #startDeadline(): Timer {
    return this.#host.clock.after(CLIENT_MS_MAX, () => {
      this.#host.silent();
      this.close();
    });
  }

  #leave(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#decoder = null;
    this.#deadline.cancel();
    this.#host.gone(this);
  }
}
