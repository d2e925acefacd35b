/**
 * Asks the cluster daemon of this host over `queue/cluster/c-internal.sock`, as the peer's tools do: one request, its answer, and for what the master or other
 * nodes must tell, a later request of the daemon that holds it.
 */

import { splitName } from "#formats/wire/cluster/commands.ts";
import { type ClusterException, clusterError, readErrorReply } from "#formats/wire/cluster/exceptions.ts";
import {
  encodeMessage,
  MESSAGE_BYTES_MAX,
  type Message,
  MessageReader,
} from "#formats/wire/cluster/frame.ts";
import { CodedError } from "#kernel/errors.ts";
import type { Clock, Timer } from "#kernel/ports/clock.ts";
import type { LocalConnection, LocalSockets } from "#kernel/ports/local-sockets.ts";

/** For the answer (`timeout_cluster_request`), and for what follows it (`timeout_dapi_request`). */
const ANSWER_MS_MAX = 20_000;
const LATER_MS_MAX = 200_000;
/** The daemon ends a connection that is silent for two minutes. */
const KEEPALIVE_MS = 60_000;
/** What the daemon answers when the true answer comes later. */
const LATER_ANSWERS: ReadonlySet<string> = new Set([
  "Sent request to master node",
  "Added request to API requests queue",
]);

export type ClusterAnswer =
  | { readonly kind: "ok"; readonly payload: Buffer }
  | { readonly kind: "failed"; readonly error: ClusterException };

export type ClusterClientNeeds = {
  readonly localSockets: Pick<LocalSockets, "open">;
  readonly clock: Clock;
  readonly path: string;
};

/** Does not reject: a daemon that is not there is error 3012. */
export async function askCluster(
  { localSockets, clock, path }: ClusterClientNeeds,
  command: string,
  payload: Buffer | string = "",
): Promise<ClusterAnswer> {
  const exchange = new Exchange(clock);
  try {
    const connection = await localSockets.open(path, {
      data: (chunk) => exchange.data(chunk),
      closed: () => exchange.fail(clusterError(3018, "connection closed")),
    });
    exchange.begin(connection, command, Buffer.from(payload));
    return await exchange.answered;
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return { kind: "failed", error: clusterError(3012) };
  }
}

class Exchange {
  readonly answered: Promise<ClusterAnswer>;
  readonly #settle: (answer: ClusterAnswer) => void;
  readonly #clock: Clock;
  readonly #reader = new MessageReader({ isAdmitted: true });
  #connection: LocalConnection | null = null;
  #deadline: Timer | null = null;
  #keepalive: Timer | null = null;
  #counter = 0;
  /** Its one answer is a request of the daemon's, and comes when the master's has. */
  #isSendSync = false;
  #isOver = false;
  /** The string that the daemon sends; it is the only one of the exchange. */
  #string: { readonly bytes: Buffer; filledBytes: number } | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
    const { promise, resolve } = Promise.withResolvers<ClusterAnswer>();
    this.answered = promise;
    this.#settle = resolve;
  }

  begin(connection: LocalConnection, command: string, payload: Buffer): void {
    this.#connection = connection;
    this.#isSendSync = command === "sendsync";
    this.#wait(this.#isSendSync ? LATER_MS_MAX : ANSWER_MS_MAX, command);
    this.#keepalive = this.#clock.every(KEEPALIVE_MS, () =>
      this.#send(++this.#counter, "echo-c", Buffer.from("keepalive")),
    );
    this.#send(this.#counter, command, payload);
  }

  data(chunk: Buffer): void {
    this.#reader.push(chunk);
    while (!this.#isOver) {
      const next = this.#reader.next();
      if (next === null) return;
      if (next.kind === "violation") this.fail(clusterError(3050));
      else this.#take(next.message);
    }
  }

  fail(error: ClusterException): void {
    this.#end({ kind: "failed", error });
  }

  #take({ counter, command, payload }: Message): void {
    switch (command) {
      case "ok":
        if (this.#isSendSync) {
          this.#confirm(counter, "Sendsync response received");
          this.#end({ kind: "ok", payload });
          return;
        }
        // Of the request itself; answers to keepalives are others.
        if (counter !== 0) return;
        if (LATER_ANSWERS.has(payload.toString("latin1"))) this.#wait(LATER_MS_MAX, "dapi");
        else this.#end({ kind: "ok", payload });
        return;
      case "err":
        this.fail(readErrorReply(payload));
        return;
      case "control_res":
        this.#confirm(counter, "Response received");
        this.#end(answerOf(payload));
        return;
      case "dapi_err":
        this.#confirm(counter, "Error response received");
        this.fail(readErrorReply(payload));
        return;
      default:
        this.#takeString(counter, command, payload);
    }
  }

  #takeString(counter: number, command: string, payload: Buffer): void {
    const string = this.#string;
    if (command === "new_str") {
      const size = Number(payload.toString("latin1", 0, 15));
      if (string !== null || !Number.isSafeInteger(size) || size < 0 || size > MESSAGE_BYTES_MAX) {
        this.fail(clusterError(3050));
        return;
      }
      this.#string = { bytes: Buffer.alloc(size), filledBytes: 0 };
      this.#confirm(counter, "1");
    } else if (command === "str_upd" && string !== null) {
      string.filledBytes += splitName(payload).bytes.copy(string.bytes, string.filledBytes);
      this.#confirm(counter, "String updated");
    } else if (command === "dapi_res" && string !== null) {
      this.#confirm(counter, "Distributed api response received");
      this.#end(answerOf(string.bytes));
    }
  }

  #confirm(counter: number, text: string): void {
    this.#send(counter, "ok", Buffer.from(text));
  }

  #send(counter: number, command: string, payload: Buffer): void {
    for (const frame of encodeMessage({ counter, command }, payload, payload.length)) {
      this.#connection?.write(frame);
    }
  }

  #wait(milliseconds: number, command: string): void {
    this.#deadline?.cancel();
    this.#deadline = this.#clock.after(milliseconds, () => this.fail(clusterError(3020, command)));
  }

  #end(answer: ClusterAnswer): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#deadline?.cancel();
    this.#keepalive?.cancel();
    this.#connection?.end();
    this.#settle(answer);
  }
}

/** A later answer may be an exception as well. */
function answerOf(payload: Buffer): ClusterAnswer {
  const error = payload.subarray(0, 64).includes("__wazuh_exception__") ? readErrorReply(payload) : null;
  return error === null ? { kind: "ok", payload } : { kind: "failed", error };
}
