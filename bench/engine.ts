/**
 * How many events a CPU-second the way from the journal's blocks to alerts.json and alerts.log takes, with the peer's rule set.
 *
 * The blocks are made before the clock runs; all that the analysis and output threads do with them is done in this process, so that
 * its CPU time is the whole of it. Not in it: reading the journal, handing blocks between threads, snapshots.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { type CompiledRuleset, Engine } from "#analysis/engine.ts";
import { AnalysisPipeline } from "#analysis/pipeline.ts";
import { splitQueueMessage } from "#analysis/predecode/queue-message.ts";
import { Counters } from "#daemons/counters.ts";
import { SystemClock } from "#kernel/platform/clock.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { EventBlockBuilder, type EventInput, forEachEvent } from "#model/event-block.ts";
import { OutputService } from "#output/service.ts";
import { RecordingLog } from "#testing/log.ts";
import { type Benchmark, cpuSecondsSince, type Figures, quantile } from "./benchmark.ts";
import { loadPeerRuleset, RULESET_FOLDER } from "./peer-ruleset.ts";

const CORPORA = ["quiet", "plain", "mix", "rules", "bruteforce"];
const PASSES_MIN = 3;
const SECONDS_MIN = 3;
const EPOCH = 1;
const HOSTNAME = "manager";
/** The rate at which the events claim to come: what counts by time must see it pass. */
const EVENTS_PER_SECOND = 10_000;

function corpusPath(corpus: string): string {
  return `bench/${corpus}.q.gz`;
}

function readCorpus(path: string): readonly EventInput[] {
  const lines = gunzipSync(readFileSync(path)).toString("latin1").trimEnd().split("\n");
  return lines.map((line) => {
    const parts = splitQueueMessage(line);
    assert(!("error" in parts), line);
    const { queue, agentId, location, message } = parts;
    return { receivedMs: 0, queue, agentId, locationPrefix: "", location, message };
  });
}

/** The corpus as blocks of a journal that goes on from pass to pass. */
class BlockMaker {
  readonly #events: readonly EventInput[];
  readonly #builder = new EventBlockBuilder(EPOCH);
  #position = 0;
  #made = 0;
  readonly #startMs = Date.now();

  constructor(events: readonly EventInput[]) {
    this.#events = events;
  }

  pass(): readonly Buffer[] {
    const blocks: Buffer[] = [];
    for (const event of this.#events) {
      const receivedMs = this.#startMs + (this.#made++ * 1000) / EVENTS_PER_SECOND;
      const input = { ...event, receivedMs };
      if (this.#builder.append(input)) continue;
      blocks.push(this.#take());
      assert(this.#builder.append(input));
    }
    blocks.push(this.#take());
    return blocks;
  }

  #take(): Buffer {
    const block = Buffer.from(this.#builder.take(this.#position));
    this.#position += block.length;
    return block;
  }
}

/** Pipeline and output service, without threads between them. */
class Line {
  readonly counters = new Counters();
  readonly #directory = mkdtempSync(join(tmpdir(), "cyb3rhq-bench-"));
  readonly #output: OutputService;
  readonly #pipeline: AnalysisPipeline;

  constructor(set: CompiledRuleset) {
    const clock = new SystemClock();
    const log = new RecordingLog();
    this.#output = new OutputService(
      {
        files: systemFiles,
        clock,
        log,
        metrics: this.counters,
        home: this.#directory,
        epoch: EPOCH,
        consumed: () => {},
        snapshotDurable: () => {},
      },
      {
        kinds: new Set(["alert_json", "alert_log"]),
        rotation: { intervalSeconds: 0, partBytesMax: 0, intervalSecondsMin: 0 },
        closing: { sign: false, compress: false, waitSeconds: 0 },
      },
    );
    this.#pipeline = new AnalysisPipeline({
      engine: new Engine(set, { hostname: HOSTNAME, mode: "live" }),
      identity: { hostname: HOSTNAME, cluster: null },
      selection: { alertsJson: true, alertsLog: true, archivesJson: false, archivesLog: false },
      clock,
      log,
      metrics: this.counters,
      emit: (block) => this.#output.accept(block),
      show: null,
      control: () => {},
    });
  }

  process(blocks: readonly Buffer[]): void {
    for (const block of blocks) this.#pipeline.process(block);
    this.#pipeline.flush();
  }

  close(): void {
    this.#output.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

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
  const events = readCorpus(`${dataDirectory}/${corpusPath(corpus)}`);
  const maker = new BlockMaker(events);
  const line = new Line(set);
  line.process(maker.pass()); // warms the code up

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
  assert.equal(line.counters.all["events_analysed"], events.length * (passes + 1));
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
  needs: (corpus) => [RULESET_FOLDER, corpusPath(corpus)],
  measure,
};
