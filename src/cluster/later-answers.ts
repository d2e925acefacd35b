/**
 * What the other side of a connection answers later, by a string and a command that names it: `<id> <string id>`, or `<id> <text>` for a failure.
 *
 * An id counts on its own connection only: no node can answer for another one.
 */
import { type CommandName, joinName, splitName } from "#formats/wire/cluster/commands.ts";
import { type ClusterException, clusterError } from "#formats/wire/cluster/exceptions.ts";
import type { Timer } from "#kernel/ports/clock.ts";
import { ASKED_BYTES_MAX } from "./limits.ts";
import type { ClusterNeeds } from "./needs.ts";
import { ok, type Reply, refused } from "./replies.ts";
import type { Session } from "./session.ts";

export type LaterAnswer =
  | { readonly kind: "answered"; readonly bytes: Buffer }
  /** `text` is the other side's own; null when it said nothing. */
  | { readonly kind: "failed"; readonly error: ClusterException; readonly text: string | null };

type Waiting = {
  readonly timer: Timer;
  readonly bytes: number;
  readonly settle: (answer: LaterAnswer) => void;
};

/** The peer's ids are numbers below it. */
const IDS = 2 ** 20;
const TEXT_BYTES_MAX = 65_536;

export class LaterAnswers {
  readonly #session: Session;
  readonly #needs: Pick<ClusterNeeds, "clock" | "random">;
  readonly #max: number;
  readonly #waiting = new Map<string, Waiting>();
  #bytes = 0;

  /** `max`: answers that may be owed at the same time. */
  constructor(session: Session, needs: Pick<ClusterNeeds, "clock" | "random">, max: number) {
    this.#session = session;
    this.#needs = needs;
    this.#max = max;
  }

  /** Answers that are owed. */
  get pending(): number {
    return this.#waiting.size;
  }

  /** Never rejects. */
  async ask(command: CommandName, payload: Buffer, timeoutMs: number): Promise<LaterAnswer> {
    if (this.#waiting.size >= this.#max || this.#bytes + payload.length > ASKED_BYTES_MAX)
      return failed(clusterError(3018, "too many requests without an answer"));
    const id = this.#newId();
    const { promise, resolve } = Promise.withResolvers<LaterAnswer>();
    const timer = this.#needs.clock.after(timeoutMs, () =>
      this.#settle(id, failed(clusterError(3020, command))),
    );
    this.#waiting.set(id, { timer, bytes: payload.length, settle: resolve });
    this.#bytes += payload.length;
    const outcome = await this.#session.request(command, joinName(id, payload));
    if (outcome.kind === "failed") this.#settle(id, failed(outcome.error));
    return promise;
  }

  /** The handler of `dapi_res` and its like. */
  take(payload: Buffer, reply: string): Reply {
    const { name: id, bytes } = splitName(payload);
    const string = this.#session.takeString(bytes.toString("latin1"));
    if (!this.#waiting.has(id)) return refused(clusterError(3032, id));
    if (string === null) {
      const error = clusterError(3035, bytes.toString("latin1", 0, 64));
      this.#settle(id, failed(error));
      return refused(error);
    }
    this.#settle(id, { kind: "answered", bytes: string });
    return ok(reply);
  }

  /** The handler of `dapi_err` and its like. */
  takeFailure(payload: Buffer, reply: string): Reply {
    const { name: id, bytes } = splitName(payload);
    if (!this.#waiting.has(id)) return refused(clusterError(3032, id));
    const text = bytes.toString("utf8", 0, TEXT_BYTES_MAX);
    this.#settle(id, { kind: "failed", error: clusterError(3009, text), text });
    return ok(reply);
  }

  /** The connection is over. */
  close(): void {
    for (const id of [...this.#waiting.keys()])
      this.#settle(id, failed(clusterError(3018, "connection closed")));
  }

  #settle(id: string, answer: LaterAnswer): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    this.#bytes -= waiting.bytes;
    waiting.timer.cancel();
    waiting.settle(answer);
  }

  #newId(): string {
    let id: string;
    do id = String(this.#needs.random.below(IDS));
    while (this.#waiting.has(id));
    return id;
  }
}

function failed(error: ClusterException): LaterAnswer {
  return { kind: "failed", error, text: null };
}
