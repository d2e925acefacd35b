/** Fetches packages from a repository in a thread of its own: they are hashed and written as they come. */
import { parentPort, workerData } from "node:worker_threads";
import { SystemClock } from "#kernel/platform/clock.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { systemHttpClient } from "#kernel/platform/http-client.ts";
import { type DownloadRequest, downloadPackages } from "#upgrade/download.ts";
import type { FromDownload } from "./download-threads.ts";

const request: DownloadRequest = workerData;
const tell = (message: FromDownload) => parentPort?.postMessage(message);

const needs = {
  http: systemHttpClient,
  files: systemFiles,
  clock: new SystemClock(),
  progress: (progress: Extract<FromDownload, { kind: "progress" }>["progress"]) =>
    tell({ kind: "progress", progress }),
};
tell({ kind: "done", outcomes: await downloadPackages(needs, request) });
