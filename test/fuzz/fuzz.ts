/**
 * Structured fuzzing of what comes from outside: `node test/fuzz/fuzz.ts [--target NAME[,NAME]] [--seconds N] [--seed S] [--keep N]`.
 *
 * The targets share the seconds. Prints the seed and how far it came; what fails is saved to `corpus/<target>/` and makes exit
 * code 1. `--input FILE` runs one saved input again.
 */
import "./v8-flags.ts";
import { randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { keepInput } from "./corpus.ts";
import { CurrentInput } from "./current-input.ts";
import type { FuzzThreadData, FuzzThreadMessage } from "./fuzz-thread.ts";
import { isTargetName, loadTarget, TARGET_NAMES, type TargetName } from "./targets.ts";

const SECONDS_DEFAULT = 60;
/** An input is a batch of at most some hundred events; even on a loaded machine it ends long before. */
const INPUT_MS_MAX = 60_000;
const WATCH_PERIOD_MS = 1000;
/** Several times what the rule sets and the largest states of an engine take; a campaign that needs more is a leak. */
const HEAP_MB_MAX = 1024;
const SEED_MAX = 2 ** 31;

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** True when nothing failed. */
function fuzz(
  target: TargetName,
  options: { seconds: number; seed: number; keep: number },
): Promise<boolean> {
  const { seconds, seed, keep } = options;
  const current = new CurrentInput();
  const workerData: FuzzThreadData = {
    target,
    milliseconds: seconds * 1000,
    seed,
    keep,
    current: current.shared,
  };
  const worker = new Worker(new URL("./fuzz-thread.ts", import.meta.url), {
    workerData,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB_MAX },
  });
  say(`${target}: ${seconds.toFixed(0)} s, fresh seed ${seed}`);
  return new Promise((resolve) => {
    let ended = false;
    let watched = { sequence: 0, sinceMs: performance.now() };
    const end = (passed: boolean, text: string): void => {
      if (ended) return;
      ended = true;
      clearInterval(watch);
      say(text);
      void worker.terminate();
      resolve(passed);
    };
    const endAtCurrent = (what: string): void => {
      if (ended) return;
      // Whether it holds what belongs to others is not known here.
      const path = keepInput(target, current.input, { reason: "failure", foreign: true });
      end(false, `${target}: FAILED: ${what}; the input is ${path}`);
    };
    const watch = setInterval(() => {
      const { sequence } = current;
      if (sequence !== watched.sequence) watched = { sequence, sinceMs: performance.now() };
      else if (performance.now() - watched.sinceMs > INPUT_MS_MAX) endAtCurrent("an input does not end");
    }, WATCH_PERIOD_MS);
    worker.on("message", (message: FuzzThreadMessage) => {
      const { kind } = message;
      if (kind === "progress") say(`${target}: ${message.inputs} inputs, ${message.blocks} blocks reached`);
      else if (kind === "done")
        end(true, `${target}: ok, ${message.inputs} inputs, ${message.blocks} blocks reached`);
      else
        end(
          false,
          `${target}: FAILED (seed ${message.seed}); the input is ${message.path}\n${message.reason}`,
        );
    });
    worker.on("error", (error: Error) => endAtCurrent(error.stack ?? error.message));
    worker.on("exit", (code) => endAtCurrent(`the thread ended with code ${code}`));
  });
}

function wantedTargets(text: string): readonly TargetName[] {
  return text.split(",").map((name) => {
    if (isTargetName(name)) return name;
    throw new RangeError(`no target '${name}'; there are ${TARGET_NAMES.join(", ")}`);
  });
}

const { values } = parseArgs({
  options: {
    target: { type: "string", default: TARGET_NAMES.join(",") },
    seconds: { type: "string", default: String(SECONDS_DEFAULT) },
    seed: { type: "string", default: String(randomInt(SEED_MAX)) },
    keep: { type: "string", default: "0" },
    input: { type: "string" },
  },
});
const targets = wantedTargets(values.target);
const [first] = targets;

if (values.input !== undefined && first !== undefined) {
  const target = await loadTarget(first);
  target.run(readFileSync(values.input, "latin1"));
  say(`${first}: ok`);
} else {
  const options = {
    seconds: Number(values.seconds) / targets.length,
    seed: Number(values.seed),
    keep: Number(values.keep),
  };
  for (const target of targets) if (!(await fuzz(target, options))) process.exitCode = 1;
}
