/**
 * Goal: each local hour and day that ends gives its totals once, whatever happens in between. Method: an engine in a zone whose hours
 * begin at half past, events at chosen moments, and random days with a snapshot after any of them.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { RawEvent } from "#model/event-block.ts";
import { SeededRandom } from "#testing/random.ts";
import { compileRuleset, documentOf, EngineFixture } from "../engine.fixture.ts";
import { Engine } from "../engine.ts";
import { encodeSnapshot, restoreSnapshot } from "../state/snapshot.ts";
import { NO_AVERAGES } from "./event-averages.ts";
import type { StatisticsOptions } from "./hourly-statistics.ts";
import type { StatisticsRecord } from "./statistics-record.ts";

process.env["TZ"] = "Asia/Kolkata";

const SET = compileRuleset({
  decoders: `<decoder name="wall"><type>firewall</type><prematch>^wall </prematch></decoder>
    <decoder name="full"><parent>wall</parent><type>firewall</type>
      <regex>(\\w+) (\\w+) (\\S+):(\\d+) (\\S+):(\\d+)</regex>
      <order>action, protocol, srcip, srcport, dstip, dstport</order></decoder>`,
  rules: `<rule id="100001" level="5"><match>one</match><description>x</description></rule>
    <rule id="100002" level="0"><match>none</match><description>x</description></rule>`,
});
const EPOCH = 7;
/** Twelve o'clock in India. */
const NOON_MS = Date.UTC(2026, 10, 21, 6, 30);
const HOUR_MS = 3_600_000;
const LIMITS = { differenceMax: 999_000, differenceMin: 10, differencePercent: 50 };
const ONLY_TOTALS: StatisticsOptions = { averages: null };

function withAverage(average: number, alertLevel = 4): StatisticsOptions {
  const hourly = NO_AVERAGES.hourly.map(() => average);
  return { averages: { ...LIMITS, alertLevel, saved: { ...NO_AVERAGES, days: 3, hourly } } };
}

function fixture(statistics: StatisticsOptions): EngineFixture {
  return new EngineFixture(SET, { statistics });
}

function records({ engine }: EngineFixture): readonly StatisticsRecord[] {
  return engine.state.statistics.takeRecords();
}

test("HourlyStatistics writes the rules that fired and all counts when a local hour is over", () => {
  const engineFixture = fixture(ONLY_TOTALS);
  const send = (ms: number, message: string, queue = "1") =>
    engineFixture.engine.process(engineFixture.raw(message, { receivedMs: ms, queue }));
  send(NOON_MS, "one");
  send(NOON_MS + 1, "one");
  send(NOON_MS + 2, "none");
  send(NOON_MS + 3, "{}", "5");
  send(NOON_MS + 4, "no such message", "8");
  send(NOON_MS + 5, "wall without its fields");
  send(NOON_MS + HOUR_MS - 1, "wall deny tcp 10.0.0.1:5 10.0.0.2:6");
  assert.deepEqual(records(engineFixture), []);
  send(NOON_MS + HOUR_MS, "one");
  const path = "totals/2026/Nov/ossec-totals-21.log";
  const text = "12-100001-5-2\n12-100002-0-1\n12--3--7--1--2\n\n";
  assert.deepEqual(records(engineFixture), [{ path, text }]);
  engineFixture.engine.passTime(NOON_MS + 2 * HOUR_MS);
  assert.deepEqual(records(engineFixture), [{ path, text: "13-100001-5-1\n13--1--1--0--0\n\n" }]);
});

test("HourlyStatistics ends an hour in which nothing came, and a day in the file of that day", () => {
  const engineFixture = fixture(withAverage(0));
  const { engine } = engineFixture;
  engine.passTime(NOON_MS + 10 * HOUR_MS);
  engine.passTime(NOON_MS + 11 * HOUR_MS);
  engine.passTime(NOON_MS + 12 * HOUR_MS);
  const ended = records(engineFixture);
  assert.deepEqual(
    ended.map(({ path }) => path),
    [
      "totals/2026/Nov/ossec-totals-21.log",
      "totals/2026/Nov/ossec-totals-21.log",
      "totals/2026/Nov/ossec-totals-21.log",
      "hourly-average/24",
    ],
  );
  assert.equal(ended[1]?.text, "23--0--0--0--0\n\n");
  assert.match(ended[2]?.text ?? "", /^Hour totals - 0:0\n[\s\S]*\nTotal events for day:0\n$/);
});

test("HourlyStatistics writes nothing where nobody asked for statistics", () => {
  const engineFixture = new EngineFixture(SET);
  engineFixture.process("one", { receivedMs: NOON_MS });
  engineFixture.process("one", { receivedMs: NOON_MS + 48 * HOUR_MS });
  assert.deepEqual(records(engineFixture), []);
});

test("Engine.takeExcess() gives the peer's alert with the fields of the event and the next number", () => {
  const engineFixture = fixture(withAverage(10));
  const send = () => engineFixture.process("Nov 21 12:00:00 web1 app[1]: one", { receivedMs: NOON_MS });
  for (let number = 0; number < 20; number++) {
    assert.equal(engineFixture.engine.takeExcess(send().event), null);
  }
  const { event } = send();
  const excess = engineFixture.engine.takeExcess(event);
  assert(excess !== null);
  assert.equal(
    documentOf(excess.event, excess.verdict),
    `{"timestamp":"2026-11-21T12:00:00.000+0530","rule":{"level":4,"description":"Excessive number of events (above normal).","id":"11","mail":false,"groups":["stats"]},"agent":{"id":"000","name":"manager.example.org"},"manager":{"name":"manager.example.org"},"id":"${NOON_MS / 1000}.${event.position + 1}","full_log":"The average number of logs between 12:00 and 13:00 is 10. We reached 21.","predecoder":{"program_name":"app","timestamp":"Nov 21 12:00:00"},"decoder":{},"location":"/var/log/test.log"}`,
  );
  assert.equal(engineFixture.engine.takeExcess(send().event), null, "once an hour");
  let later = 0;
  for (let number = 0; number < 50; number++) {
    const next = engineFixture.process("one", { receivedMs: NOON_MS + HOUR_MS });
    if (engineFixture.engine.takeExcess(next.event) !== null) later++;
  }
  assert.equal(later, 1, "in the next hour again");
});

test("Engine.takeExcess() is silent below the level of alerts", () => {
  const engineFixture = fixture(withAverage(10, 2));
  for (let number = 0; number < 100; number++) {
    const { event } = engineFixture.process("one", { receivedMs: NOON_MS });
    assert.equal(engineFixture.engine.takeExcess(event), null);
  }
});

type Moment = { readonly ms: number; readonly raw: RawEvent | null };

function randomMoments(random: SeededRandom): Moment[] {
  const source = new EngineFixture(SET);
  const moments: Moment[] = [];
  let ms = NOON_MS;
  for (let number = 0; number < 250; number++) {
    ms += random.below(10) === 0 ? random.below(5 * HOUR_MS) : random.below(HOUR_MS / 4);
    const message = random.pick(["one", "none", "other", "wall x", "wall deny tcp 1.1.1.1:5 2.2.2.2:6"]);
    const raw = source.raw(message, { receivedMs: ms, queue: random.pick(["1", "1", "1", "5", "8"]) });
    moments.push({ ms, raw: random.below(6) === 0 ? null : raw });
  }
  return moments;
}

/** All records and alerts of a stream, with a new engine from a snapshot where `isRestart` says so. */
function run(moments: readonly Moment[], isRestart: () => boolean): string[] {
  const options = { hostname: "manager", mode: "live", statistics: withAverage(6) } as const;
  let engine = new Engine(SET, options);
  const found: string[] = [];
  for (const { ms, raw } of moments) {
    if (raw === null) engine.passTime(ms);
    else {
      const outcome = engine.process(raw);
      const excess = outcome.kind === "analysed" ? engine.takeExcess(outcome.event) : null;
      if (excess !== null) found.push(excess.event.fullLog);
    }
    for (const { path, text } of engine.state.statistics.takeRecords()) found.push(`${path} ${text}`);
    if (!isRestart()) continue;
    const bytes = encodeSnapshot(engine, { epoch: EPOCH, position: 0 });
    engine = new Engine(SET, options);
    restoreSnapshot(bytes, EPOCH, { engine });
  }
  return found;
}

test("HourlyStatistics counts and alerts the same through snapshots at any place", () => {
  for (let seed = 0; seed < 5; seed++) {
    const random = new SeededRandom(seed);
    const moments = randomMoments(random);
    const undisturbed = run(moments, () => false);
    assert(undisturbed.length > 60);
    assert.deepEqual(
      run(moments, () => random.below(3) === 0),
      undisturbed,
    );
  }
});
