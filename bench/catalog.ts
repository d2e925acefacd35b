/** Every benchmark by its name. */
import type { Benchmark } from "./benchmark.ts";
import { engine } from "./engine.ts";
import { enrollment } from "./enrollment.ts";
import { intake } from "./intake.ts";
import { load } from "./load.ts";

const BENCHMARKS: Readonly<Record<string, Benchmark>> = { engine, intake, load, enrollment };

export const BENCHMARK_NAMES = Object.keys(BENCHMARKS);

export function benchmarkOf(name: string): Benchmark {
  const benchmark = BENCHMARKS[name];
  if (benchmark === undefined) {
    throw new RangeError(`no benchmark '${name}'; there are ${BENCHMARK_NAMES.join(", ")}`);
  }
  return benchmark;
}
