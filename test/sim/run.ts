/**
 * `node test/sim/run.ts [--seed N] [--seeds COUNT] [--steps M] [--seconds S] [--json] [--trace]`: simulates managers and their
 * agents, one seed after the other, and begins no new one after S seconds. Prints what was broken and how to see it again; exit code 1
 * when anything was.
 */
import { parseArgs } from "node:util";
import { type RunReport, simulate } from "./simulation.ts";

const STEPS_DEFAULT = 60;

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    seeds: { type: "string", default: "1" },
    steps: { type: "string", default: String(STEPS_DEFAULT) },
    seconds: { type: "string" },
    json: { type: "boolean", default: false },
    trace: { type: "boolean", default: false },
  },
});

function tell({ events, faults, lives, seed, steps, trace, ...rest }: RunReport): void {
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ test: "sim", seed, steps, faults, events, lives, ...rest })}\n`);
  } else if (faults.length > 0) {
    process.stdout.write(`seed ${seed} failed:\n  ${faults.join("\n  ")}\n`);
    process.stdout.write(`again: node test/sim/run.ts --seed ${seed} --steps ${steps} --trace\n`);
  }
  if (values.trace) process.stdout.write(`${trace.join("\n")}\n`);
}

const first = Number(values.seed);
const begunMs = performance.now();
const limitMs = values.seconds === undefined ? Number.POSITIVE_INFINITY : Number(values.seconds) * 1000;
let ran = 0;
let failed = 0;
let events = 0;
for (let seed = first; seed < first + Number(values.seeds); seed++) {
  if (performance.now() - begunMs > limitMs) break;
  const report = await simulate({ seed, steps: Number(values.steps) });
  ran++;
  events += report.events;
  if (report.faults.length > 0) failed++;
  tell(report);
}
const seconds = ((performance.now() - begunMs) / 1000).toFixed(1);
if (!values.json) process.stdout.write(`${ran} seeds, ${events} events, ${failed} failed, ${seconds} s\n`);
process.exitCode = failed === 0 ? 0 : 1;
