/** The cluster's heavy work, on a few threads. */
import { Worker } from "node:worker_threads";
import type { HeavyJob, HeavyResult, HeavyWork } from "#cluster/needs.ts";
import { CodedError, messageOf } from "#kernel/errors.ts";

export type NumberedJob = { readonly number: number; readonly job: HeavyJob };
export type NumberedResult =
  | { readonly kind: "done"; readonly number: number; readonly result: HeavyResult[HeavyJob["kind"]] }
  | { readonly kind: "failed"; readonly number: number; readonly code: string; readonly text: string };

/** A table of 200,000 files takes about 200 MB while it is parsed. What needs more ends the thread, not the program. */
const HEAP_MEGABYTES_MAX = 512;
/** Buffers of megabytes are given back sooner when young objects are collected often. */
const YOUNG_MEGABYTES_MAX = 12;

type Waiting = {
  readonly settle: (result: HeavyResult[HeavyJob["kind"]]) => void;
  readonly fail: (error: CodedError) => void;
};
/** Done in milliseconds, and connections wait for them: never behind an archive. */
const SHORT: ReadonlySet<HeavyJob["kind"]> = new Set(["seal", "open"]);

type Place = { worker: Worker | null; readonly jobs: Map<number, Waiting> };

export class ClusterWork implements HeavyWork {
  readonly #places: readonly Place[];
  /** For what is short, while all others are busy; its thread starts when that happens first. */
  readonly #shortPlace: Place = { worker: null, jobs: new Map() };
  #number = 0;
  #isStopped = false;

  /**
   * The peer's pool has two processes on a master, one on a worker (`process_pool_size`). They start at once, since the first synchronisation would wait for
   * them else; one that has ended starts again when it is needed.
   */
  constructor(threads: number) {
    this.#places = Array.from({ length: threads }, () => ({ worker: null, jobs: new Map() }));
    for (const place of this.#places) place.worker = this.#start(place);
  }

  run<Kind extends HeavyJob["kind"]>(job: Extract<HeavyJob, { kind: Kind }>): Promise<HeavyResult[Kind]> {
    const least = this.#places.reduce((idle, other) => (other.jobs.size < idle.jobs.size ? other : idle));
    const place = least.jobs.size > 0 && SHORT.has(job.kind) ? this.#shortPlace : least;
    return new Promise((resolve, reject) => {
      if (this.#isStopped) {
        reject(new CodedError("cluster_work_failed", "The threads for heavy work have ended"));
        return;
      }
      const number = this.#number++;
      // The thread answers a job with a result of its kind.
      const settle = (result: HeavyResult[HeavyJob["kind"]]) => resolve(result as HeavyResult[Kind]);
      place.jobs.set(number, { settle, fail: reject });
      place.worker ??= this.#start(place);
      const message: NumberedJob = { number, job };
      place.worker.postMessage(message);
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([...this.#places, this.#shortPlace].map(({ worker }) => worker?.terminate()));
  }

  #start(place: Place): Worker {
    const worker = new Worker(new URL("./work-thread.ts", import.meta.url), {
      name: "cluster-work",
      resourceLimits: {
        maxOldGenerationSizeMb: HEAP_MEGABYTES_MAX,
        maxYoungGenerationSizeMb: YOUNG_MEGABYTES_MAX,
      },
    });
    worker.on("message", (message: NumberedResult) => {
      const waiting = place.jobs.get(message.number);
      place.jobs.delete(message.number);
      if (message.kind === "done") waiting?.settle(message.result);
      else waiting?.fail(new CodedError(message.code, message.text));
    });
    let reason = "The thread for heavy work has ended";
    worker.on("error", (error) => {
      reason = messageOf(error);
    });
    worker.on("exit", () => {
      if (place.worker === worker) place.worker = null;
      const lost = [...place.jobs.values()];
      place.jobs.clear();
      for (const { fail } of lost) fail(new CodedError("cluster_work_failed", reason));
    });
    return worker;
  }
}
