/** What a benchmark is, and what all of their results have in common. */
import { cpus, loadavg } from "node:os";

/** Figures have their unit in their name. */
export type Figures = Readonly<Record<string, number | string>>;

export type Benchmark = {
  /** What it can be fed with. Each is measured in a process of its own, so that none leaves warm code or memory to the next. */
  readonly corpora: readonly string[];
  /** The figure that is held against the last recorded one. */
  readonly mainFigure: string;
  /** What must be there, below the data directory. */
  readonly needs: (corpus: string) => readonly string[];
  /** What is measured depends on the packets of a real network. */
  readonly overEthernet?: true;
  /** How long it goes on where nobody says another number; absent when its length is not for choice. */
  readonly seconds?: number;
  readonly measure: (corpus: string, dataDirectory: string, seconds: number) => Promise<Figures>;
};

export type Machine = {
  readonly cpu: string;
  readonly cores: number;
  readonly loadAverage: readonly number[];
  readonly node: string;
};

export function thisMachine(): Machine {
  const processors = cpus();
  return {
    cpu: processors[0]?.model ?? "unknown",
    cores: processors.length,
    loadAverage: loadavg().map((load) => Number(load.toFixed(2))),
    node: process.version,
  };
}

/** Of an unsorted list; `share` 0.5 is the median. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Of this process, all threads. */
export function cpuSecondsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}
