/** The main thread's side of one worker: starts it, waits until it is ready, passes on what it says, notices when it dies. */
import { type Transferable, Worker } from "node:worker_threads";
import { CodedError, messageOf } from "#kernel/errors.ts";
import type { LogLevel } from "#kernel/ports/log.ts";
import type { CommonMessage } from "./thread-messages.ts";

/** The kinds that every thread may send; the rest is the thread's own. */
const COMMON_KINDS: ReadonlySet<string> = new Set(["log", "counters", "failed", "ready", "stopped"]);

/**
 * Memory for what is new, which V8 takes under load and keeps: three times what is scavenged at once. The intake thread takes as many messages a
 * second with 12 as with 48 (`bench -- intake`).
 */
const YOUNG_MEGABYTES_MAX = 12;

export type ThreadHost = {
  log(daemon: string, level: LogLevel, text: string): void;
  /** A thread that was ready is gone, or said it cannot go on: the manager must stop. */
  lost(name: string, error: CodedError): void;
};

export type ThreadStart = {
  readonly data: unknown;
  readonly transfer?: readonly Transferable[];
  /** The thread fails when it needs more; without it the whole process would. */
  readonly heapMegabytesMax?: number;
  /** Of memory for what is new; absent for `YOUNG_MEGABYTES_MAX`. */
  readonly youngMegabytesMax?: number;
};

export class Thread<Incoming extends { readonly kind: string }, Outgoing = never> {
  readonly name: string;
  counters: Readonly<Record<string, number>> = {};
  readonly #worker: Worker;
  readonly #host: ThreadHost;
  readonly #ready = Promise.withResolvers<string>();
  readonly #stopped = Promise.withResolvers<void>();
  #state: "starting" | "running" | "failed" | "stopped" = "starting";

  constructor(name: string, start: ThreadStart, host: ThreadHost, handle: (message: Incoming) => void) {
    this.name = name;
    this.#host = host;
    this.#worker = new Worker(new URL(`./${name}-thread.ts`, import.meta.url), {
      workerData: start.data,
      name,
      transferList: [...(start.transfer ?? [])],
      resourceLimits: {
        maxYoungGenerationSizeMb: start.youngMegabytesMax ?? YOUNG_MEGABYTES_MAX,
        ...(start.heapMegabytesMax === undefined ? {} : { maxOldGenerationSizeMb: start.heapMegabytesMax }),
      },
    });
    this.#worker.on("message", (message: CommonMessage | Incoming) => {
      if (isCommon(message)) this.#common(message);
      else handle(message);
    });
    this.#worker.on("error", (error) =>
      this.#failed(new CodedError("thread_failed", messageOf(error), {}, error)),
    );
    this.#worker.on("exit", () => this.#exited());
    // Whoever waits for neither must not turn a failure into an unhandled one.
    this.#ready.promise.catch(() => {});
  }

  /** What the thread says of itself when it serves. Rejects with its `CodedError`. */
  get ready(): Promise<string> {
    return this.#ready.promise;
  }

  /** Resolves when the thread has ended, however it did. */
  get stopped(): Promise<void> {
    return this.#stopped.promise;
  }

  send(message: Outgoing): void {
    this.#worker.postMessage(message);
  }

  terminate(): Promise<number> {
    this.#state = "stopped";
    return this.#worker.terminate();
  }

  #common(message: CommonMessage): void {
    switch (message.kind) {
      case "log":
        this.#host.log(message.daemon, message.level, message.text);
        return;
      case "counters":
        this.counters = message.values;
        return;
      case "ready":
        this.#state = "running";
        this.#ready.resolve(message.detail);
        return;
      case "failed":
        this.#failed(new CodedError(message.code, message.lines.join("\n")));
        return;
      default:
        this.#state = "stopped";
        this.#stopped.resolve();
    }
  }

  #failed(error: CodedError): void {
    const wasRunning = this.#state === "running";
    if (this.#state === "failed" || this.#state === "stopped") return;
    this.#state = "failed";
    this.#ready.reject(error);
    // What still waits for something in there would wait for ever.
    void this.#worker.terminate();
    if (wasRunning) this.#host.lost(this.name, error);
  }

  #exited(): void {
    this.#failed(new CodedError("thread_failed", `The ${this.name} thread ended`));
    this.#stopped.resolve();
  }
}

function isCommon<Incoming extends { readonly kind: string }>(
  message: CommonMessage | Incoming,
): message is CommonMessage {
  return COMMON_KINDS.has(message.kind);
}
