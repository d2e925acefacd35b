/** A worker's side of the line to the main thread: log lines, counters, readiness, failure. */
import assert from "node:assert/strict";
import { parentPort } from "node:worker_threads";
import { CodedError, messageOf } from "#kernel/errors.ts";
import type { Log } from "#kernel/ports/log.ts";
import { Counters } from "./counters.ts";
import type { CommonMessage } from "./thread-messages.ts";

const COUNTERS_PERIOD_MS = 1000;

export class ThreadLink<Message> {
  readonly counters = new Counters();
  readonly #timer: NodeJS.Timeout;

  constructor() {
    // It also keeps the thread alive while it only waits for shared memory to change, which does not count as work.
    this.#timer = setInterval(() => this.#sendCounters(), COUNTERS_PERIOD_MS);
  }

  log(daemon: string): Log {
    return { write: (level, text) => this.#common({ kind: "log", daemon, level, text }) };
  }

  send(message: Message): void {
    port().postMessage(message);
  }

  ready(detail: string): void {
    this.#common({ kind: "ready", detail });
  }

  /** The thread gives up; the main thread decides what that means. */
  failed(error: unknown): void {
    const code = error instanceof CodedError ? error.code : "unexpected";
    const text =
      error instanceof CodedError
        ? error.message
        : String((error instanceof Error && error.stack) || messageOf(error));
    this.#common({ kind: "failed", code, lines: [text] });
  }

  failedWith(code: string, lines: readonly string[]): void {
    this.#common({ kind: "failed", code, lines });
  }

  stopped(): void {
    clearInterval(this.#timer);
    this.#sendCounters();
    this.#common({ kind: "stopped" });
  }

  onMessage<Incoming>(handle: (message: Incoming) => void): void {
    port().on("message", handle);
  }

  #sendCounters(): void {
    this.#common({ kind: "counters", values: this.counters.all });
  }

  #common(message: CommonMessage): void {
    port().postMessage(message);
  }
}

function port(): NonNullable<typeof parentPort> {
  assert(parentPort !== null, "runs as a worker");
  return parentPort;
}
