/** One campaign on a thread of its own, so that an input that hangs or takes all memory ends this thread only. */
import { inspect } from "node:util";
import { parentPort, workerData } from "node:worker_threads";
import { Campaign } from "./campaign.ts";
import { keepInput, readCorpus } from "./corpus.ts";
import { Coverage } from "./coverage.ts";
import { CurrentInput } from "./current-input.ts";
import { loadTarget, type TargetName } from "./targets.ts";

/** As an operator's manager would be. */
process.env["TZ"] = "UTC";

export type FuzzThreadData = {
  readonly target: TargetName;
  readonly milliseconds: number;
  readonly seed: number;
  /** How many inputs that reach something new are kept in the corpus. */
  readonly keep: number;
  readonly current: SharedArrayBuffer;
};

export type FuzzThreadMessage =
  | { readonly kind: "progress"; readonly inputs: number; readonly blocks: number }
  | {
      readonly kind: "failed";
      readonly path: string;
      readonly seed: number | string;
      readonly reason: string;
    }
  | { readonly kind: "done"; readonly inputs: number; readonly blocks: number };

const PROGRESS_PERIOD_MS = 10_000;
/** A corpus is read and run by everybody: small ones only. */
const KEPT_BYTES_MAX = 4096;
/** What is compared may be megabytes. */
const REASON_CHARS_MAX = 6000;

const data: FuzzThreadData = workerData;
const send = (message: FuzzThreadMessage): void => parentPort?.postMessage(message);

const target = await loadTarget(data.target);
const current = new CurrentInput(data.current);
const coverage = new Coverage();
let saidMs = performance.now();
let kept = 0;

const campaign = new Campaign({
  target,
  kept: readCorpus(data.target),
  coverage,
  milliseconds: data.milliseconds,
  freshSeed: data.seed,
  beginning: (input) => {
    current.input = input;
    if (performance.now() - saidMs < PROGRESS_PERIOD_MS) return;
    saidMs = performance.now();
    send({ kind: "progress", inputs: campaign.inputs, blocks: coverage.blocks });
  },
  reached: (input) => {
    if (kept >= data.keep || input.length > KEPT_BYTES_MAX || target.isForeign?.(input) === true) return;
    kept++;
    keepInput(data.target, input, { reason: "reach", foreign: false });
  },
});

const failure = campaign.run();
if (failure === null) send({ kind: "done", inputs: campaign.inputs, blocks: coverage.blocks });
else {
  const { input, seed, error } = failure;
  const path = keepInput(data.target, input, {
    reason: "failure",
    foreign: target.isForeign?.(input) ?? false,
  });
  send({
    kind: "failed",
    path,
    seed,
    reason: inspect(error, { breakLength: 120 }).slice(0, REASON_CHARS_MAX),
  });
}
