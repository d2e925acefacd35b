/**
 * Files that the other side was told to send: it got a task's id, sends the file, and names both. Here the id waits for that.
 * wazuh v4.14.7: framework/wazuh/core/cluster/common.py (ReceiveFileTask).
 */
import { type ClusterException, clusterError } from "#formats/wire/cluster/exceptions.ts";
import type { Clock, Timer } from "#kernel/ports/clock.ts";
import type { Random } from "#kernel/ports/random.ts";
import { FILE_PROMISES_MAX, FILE_WAIT_MS } from "./limits.ts";
import type { ReceivedFile } from "./received-files.ts";

export type FileOutcome =
  /** Whoever waited removes it. */
  | ({ readonly kind: "received" } & ReceivedFile)
  | { readonly kind: "failed"; readonly error: ClusterException };

export type PromisedFile = { readonly taskId: string; readonly outcome: Promise<FileOutcome> };

type Waiting = { readonly timer: Timer; readonly settle: (outcome: FileOutcome) => void };

export class PromisedFiles {
  readonly #clock: Clock;
  readonly #random: Pick<Random, "bytes">;
  readonly #tooLate: (taskId: string, error: ClusterException) => void;
  readonly #waiting = new Map<string, Waiting>();

  /** `tooLate` tells the other side that the task is off. */
  constructor(
    clock: Clock,
    random: Pick<Random, "bytes">,
    tooLate: (taskId: string, error: ClusterException) => void,
  ) {
    this.#clock = clock;
    this.#random = random;
    this.#tooLate = tooLate;
  }

  /** Null when too many are waited for. */
  promise(): PromisedFile | null {
    if (this.#waiting.size >= FILE_PROMISES_MAX) return null;
    const taskId = uuid(this.#random.bytes(16));
    const outcome = new Promise<FileOutcome>((settle) => {
      const timer = this.#clock.after(FILE_WAIT_MS, () => {
        const error = clusterError(3039);
        if (this.fail(taskId, error)) this.#tooLate(taskId, error);
      });
      this.#waiting.set(taskId, { timer, settle });
    });
    return { taskId, outcome };
  }

  isPromised(taskId: string): boolean {
    return this.#waiting.has(taskId);
  }

  received(taskId: string, file: ReceivedFile): boolean {
    return this.#settle(taskId, { kind: "received", ...file });
  }

  fail(taskId: string, error: ClusterException): boolean {
    return this.#settle(taskId, { kind: "failed", error });
  }

  /** The connection is over. */
  failAll(error: ClusterException): void {
    for (const taskId of [...this.#waiting.keys()]) this.fail(taskId, error);
  }

  #settle(taskId: string, outcome: FileOutcome): boolean {
    const waiting = this.#waiting.get(taskId);
    if (waiting === undefined) return false;
    this.#waiting.delete(taskId);
    waiting.timer.cancel();
    waiting.settle(outcome);
    return true;
  }
}

/** Version 4, as the peer's task ids. */
function uuid(random: Buffer): string {
  const bytes = Buffer.from(random);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
