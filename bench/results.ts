/** Recorded results: `bench/results/<benchmark>.jsonl`, one line a corpus and run. */
import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Figures, Machine } from "./benchmark.ts";

const RESULTS_DIRECTORY = fileURLToPath(new URL("results", import.meta.url));

/** As it is printed and recorded: the figures stand beside the names. */
export type ResultLine = {
  readonly benchmark: string;
  readonly corpus: string;
  readonly machine: Machine;
  readonly [figure: string]: Figures[string] | Machine;
};

function pathOf(benchmark: string): string {
  return `${RESULTS_DIRECTORY}/${benchmark}.jsonl`;
}

export function record(line: ResultLine): void {
  mkdirSync(RESULTS_DIRECTORY, { recursive: true });
  appendFileSync(pathOf(line.benchmark), `${JSON.stringify(line)}\n`);
}

/** The last one of the same corpus on the same kind of processor; others say nothing about this machine. */
export function lastRecorded(benchmark: string, corpus: string, machine: Machine): ResultLine | null {
  const path = pathOf(benchmark);
  if (!existsSync(path)) return null;
  const lines: ResultLine[] = readFileSync(path, "utf8")
    .trimEnd()
    .split("\n")
    .map((text) => JSON.parse(text));
  return lines.findLast((line) => line.corpus === corpus && line.machine.cpu === machine.cpu) ?? null;
}
