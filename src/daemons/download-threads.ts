/** Runs downloads of packages, each in a thread of its own that the manager ends when it stops. */
import { Worker } from "node:worker_threads";
import { messageOf } from "#kernel/errors.ts";
import type { DownloadOutcome, DownloadProgress, DownloadRequest } from "#upgrade/download.ts";

export type FromDownload =
  | { readonly kind: "progress"; readonly progress: DownloadProgress }
  | { readonly kind: "done"; readonly outcomes: readonly DownloadOutcome[] };

export class DownloadThreads {
  readonly #workers = new Set<Worker>();

  run(
    request: DownloadRequest,
    progress: (progress: DownloadProgress) => void,
  ): Promise<readonly DownloadOutcome[]> {
    const worker = new Worker(new URL("./download-thread.ts", import.meta.url), { workerData: request });
    this.#workers.add(worker);
    const { promise, resolve } = Promise.withResolvers<readonly DownloadOutcome[]>();
    const fail = (text: string) =>
      resolve(request.places.map(() => ({ ok: false, code: "package_missing", text })));
    worker.on("message", (message: FromDownload) => {
      if (message.kind === "progress") progress(message.progress);
      else resolve(message.outcomes);
    });
    worker.on("error", (error) => fail(messageOf(error)));
    worker.on("exit", () => {
      this.#workers.delete(worker);
      fail("The download was broken off");
    });
    return promise;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#workers].map((worker) => worker.terminate()));
  }
}
