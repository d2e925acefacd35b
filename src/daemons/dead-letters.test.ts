/**
 * Goal: a poisonous event costs itself only: the events around it are analysed, it is set aside once, and a restart that brings it
 * again neither stops at it nor sets it aside a second time. Method: a rule set whose decoder of rootcheck messages throws at one of
 * them; analysis and output over a disk in memory, killed and started again at different places.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compileRuleset } from "#analysis/engine.fixture.ts";
import { Engine } from "#analysis/engine.ts";
import { AnalysisPipeline } from "#analysis/pipeline.ts";
import { encodeSnapshot, restoreSnapshot } from "#analysis/state/snapshot.ts";
import { EventBlockBuilder } from "#model/event-block.ts";
import { OutputService } from "#output/service.ts";
import { FakeClock } from "#testing/clock.ts";
import { FakeFiles } from "#testing/files.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";

process.env["TZ"] = "UTC";

const EPOCH = 7;
const START_MS = Date.UTC(2026, 10, 21, 6, 44, 10);
const SNAPSHOT = "/home/queue/analysis/snapshot";
const SET = compileRuleset({
  rules: '<rule id="100001" level="5"><match>event</match><description>x</description></rule>',
});
const MESSAGES = ["event 1", "poison \0\xff", "event 2", "poison 2", "event 3"];

/** Its rootcheck decoder cannot take some messages. */
function poisonableEngine(): Engine {
  const engine = new Engine(SET, { hostname: "manager", mode: "live" });
  const { special } = engine.state;
  const find = special.of.bind(special);
  special.of = (queue) =>
    queue === "9"
      ? {
          decode: () => {
            throw new RangeError("not this one");
          },
        }
      : find(queue);
  return engine;
}

/** The journal: a block for each event. */
function journal(): Buffer[] {
  const builder = new EventBlockBuilder(EPOCH);
  let position = 0;
  return MESSAGES.map((message) => {
    const queue = message.startsWith("poison") ? "9" : "1";
    const place = { agentId: "001", locationPrefix: "(web1) any->", location: "rootcheck" };
    builder.append({ receivedMs: START_MS, queue, ...place, message });
    const block = Buffer.from(builder.take(position));
    position += block.length;
    return block;
  });
}

class Manager {
  readonly files: FakeFiles;
  readonly metrics = new RecordingMetrics();
  readonly #engine = poisonableEngine();
  readonly #pipeline: AnalysisPipeline;
  #position = 0;

  constructor(files: FakeFiles) {
    this.files = files;
    const clock = new FakeClock(START_MS);
    const common = { clock, log: new RecordingLog(), metrics: this.metrics };
    const output = new OutputService(
      {
        ...common,
        files,
        home: "/home",
        epoch: EPOCH,
        consumed: () => {},
        snapshotDurable: () => {},
        responsesWritten: () => {},
      },
      {
        kinds: new Set(["alert_json", "dead_letter"]),
        rotation: { intervalSeconds: 0, partBytesMax: 0, intervalSecondsMin: 600 },
        customAlertLog: false,
        closing: { sign: false, compress: false, waitSeconds: 10 },
      },
    );
    if (files.info(SNAPSHOT) !== null) {
      const outcome = restoreSnapshot(files.read(SNAPSHOT), EPOCH, { engine: this.#engine });
      assert("position" in outcome);
      this.#position = outcome.position;
    }
    this.#pipeline = new AnalysisPipeline({
      ...common,
      engine: this.#engine,
      identity: { hostname: "manager", cluster: null },
      selection: {
        alertsJson: true,
        alertsLog: false,
        archivesJson: false,
        archivesLog: false,
        firewallLog: false,
      },
      emit: (block) => output.accept(block),
      show: null,
      control: () => {},
    });
  }

  /** Analyses what lies between its position and the end of the first `blocks` blocks. */
  run(blocks: number, snapshotAfter: number): void {
    let position = 0;
    for (const [index, block] of journal().slice(0, blocks).entries()) {
      position += block.length;
      if (position <= this.#position) continue;
      this.#pipeline.process(block);
      if (index + 1 !== snapshotAfter) continue;
      this.#pipeline.snapshot(position, encodeSnapshot(this.#engine, { epoch: EPOCH, position }));
    }
    this.#pipeline.flush();
  }

  lines(name: string): Record<string, unknown>[] {
    return this.files
      .text(`/home/logs/${name}`)
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  }
}

test("a poisonous event is set aside once and its neighbours are analysed, wherever the manager ends", () => {
  for (let killedAfter = 0; killedAfter <= MESSAGES.length; killedAfter++) {
    for (let snapshotAfter = 0; snapshotAfter <= killedAfter; snapshotAfter++) {
      const files = new FakeFiles();
      new Manager(files).run(killedAfter, snapshotAfter);
      const second = new Manager(files);
      second.run(MESSAGES.length, 0);
      const alerts = second.lines("alerts/alerts.json").map(({ full_log: log }) => log);
      assert.deepEqual(alerts, ["event 1", "event 2", "event 3"]);
      const letters = second.lines("dead-letters/dead-letters.json");
      const place = { queue: "9", agent: "001", location: "(web1) any->rootcheck" };
      assert.deepEqual(
        letters.map(({ event, reason }) => [event, reason]),
        ["poison \0\xff", "poison 2"].map((message) => [{ ...place, message }, "RangeError: not this one"]),
      );
    }
  }
});
