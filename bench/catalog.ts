/** Every benchmark by its name. */
import { agentsConnected } from "./agents-connected.ts";
import type { Benchmark } from "./benchmark.ts";
import { cluster } from "./cluster.ts";
import { endToEnd } from "./end-to-end.ts";
import { engine } from "./engine.ts";
import { enrollment } from "./enrollment.ts";
import { exponential } from "./exponential.ts";
import { intake } from "./intake.ts";
import { keys } from "./keys.ts";
import { load } from "./load.ts";
import { localQueue } from "./local-queue.ts";
import { overload } from "./overload.ts";
import { push } from "./push.ts";
import { reconnect } from "./reconnect.ts";
import { scaling } from "./scaling.ts";
import { silent } from "./silent.ts";
import { state } from "./state.ts";
import { syslog } from "./syslog.ts";

const BENCHMARKS: Readonly<Record<string, Benchmark>> = {
  engine,
  scaling,
  state,
  exponential,
  intake,
  push,
  load,
  enrollment,
  syslog,
  "local-queue": localQueue,
  agents: agentsConnected,
  reconnect,
  keys,
  "end-to-end": endToEnd,
  silent,
  overload,
  cluster,
};

export const BENCHMARK_NAMES = Object.keys(BENCHMARKS);

export function benchmarkOf(name: string): Benchmark {
  const benchmark = BENCHMARKS[name];
  if (benchmark === undefined) {
    throw new RangeError(`no benchmark '${name}'; there are ${BENCHMARK_NAMES.join(", ")}`);
  }
  return benchmark;
}
