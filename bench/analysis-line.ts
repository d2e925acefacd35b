/** What the analysis and output threads do, in this process and without threads between them: journal blocks in, alert files out. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CompiledRuleset, Engine } from "#analysis/engine.ts";
import { AnalysisPipeline } from "#analysis/pipeline.ts";
import { Counters } from "#daemons/counters.ts";
import { SystemClock } from "#kernel/platform/clock.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { EventBlockBuilder, type EventInput } from "#model/event-block.ts";
import { OutputService } from "#output/service.ts";
import { RecordingLog } from "#testing/log.ts";

const EPOCH = 1;
export const HOSTNAME = "manager";
/** The rate at which the events claim to come: what counts by time must see it pass. */
const EVENTS_PER_SECOND = 10_000;

/** The corpus as blocks of a journal that goes on from pass to pass. */
export class BlockMaker {
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
export class Line {
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
        responsesWritten: () => {},
      },
      {
        kinds: new Set(["alert_json", "alert_log"]),
        rotation: { intervalSeconds: 0, partBytesMax: 0, intervalSecondsMin: 0 },
        customAlertLog: false,
        closing: { sign: false, compress: false, waitSeconds: 0 },
      },
    );
    this.#pipeline = new AnalysisPipeline({
      engine: new Engine(set, { hostname: HOSTNAME, mode: "live" }),
      identity: { hostname: HOSTNAME, cluster: null },
      selection: {
        alertsJson: true,
        alertsLog: true,
        archivesJson: false,
        archivesLog: false,
        firewallLog: false,
      },
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
