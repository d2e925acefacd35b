/** The output thread: alert files, archives, rotation, and the engine's snapshot once everything before it is on disk. */
import { type MessagePort, workerData } from "node:worker_threads";
import { SharedProgress } from "#journal/shared-progress.ts";
import { SystemClock } from "#kernel/platform/clock.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { type OutputOptions, OutputService } from "#output/service.ts";
import { ResponseEvents } from "#response/events.ts";
import { ResponseHandover } from "#response/handover.ts";
import { giveBackMemory } from "./give-back-memory.ts";
import { ThreadLink } from "./thread-link.ts";
import type { FromOutput, FromOutputToAnalysis, MainToOutput, ToOutput } from "./thread-messages.ts";

export type OutputThreadData = {
  readonly home: string;
  readonly progress: SharedArrayBuffer;
  readonly options: OutputOptions;
  readonly analysis: MessagePort;
};

const data: OutputThreadData = workerData;
const link = new ThreadLink<FromOutput>();
const clock = new SystemClock();

async function main(): Promise<void> {
  const progress = new SharedProgress(data.progress);
  while (!progress.open && !progress.stopped) await progress.writtenChanged(progress.written);
  if (!progress.open) return link.stopped();
  const responses = new ResponseHandover(
    (lines) => link.send({ kind: "responses", lines }),
    new ResponseEvents({ clock, log: link.log("cyb3rhq-execd"), metrics: link.counters }),
  );
  link.onMessage(({ chars }: MainToOutput) => responses.taken(chars));
  const service = new OutputService(
    {
      files: systemFiles,
      clock,
      log: link.log("cyb3rhq-analysisd"),
      metrics: link.counters,
      home: data.home,
      epoch: progress.epoch,
      consumed: (bytes) => {
        const message: FromOutputToAnalysis = { kind: "consumed", bytes };
        data.analysis.postMessage(message);
      },
      snapshotDurable: (position) => link.send({ kind: "snapshot_durable", position }),
      responsesWritten: (lines) => responses.hand(lines),
    },
    data.options,
  );
  data.analysis.on("message", (message: ToOutput) => {
    if (message.kind === "block") service.accept(message.block);
    else data.analysis.close();
  });
  // Also when the analysis thread ended without saying so.
  data.analysis.on("close", () => {
    service.close();
    link.stopped();
  });
  giveBackMemory();
  link.ready("");
}

main().catch((error: unknown) => link.failed(error));
