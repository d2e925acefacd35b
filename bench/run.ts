/**
 * `npm run -s bench -- NAME [CORPUS …] [SECONDS] [--json] [--record] [--data DIR]`: runs a benchmark and holds it against the last recorded run.
 *
 * Exit codes: 0 measured, 1 something is missing or went wrong, 2 wrong use of the command line.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { SHARED_DIRECTORY } from "../test/shared/shared-data.ts";
import { type Benchmark, type Figures, thisMachine } from "./benchmark.ts";
import { BENCHMARK_NAMES, benchmarkOf } from "./catalog.ts";
import { ethernetIfPossible } from "./ethernet.ts";
import { lastRecorded, type ResultLine, record } from "./results.ts";

/** As the launcher gives them; docs/decisions/0002-regexp-flags.md. */
const NODE_FLAGS = [
  "--enable-experimental-regexp-engine-on-excessive-backtracks",
  "--regexp-backtracks-before-fallback=1000",
  "--expose-gc",
  "--max-semi-space-size=16",
];
const MEASURE = fileURLToPath(new URL("measure.ts", import.meta.url));
const CORPUS_COLUMNS = 14;
const WHOLE_NUMBER = /^\d+$/;
const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;
const USAGE = `usage: npm run -s bench -- NAME [CORPUS …] [SECONDS] [--json] [--record] [--data DIR]
  NAME      ${BENCHMARK_NAMES.join(", ")}
  SECONDS   how long, where that is for choice
  --json    one JSON line a corpus and nothing else
  --record  keep the results as what later runs are held against
  --data    instead of ${join(SHARED_DIRECTORY, "data")}
`;

type Call = {
  readonly name: string;
  readonly benchmark: Benchmark;
  readonly corpora: readonly string[];
  readonly seconds: number;
  readonly json: boolean;
  readonly record: boolean;
  readonly dataDirectory: string;
};

/** Null when the call makes no sense. */
function readCall(): Call | null {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: "boolean" }, record: { type: "boolean" }, data: { type: "string" } },
  });
  const [name, ...words] = positionals;
  if (name === undefined || !BENCHMARK_NAMES.includes(name)) return null;
  const benchmark = benchmarkOf(name);
  const chosen = words.filter((word) => !WHOLE_NUMBER.test(word));
  const [seconds, ...tooMany] = words.filter((word) => WHOLE_NUMBER.test(word)).map(Number);
  if (tooMany.length > 0 || (seconds !== undefined && benchmark.seconds === undefined)) return null;
  if (chosen.some((corpus) => !benchmark.corpora.includes(corpus))) return null;
  return {
    name,
    benchmark,
    corpora: chosen.length === 0 ? benchmark.corpora : chosen,
    seconds: seconds ?? benchmark.seconds ?? 0,
    json: values.json === true,
    record: values.record === true,
    dataDirectory: resolve(values.data ?? join(SHARED_DIRECTORY, "data")),
  };
}

function missingFiles({ benchmark, corpora, dataDirectory }: Call): readonly string[] {
  const needed = corpora.flatMap((corpus) => benchmark.needs(corpus));
  return [...new Set(needed)].map((path) => join(dataDirectory, path)).filter((path) => !existsSync(path));
}

type Measured = { readonly line: ResultLine; readonly figures: Figures };

/** Null when it failed; what it said is on stderr. */
function measure({ name, benchmark, dataDirectory, seconds }: Call, corpus: string): Measured | null {
  const machine = thisMachine();
  const link = benchmark.overEthernet === true ? ethernetIfPossible() : null;
  const measuring = [process.execPath, ...NODE_FLAGS, MEASURE, name, corpus, dataDirectory, String(seconds)];
  const [command = "", ...args] = [...(link?.within ?? []), ...measuring];
  const child = spawnSync(command, args, { stdio: ["ignore", "pipe", "inherit"], encoding: "utf8" });
  if (child.status !== 0) return null;
  const figures: Figures = {
    ...JSON.parse(child.stdout),
    ...(link === null ? {} : { network: link.name }),
  };
  return { line: { benchmark: name, corpus, ...figures, machine }, figures };
}

function ratioToLast(line: ResultLine, mainFigure: string): string {
  const last = lastRecorded(line.benchmark, line.corpus, line.machine);
  return last === null ? "-" : `× ${(Number(line[mainFigure]) / Number(last[mainFigure])).toFixed(2)}`;
}

function tableRow(corpus: string, cells: Figures, titles: readonly string[]): string {
  const columns = titles.map((title) => String(cells[title]).padStart(title.length));
  return `${[corpus.padEnd(CORPUS_COLUMNS), ...columns].join("  ")}\n`;
}

function printReadable({ line, figures }: Measured, mainFigure: string, first: boolean): void {
  const last = `${mainFigure} to the last`;
  const cells = { ...figures, [last]: ratioToLast(line, mainFigure) };
  const titles = Object.keys(cells);
  const header = Object.fromEntries(titles.map((title) => [title, title]));
  if (first) process.stdout.write(tableRow(line.benchmark, header, titles));
  process.stdout.write(tableRow(line.corpus, cells, titles));
}

function run(call: Call): number {
  const missing = missingFiles(call);
  if (missing.length > 0) {
    process.stderr.write(`bench: missing: ${missing.join(", ")}; --data DIR names another place\n`);
    return EXIT_FAILURE;
  }
  for (const [index, corpus] of call.corpora.entries()) {
    const measured = measure(call, corpus);
    if (measured === null) return EXIT_FAILURE;
    if (call.json) process.stdout.write(`${JSON.stringify(measured.line)}\n`);
    else printReadable(measured, call.benchmark.mainFigure, index === 0);
    if (call.record) record(measured.line);
  }
  return 0;
}

function main(): number {
  const call = readCall();
  if (call !== null) return run(call);
  process.stderr.write(USAGE);
  return EXIT_USAGE;
}

process.exitCode = main();
