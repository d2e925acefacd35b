/** The analysis and the output thread of a simulated manager: the real pipeline, engine and files behind the journal. */
import { CompiledRuleset, Engine } from "#analysis/engine.ts";
import { AnalysisPipeline } from "#analysis/pipeline.ts";
import { loadRuleset } from "#analysis/ruleset/ruleset.ts";
import { stockSources } from "#analysis/ruleset/sources.ts";
import { encodeSnapshot, restoreSnapshot } from "#analysis/state/snapshot.ts";
import type { JournalEvents } from "#journal/events.ts";
import { JournalReader } from "#journal/journal-reader.ts";
import type { SharedProgress } from "#journal/shared-progress.ts";
import type { Files } from "#kernel/ports/files.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { Metrics } from "#kernel/ports/metrics.ts";
import type { OutputBlock } from "#model/output-block.ts";
import { SNAPSHOT_PATH } from "#output/output-writer.ts";
import { OutputService } from "#output/service.ts";
import { FakeFiles } from "#testing/files.ts";
import { PROBE_DECODERS, PROBE_RULES } from "#testing/probe-rules.ts";
import { type SimulatedProcess, threadLine, type World } from "./world.ts";

const SNAPSHOT_PERIOD_MS = 10_000;
const HAND_OVER_MS = 1000;
/** Fewer than a real one remembers: snapshots of all of them would be most of the work of a run. */
const MEMORY_EVENTS = 100;

let compiled: CompiledRuleset | null = null;

function ruleset(): CompiledRuleset {
  if (compiled !== null) return compiled;
  const files = new FakeFiles();
  files.makeDirectory("/rules/decoders");
  files.makeDirectory("/rules/rules");
  files.write("/rules/decoders/probe.xml", PROBE_DECODERS);
  files.write("/rules/rules/probe.xml", PROBE_RULES);
  const { ruleset: loaded, problems } = loadRuleset(files, stockSources(files, "/rules"));
  if (loaded === null) throw new Error(JSON.stringify(problems));
  compiled = new CompiledRuleset(loaded, { log: 3, mail: 12 });
  return compiled;
}

export type AnalysisNeeds = {
  readonly world: World;
  readonly process: SimulatedProcess;
  readonly files: Files;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly home: string;
  readonly journal: string;
  readonly events: JournalEvents;
  readonly progress: SharedProgress;
  /** The journal is not needed before this position. */
  readonly discard: (position: number) => void;
  readonly failed: (error: unknown) => void;
};

export class SimulatedAnalysis {
  readonly #needs: AnalysisNeeds;
  readonly #engine: Engine;
  readonly #reader: JournalReader;
  readonly #pipeline: AnalysisPipeline;
  readonly #output: OutputService;
  readonly #ended = Promise.withResolvers<void>();
  #snapshotPosition: number;
  #snapshotAtMs: number;
  /** Until then the thread has no processor. */
  stalledUntilMs = 0;

  constructor(needs: AnalysisNeeds) {
    this.#needs = needs;
    const { events, files, home, journal, process, progress, world } = needs;
    this.#engine = new Engine(ruleset(), {
      hostname: "manager01",
      mode: "live",
      memoryEvents: MEMORY_EVENTS,
    });
    this.#snapshotPosition = this.#restore();
    this.#snapshotAtMs = process.monotonicMs();
    this.#reader = new JournalReader({ files, directory: journal, progress, events }, this.#snapshotPosition);
    this.#output = new OutputService(
      {
        ...{ files, clock: process, log: needs.log, metrics: needs.metrics, home, epoch: progress.epoch },
        consumed: () => {},
        snapshotDurable: (position) => needs.discard(position),
        responsesWritten: () => {},
      },
      {
        kinds: new Set(["dead_letter", "alert_json", "alert_log", "archive_json", "archive_log"]),
        customAlertLog: false,
        rotation: { intervalSeconds: 0, partBytesMax: 0, intervalSecondsMin: 600 },
        closing: { sign: false, compress: false, waitSeconds: 10 },
      },
    );
    const toOutput = threadLine(world, process, (block: OutputBlock | null) => {
      if (block !== null) return this.#output.accept(block);
      this.#output.close();
      this.#ended.resolve();
    });
    this.#pipeline = new AnalysisPipeline({
      engine: this.#engine,
      identity: { hostname: "manager01", cluster: null },
      selection: {
        alertsJson: true,
        alertsLog: true,
        archivesJson: true,
        archivesLog: true,
        firewallLog: false,
      },
      ...{ clock: process, log: needs.log, metrics: needs.metrics, show: null },
      emit: toOutput,
      control: () => {},
    });
    this.#sendEnd = () => toOutput(null);
  }

  readonly #sendEnd: () => void;

  /** Everything that was read is written, and the output is closed. */
  get stopped(): Promise<void> {
    return this.#ended.promise;
  }

  start(): void {
    this.#needs.process.every(HAND_OVER_MS, () => {
      this.#snapshotWhenDue();
      this.#pipeline.flush();
    });
    this.#run().catch(this.#needs.failed);
  }

  async #run(): Promise<void> {
    const { process, progress, world } = this.#needs;
    for (;;) {
      await new Promise<void>((resolve) => {
        const stalledMs = Math.max(0, this.stalledUntilMs - world.nowMs);
        process.after(stalledMs + world.between(0, 3), resolve);
      });
      const block = this.#reader.next();
      if (block !== null) {
        this.#pipeline.process(block.block);
        this.#snapshotWhenDue();
        continue;
      }
      this.#pipeline.flush();
      if (progress.stopped) break;
      await this.#reader.waitForMore();
    }
    this.#snapshot();
    this.#pipeline.flush();
    this.#reader.close();
    this.#sendEnd();
  }

  #restore(): number {
    const { files, home, progress } = this.#needs;
    const path = `${home}/${SNAPSHOT_PATH}`;
    if (files.info(path) === null) return 0;
    const outcome = restoreSnapshot(files.read(path), progress.epoch, { engine: this.#engine });
    if ("position" in outcome) return outcome.position;
    this.#needs.world.fail(`the snapshot is not used: ${outcome.fault}`);
    return 0;
  }

  #snapshotWhenDue(): void {
    const due = this.#needs.process.monotonicMs() - this.#snapshotAtMs >= SNAPSHOT_PERIOD_MS;
    if (due && this.#reader.position > this.#snapshotPosition) this.#snapshot();
  }

  #snapshot(): void {
    const { position } = this.#reader;
    this.#pipeline.snapshot(
      position,
      encodeSnapshot(this.#engine, { epoch: this.#needs.progress.epoch, position }),
    );
    this.#snapshotPosition = position;
    this.#snapshotAtMs = this.#needs.process.monotonicMs();
  }
}
