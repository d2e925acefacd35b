/** HAProxy's stats socket: one command, or several with `;` between them, on a connection that HAProxy closes behind its answer. */
import { messageOf } from "#kernel/errors.ts";
import type { Clock } from "#kernel/ports/clock.ts";
import type { LocalConnection, LocalSockets } from "#kernel/ports/local-sockets.ts";
import { helperError } from "../errors.ts";
import { ANSWER_BYTES_MAX, SILENCE_MS_MAX } from "../limits.ts";

export class StatsSocket {
  readonly #sockets: LocalSockets;
  readonly #clock: Clock;
  readonly #path: string;

  constructor(sockets: LocalSockets, clock: Clock, path: string) {
    this.#sockets = sockets;
    this.#clock = clock;
    this.#path = path;
  }

  /** The answer as a latin1 string. */
  async ask(command: string): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const chunks: Buffer[] = [];
    let bytes = 0;
    let connection: LocalConnection | null = null;
    let givenUp = false;
    const giveUp = (text: string) => {
      givenUp = true;
      reject(helperError(3045, text));
      connection?.destroy();
    };
    const timer = this.#clock.after(SILENCE_MS_MAX, () => giveUp("the stats socket does not answer"));
    const handler = {
      data: (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > ANSWER_BYTES_MAX) giveUp(`an answer of more than ${ANSWER_BYTES_MAX} bytes`);
        else chunks.push(chunk);
      },
      closed: (reason: string | null) => {
        if (reason === null) resolve(Buffer.concat(chunks).toString("latin1"));
        else giveUp(reason);
      },
    };
    this.#sockets.open(this.#path, handler).then(
      (opened) => {
        connection = opened;
        // A command that nobody waits for any more must not be done.
        if (givenUp) opened.destroy();
        else opened.write(Buffer.from(`${command}\n`, "latin1"));
      },
      (error: unknown) => giveUp(messageOf(error)),
    );
    return await promise.finally(() => timer.cancel());
  }
}
