/** The environment of a real process. */
import { createReadStream } from "node:fs";
import { hostname } from "node:os";
import type { Writable } from "node:stream";
import { CodedError, errnoOf, messageOf } from "#kernel/errors.ts";
import { SystemClock } from "#kernel/platform/clock.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { systemLocalSockets } from "#kernel/platform/local-sockets.ts";
import type { Environment, Output } from "./environment.ts";

/** As much as a pipe holds. */
const READ_BYTES = 65_536;

export class StreamOutput implements Output {
  readonly isTerminal: boolean;
  readonly #stream: Writable;
  #closed = false;
  #waiting: (() => void) | null = null;

  /** `failed` hears of every failure but a reader that went away, which is no failure. */
  constructor(stream: Writable, isTerminal: boolean, failed: (reason: string) => void) {
    this.#stream = stream;
    this.isTerminal = isTerminal;
    stream.on("error", (error) => {
      if (!this.#closed && errnoOf(error) !== "EPIPE") failed(messageOf(error));
      this.#closed = true;
      this.#wake();
    });
    stream.on("drain", () => this.#wake());
  }

  get closed(): boolean {
    return this.#closed;
  }

  write(bytes: string): void {
    if (!this.#closed) this.#stream.write(bytes, "latin1");
  }

  ready(): Promise<void> {
    if (this.#closed || !this.#stream.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  #wake(): void {
    this.#waiting?.();
    this.#waiting = null;
  }
}

async function* readInput(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path, { highWaterMark: READ_BYTES });
  } catch (error) {
    throw new CodedError("input_unreadable", `cannot read ${path}: ${messageOf(error)}`, { path }, error);
  }
}

export function nodeEnvironment(): Environment {
  const stderr = new StreamOutput(process.stderr, process.stderr.isTTY, () => {});
  const environment: Environment = {
    args: process.argv.slice(2),
    variables: process.env,
    stdin: { isTerminal: process.stdin.isTTY, chunks: process.stdin },
    stdout: new StreamOutput(process.stdout, process.stdout.isTTY, (reason) => {
      stderr.write(`cyb3rhq: cannot write the output: ${reason}\n`);
      process.exitCode = 1;
    }),
    stderr,
    clock: new SystemClock(),
    files: systemFiles,
    localSockets: systemLocalSockets,
    hostname: hostname(),
    openInput: readInput,
    exitCode: 0,
  };
  return environment;
}
