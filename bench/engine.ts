/**
 * How many events a CPU-second the way from the journal's blocks to alerts.json and alerts.log takes, with the peer's rule set.
 *
 * The blocks are made before the clock runs; all that the analysis and output threads do with them is done in this process, so that
 * its CPU time is the whole of it. Not in it: reading the journal, handing blocks between threads, snapshots.
 */
import assert from "node:assert/strict";
import { type CompiledRuleset, Engine } from "#analysis/engine.ts";
import { forEachEvent } from "#model/event-block.ts";
import { BlockMaker, HOSTNAME, Line } from "./analysis-line.ts";
import { type Benchmark, cpuSecondsSince, type Figures, quantile } from "./benchmark.ts";
import { CORPORA, corpusEvents, corpusNeeds } from "./corpora.ts";
import { loadPeerRuleset, RULESET_FOLDER } from "./peer-ruleset.ts";

/** A manager runs for weeks: the passes in which V8 still compiles are not counted. */
const WARMING_PASSES = 3;
const PASSES_MIN = 3;
const SECONDS_MIN = 3;

/** Microseconds of `Engine.process()`, event by event. */
function timeEach(set: CompiledRuleset, blocks: readonly Buffer[]): readonly number[] {
  const engine = new Engine(set, { hostname: HOSTNAME, mode: "live" });
  const micros: number[] = [];
  for (const block of blocks) {
    forEachEvent(block, {
      event: (event) => {
        const begun = performance.now();
        engine.process(event);
        micros.push((performance.now() - begun) * 1000);
      },
      control: () => {},
    });
  }
  return micros;
}

async function measure(corpus: string, dataDirectory: string): Promise<Figures> {
  const { set, loadMs } = loadPeerRuleset(dataDirectory);
  const events = corpusEvents(corpus, dataDirectory);
  const maker = new BlockMaker(events);
  const line = new Line(set);
  for (let warming = 0; warming < WARMING_PASSES; warming++) line.process(maker.pass());

  const perCpuSecond: number[] = [];
  const perSecond: number[] = [];
  const alertsBefore = line.counters.all["alerts"] ?? 0;
  let seconds = 0;
  while (perSecond.length < PASSES_MIN || seconds < SECONDS_MIN) {
    const blocks = maker.pass();
    const cpuBefore = process.cpuUsage();
    const begun = performance.now();
    line.process(blocks);
    const passSeconds = (performance.now() - begun) / 1000;
    perCpuSecond.push(events.length / cpuSecondsSince(cpuBefore));
    perSecond.push(events.length / passSeconds);
    seconds += passSeconds;
  }
  const passes = perSecond.length;
  const alerts = (line.counters.all["alerts"] ?? 0) - alertsBefore;
  assert.equal(line.counters.all["events_analysed"], events.length * (passes + WARMING_PASSES));
  line.close();
  const rssBytes = process.memoryUsage.rss();
  const micros = timeEach(set, maker.pass());
  return {
    eventsPerCpuSecond: Math.round(quantile(perCpuSecond, 0.5)),
    eventsPerSecond: Math.round(quantile(perSecond, 0.5)),
    p50Micros: Number(quantile(micros, 0.5).toFixed(1)),
    p99Micros: Number(quantile(micros, 0.99).toFixed(1)),
    alertShare: Number((alerts / (events.length * passes)).toFixed(4)),
    rssBytes,
    loadMs: Math.round(loadMs),
    passes,
  };
}

export const engine: Benchmark = {
  corpora: CORPORA,
  mainFigure: "eventsPerCpuSecond",
  needs: (corpus) => [RULESET_FOLDER, ...corpusNeeds(corpus)],
  measure,
};
