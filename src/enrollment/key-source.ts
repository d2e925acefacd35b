/** Who knows keys: a program that is started for each question, or one that listens on a local socket. What it answers is judged elsewhere. */
import { KEY_ANSWER_BYTES_MAX, type KeyAnswer, parseKeyAnswer } from "#formats/wire/enrollment/key-answer.ts";
import { CodedError } from "#kernel/errors.ts";
import type { Clock } from "#kernel/ports/clock.ts";
import type { LocalConnection, LocalSockets } from "#kernel/ports/local-sockets.ts";
import type { Processes } from "#kernel/ports/processes.ts";
import { type KeyWish, keyWishText } from "#model/agent.ts";

/** wazuh v4.14.7: src/os_auth/key_request.c tries three times and waits one second more each time. */
const CONNECT_TRIES = 3;
const CONNECT_WAIT_MS = 1000;

export type KeyProgram = {
  readonly kind: "program";
  readonly program: string;
  readonly args: readonly string[];
};
/** `otherwise` is asked when nothing comes from the socket. */
export type KeySource =
  | KeyProgram
  | { readonly kind: "socket"; readonly path: string; readonly otherwise: KeyProgram | null };

export type KeySourceNeeds = {
  readonly clock: Clock;
  readonly processes: Processes;
  readonly localSockets: Pick<LocalSockets, "open">;
};

/** One question. Settles once, at the latest after `timeoutMs`, and lets go of the program or the socket then. */
export class KeyQuestion {
  readonly #needs: KeySourceNeeds;
  readonly #settled = Promise.withResolvers<KeyAnswer>();
  readonly #timer: { cancel(): void };
  #text = "";
  #letGo: (() => void) | null = null;
  #over = false;

  constructor(wish: KeyWish, source: KeySource, needs: KeySourceNeeds, timeoutMs: number) {
    this.#needs = needs;
    this.#timer = needs.clock.after(timeoutMs, () => this.#fail("key_source_slow", "no answer in time"));
    if (source.kind === "program") this.#run(source.program, [...source.args, wish.kind, keyWishText(wish)]);
    else this.#connect(source.path, `${wish.kind}:${keyWishText(wish)}`, 1);
  }

  /** Rejects with `CodedError` `key_source_failed` or `key_source_slow`. */
  get answer(): Promise<KeyAnswer> {
    return this.#settled.promise;
  }

  stop(): void {
    this.#fail("key_source_failed", "the manager stops");
  }

  #run(program: string, args: readonly string[]): void {
    const child = this.#needs.processes.start(program, args, {
      output: (chunk) => this.#take(chunk),
      ended: (code) => {
        if (code === 0) this.#finish();
        else this.#fail("key_source_failed", code === null ? "the program did not run" : `exit code ${code}`);
      },
    });
    this.#hold(() => child.stop());
  }

  #connect(path: string, question: string, attempt: number): void {
    const handler = {
      data: (chunk: Buffer) => {
        this.#take(chunk);
        // Its end need not be marked: whoever answers may leave the connection open.
        const answer = parseKeyAnswer(this.#text);
        if (answer !== null) this.#settle(answer);
      },
      closed: () => {
        if (this.#text === "") this.#fail("key_source_failed", "the connection was closed without an answer");
        else this.#finish();
      },
    };
    this.#needs.localSockets.open(path, handler).then(
      (connection) => this.#ask(connection, question),
      (error: unknown) => {
        const problem = error instanceof CodedError ? error.message : "the socket cannot be used";
        if (attempt === CONNECT_TRIES) this.#fail("key_source_failed", problem);
        else if (!this.#over) {
          const again = () => this.#connect(path, question, attempt + 1);
          const timer = this.#needs.clock.after(attempt * CONNECT_WAIT_MS, again);
          this.#letGo = () => timer.cancel();
        }
      },
    );
  }

  #ask(connection: LocalConnection, question: string): void {
    this.#hold(() => connection.destroy());
    if (!this.#over) connection.write(Buffer.from(question, "latin1"));
  }

  /** The timeout may have come before there was anything to let go of. */
  #hold(letGo: () => void): void {
    if (this.#over) letGo();
    else this.#letGo = letGo;
  }

  #take(chunk: Buffer): void {
    if (this.#over) return;
    this.#text += chunk.toString("latin1");
    if (this.#text.length > KEY_ANSWER_BYTES_MAX) this.#fail("key_source_failed", "the answer is too long");
  }

  #finish(): void {
    this.#settle(parseKeyAnswer(this.#text) ?? { kind: "invalid", problem: "it is no JSON" });
  }

  #settle(answer: KeyAnswer): void {
    if (this.#end()) this.#settled.resolve(answer);
  }

  #fail(code: string, problem: string): void {
    if (this.#end()) this.#settled.reject(new CodedError(code, problem));
  }

  /** False when it was over before. */
  #end(): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.#text = "";
    this.#timer.cancel();
    this.#letGo?.();
    return true;
  }
}
