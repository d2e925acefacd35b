/** Questions on the terminal, and answers from stdin: a line each, also from a pipe. */
import { utf8Bytes } from "./bytes.ts";
import type { Environment } from "./environment.ts";
import { LineSplitter } from "./lines.ts";

export class Questions {
  readonly #environment: Environment;
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #splitter = new LineSplitter();
  readonly #lines: string[] = [];
  #ended = false;

  constructor(environment: Environment) {
    this.#environment = environment;
    this.#chunks = environment.stdin.chunks[Symbol.asyncIterator]();
  }

  /** The answer without blanks around it; null when stdin has ended. */
  async ask(question: string): Promise<string | null> {
    this.#environment.stdout.write(utf8Bytes(question));
    while (this.#lines.length === 0 && !this.#ended) {
      const { done, value } = await this.#chunks.next();
      this.#ended = done === true;
      this.#lines.push(...(done === true ? this.#splitter.end() : this.#splitter.push(value)));
    }
    return this.#lines.shift()?.trim() ?? null;
  }

  /** Anything but a yes is a no. */
  async confirm(question: string): Promise<boolean> {
    return /^y(?:es)?$/i.test((await this.ask(question)) ?? "");
  }

  /** Lets the process end while a terminal is still open. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}
