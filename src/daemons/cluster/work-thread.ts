/** Does the cluster's heavy work in a thread of its own: one job after the other. */
import assert from "node:assert/strict";
import { parentPort } from "node:worker_threads";
import { runHeavyJob } from "#cluster/heavy-work.ts";
import { CodedError, messageOf } from "#kernel/errors.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import type { NumberedJob, NumberedResult } from "./work.ts";

const port = parentPort;
assert(port !== null, "runs as a worker");

port.on("message", ({ number, job }: NumberedJob) => {
  const answer = (message: NumberedResult, transfer: ArrayBuffer[] = []) =>
    port.postMessage(message, transfer);
  try {
    const result = runHeavyJob(systemFiles, job);
    answer({ kind: "done", number, result }, ownedBuffers(result));
  } catch (error) {
    const code = error instanceof CodedError ? error.code : "cluster_work_failed";
    answer({ kind: "failed", number, code, text: messageOf(error) });
  }
});

/** Bytes that fill their memory alone go over without a copy. */
function ownedBuffers(result: unknown): ArrayBuffer[] {
  if (!(result instanceof Uint8Array) || result.byteLength !== result.buffer.byteLength) return [];
  return result.buffer instanceof ArrayBuffer ? [result.buffer] : [];
}
