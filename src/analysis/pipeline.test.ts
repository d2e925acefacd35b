/**
 * Goal: blocks of events go in, the texts of the selected files come out in the journal's order, and no event stops the others.
 * Method: a small rule set, blocks as the journal makes them, everything on the other side recorded.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EventBlockBuilder, type EventInput } from "#model/event-block.ts";
import { forEachOutput, OUTPUT_BLOCK_BYTES, type OutputBlock } from "#model/output-block.ts";
import { FakeClock } from "#testing/clock.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import { AgentLabels } from "./alert/agent-labels.ts";
import { compileCustomAlert } from "./alert/custom-alert.ts";
import { DEAD_LETTERS_PER_SECOND_MAX } from "./dead-letters.ts";
import { compileRuleset, JSON_DECODER, START_MS } from "./engine.fixture.ts";
import { Engine, type EngineOptions } from "./engine.ts";
import { type AlertForm, AnalysisPipeline, type OutputSelection, type ShownAlert } from "./pipeline.ts";

process.env["TZ"] = "UTC";

const RULES = `
  <rule id="100001" level="5"><match>alert</match><description>an alert</description></rule>
  <rule id="100002" level="2"><match>quiet</match><description>below the level</description></rule>
  <rule id="100003" level="0"><match>nothing</match><description>nothing</description></rule>
  <rule id="100004" level="8"><decoded_as>json</decoded_as><description>for $(dstuser)</description></rule>`;
const ALL: OutputSelection = {
  alertsJson: true,
  alertsLog: true,
  archivesJson: true,
  archivesLog: true,
  firewallLog: true,
};
const NONE: OutputSelection = {
  alertsJson: false,
  alertsLog: false,
  archivesJson: false,
  archivesLog: false,
  firewallLog: false,
};
const SET = compileRuleset({ decoders: JSON_DECODER, rules: RULES });

type Written = { readonly kind: string; readonly position: number; readonly text: string };
type EventChanges = Partial<EventInput> & { readonly message: string };

class PipelineFixture {
  readonly clock = new FakeClock();
  readonly log = new RecordingLog();
  readonly metrics = new RecordingMetrics();
  readonly blocks: OutputBlock[] = [];
  readonly shown: ShownAlert[] = [];
  readonly controls: string[] = [];
  onControl = (): void => {};
  readonly pipeline: AnalysisPipeline;
  readonly #builder = new EventBlockBuilder(7);
  #position = 0;

  constructor(selection: OutputSelection, engine = newEngine(), form: Partial<AlertForm> = {}) {
    this.pipeline = new AnalysisPipeline({
      engine,
      form: { labels: new AgentLabels(false), placesInJson: false, customAlert: null, ...form },
      identity: { hostname: "manager", cluster: null },
      selection,
      clock: this.clock,
      log: this.log,
      metrics: this.metrics,
      emit: (block) => this.blocks.push(block),
      show: (alert) => this.shown.push(alert),
      control: ({ text }) => {
        this.controls.push(text);
        this.onControl();
      },
    });
  }

  /** Text entries are messages of this host; `control:…` is a control record. */
  send(...events: readonly (string | EventChanges)[]): void {
    const place = {
      queue: "1",
      agentId: "000",
      locationPrefix: "",
      location: "/var/log/x",
      receivedMs: START_MS,
    };
    for (const event of events) {
      if (typeof event === "string" && event.startsWith("control:"))
        this.#builder.appendControl(START_MS, event);
      else this.#builder.append({ ...place, ...(typeof event === "string" ? { message: event } : event) });
    }
    const block = this.#builder.take(this.#position);
    this.#position += block.length;
    this.pipeline.process(Buffer.from(block));
  }

  written(): Written[] {
    this.pipeline.flush();
    const written: Written[] = [];
    for (const block of this.blocks) {
      forEachOutput(block, (kind, position, memory, start, end) => {
        written.push({ kind, position, text: memory.toString("latin1", start, end) });
      });
    }
    return written;
  }

  kinds(): string[] {
    return this.written().map(({ kind }) => kind);
  }
}

const ENGINE: EngineOptions = { hostname: "manager", mode: "live" };

function newEngine(): Engine {
  return new Engine(SET, ENGINE);
}

/** An engine that cannot take messages of one kind. */
class BrokenEngine extends Engine {
  override process(raw: Parameters<Engine["process"]>[0]): ReturnType<Engine["process"]> {
    if (raw.message.includes("poison")) throw new RangeError("it is poisonous");
    return super.process(raw);
  }
}

test("AnalysisPipeline writes all four texts of an alert, with the event's position", () => {
  const fixture = new PipelineFixture(ALL);
  fixture.send("no rule", "an alert");
  const written = fixture.written();
  assert.deepEqual(
    written.map(({ kind }) => kind),
    ["archive_json", "archive_log", "alert_json", "alert_log", "archive_json", "archive_log"],
  );
  const [first, , alert, text] = written;
  assert(first !== undefined && alert !== undefined && text !== undefined);
  assert(first.position < alert.position);
  const document = JSON.parse(alert.text);
  assert.equal(document.id, `${Math.floor(START_MS / 1000)}.${alert.position}`);
  assert.equal(document.rule.id, "100001");
  assert(text.text.startsWith(`** Alert ${document.id}: - local,\n`));
  assert.deepEqual(
    written.map(({ text: line }) => line.endsWith("\n")),
    written.map(() => true),
  );
});

test("AnalysisPipeline writes the selected files only", () => {
  for (const [selection, expected] of [
    [NONE, []],
    [{ ...NONE, alertsJson: true }, ["alert_json"]],
    [{ ...NONE, alertsLog: true }, ["alert_log"]],
    [{ ...NONE, archivesJson: true }, ["archive_json", "archive_json"]],
    [{ ...NONE, archivesLog: true }, ["archive_log", "archive_log"]],
  ] as const) {
    const fixture = new PipelineFixture(selection);
    fixture.send("no rule", "an alert");
    assert.deepEqual(fixture.kinds(), expected);
  }
});

test("AnalysisPipeline archives every event, with a rule only when one above level 0 was selected", () => {
  const fixture = new PipelineFixture({ ...NONE, archivesJson: true, alertsJson: true });
  fixture.send("no rule", "nothing", "quiet", "an alert");
  const documents = fixture.written().map(({ kind, text }) => [kind, JSON.parse(text)] as const);
  assert.deepEqual(
    documents.map(([kind, { rule, full_log: log }]) => [kind, log, rule?.id]),
    [
      ["archive_json", "no rule", undefined],
      ["archive_json", "nothing", undefined],
      ["archive_json", "quiet", "100002"],
      ["alert_json", "an alert", "100001"],
      ["archive_json", "an alert", "100001"],
    ],
  );
});

test("AnalysisPipeline gives an agent's alerts and archives the labels that are known when they are made", () => {
  const labels = new AgentLabels(false);
  const fixture = new PipelineFixture({ ...ALL, archivesLog: false }, newEngine(), { labels });
  const alert = { message: "an alert", agentId: "007", location: "x", locationPrefix: "(web1) any->" };
  fixture.send(alert);
  const facts = { address: "10.1.2.3", labels: [{ key: "a.b", value: "c", hidden: false, system: false }] };
  labels.set("007", facts);
  fixture.send(alert, "an alert");
  const written = fixture.written();
  const agents = written.filter(({ kind }) => kind !== "alert_log").map(({ text }) => JSON.parse(text).agent);
  const [plain, known] = [
    { id: "007", name: "web1" },
    { id: "007", name: "web1", ip: "10.1.2.3", labels: { a: { b: "c" } } },
  ];
  const host = { id: "000", name: "manager" };
  assert.deepEqual(agents, [plain, plain, known, known, host, host]);
  const logs = written
    .filter(({ kind }) => kind === "alert_log")
    .map(({ text }) => text.includes("\na.b: c\n"));
  assert.deepEqual(logs, [false, true, false]);
});

test("AnalysisPipeline shows the places of addresses in alerts.log, and in documents when it is told to", () => {
  const places = { "192.0.2.1": "US / California", "192.0.2.2": "FR" };
  const engine = () => new Engine(compileRuleset({ decoders: JSON_DECODER, rules: RULES, places }), ENGINE);
  const message = '{"srcip":"192.0.2.1","srcport":"1","dstip":"192.0.2.2","dstport":"2","other":"x"}';
  const textsOf = (placesInJson: boolean) => {
    const fixture = new PipelineFixture({ ...ALL, archivesLog: false }, engine(), { placesInJson });
    fixture.send(message, '{"srcip":"10.0.0.1"}');
    return fixture.written().map(({ text }) => text);
  };
  const data = (text = "") => JSON.stringify(JSON.parse(text).data);
  const [alert = "", log = "", archive, , second = ""] = textsOf(true);
  const shown = `${message.slice(0, 20)},"srcgeoip":"US / California","srcport":"1","dstip":"192.0.2.2","dstgeoip":"FR",`;
  assert.equal(data(alert), `${shown}"dstport":"2","other":"x"}`);
  assert.equal(data(archive), data(alert));
  assert.deepEqual(log.split("\n").slice(3, 9), [
    "Src IP: 192.0.2.1",
    "Src Location: US / California",
    "Src Port: 1",
    "Dst IP: 192.0.2.2",
    "Dst Location: FR",
    "Dst Port: 2",
  ]);
  assert.doesNotMatch(second, /Location/);
  const [plain = "", sameLog = ""] = textsOf(false);
  assert.equal(data(plain), message);
  assert.equal(sameLog, log);
});

test("AnalysisPipeline writes alerts.log in the administrator's words", () => {
  const customAlert = compileCustomAlert("$RULEID at $LOCATION");
  const fixture = new PipelineFixture({ ...NONE, alertsLog: true }, newEngine(), { customAlert });
  fixture.send("an alert");
  assert.deepEqual(
    fixture.written().map(({ kind, text }) => [kind, text]),
    [["alert_log", "100001 at /var/log/x\n"]],
  );
});

test("AnalysisPipeline archives no keepalives, but analyses them", () => {
  const fixture = new PipelineFixture(ALL);
  const at = (location: string, locationPrefix = "") => ({ message: "an alert", location, locationPrefix });
  fixture.send(at("ossec-keepalive"), { ...at("ossec-keepalive", "(web1) any->"), agentId: "001" });
  assert.deepEqual(fixture.kinds(), ["alert_json", "alert_log", "alert_json", "alert_log"]);
  fixture.blocks.length = 0;
  fixture.send(at("ossec-keepalive-2"), at("my-ossec-keepalive"));
  assert.equal(fixture.kinds().filter((kind) => kind === "archive_log").length, 2);
});

test("AnalysisPipeline sets an event aside that cannot be analysed, and goes on with the others", () => {
  const fixture = new PipelineFixture(
    { ...NONE, alertsJson: true },
    new BrokenEngine(SET, { hostname: "manager", mode: "live" }),
  );
  fixture.send("an alert 1", { message: "poison", agentId: "003" }, "an alert 2", "poison", "an alert 3");
  const written = fixture.written();
  const logs = written.map(({ kind, text }) => [kind, JSON.parse(text).full_log]);
  const [first, letter] = written;
  assert.deepEqual(logs, [
    ["alert_json", "an alert 1"],
    ["dead_letter", undefined],
    ["alert_json", "an alert 2"],
    ["dead_letter", undefined],
    ["alert_json", "an alert 3"],
  ]);
  const { id, event, reason, frames } = JSON.parse(letter?.text ?? "");
  assert.equal(id, `${Math.floor(START_MS / 1000)}.${letter?.position}`);
  assert((letter?.position ?? 0) > (first?.position ?? 0));
  assert.deepEqual(event, { queue: "1", agent: "003", location: "/var/log/x", message: "poison" });
  assert.equal(reason, "RangeError: it is poisonous");
  assert.match(frames[0], /^at BrokenEngine\.process .*pipeline\.test\.ts/);
  assert.equal(fixture.metrics.get("events_failed"), 2);
  assert.equal(fixture.metrics.get("events_analysed"), 5);
  assert.equal(fixture.metrics.get("alerts"), 3);
  const said = fixture.log.texts("error");
  assert.equal(said.length, 1, "once a second at most");
  assert.match(said[0] ?? "", /agent 003, journal position \d+\): .*it is poisonous/);
  fixture.clock.advance(1001);
  fixture.send("poison");
  assert.equal(fixture.log.texts("error").length, 2);
});

test("AnalysisPipeline sets aside so many events of a second and counts the others", () => {
  const engine = new BrokenEngine(SET, { hostname: "manager", mode: "live" });
  const fixture = new PipelineFixture(NONE, engine);
  const poison = { message: "poison" };
  const next = { ...poison, receivedMs: START_MS + 1000 };
  fixture.send(...Array.from({ length: DEAD_LETTERS_PER_SECOND_MAX + 2 }, () => poison), next);
  assert.equal(fixture.kinds().length, DEAD_LETTERS_PER_SECOND_MAX + 1);
  assert.equal(fixture.metrics.get("dead_letters_dropped"), 2);
  assert.equal(fixture.metrics.get("events_failed"), DEAD_LETTERS_PER_SECOND_MAX + 3);
});

test("AnalysisPipeline counts events that took long, and sets none of them aside", () => {
  class SlowEngine extends Engine {
    override process(raw: Parameters<Engine["process"]>[0]): ReturnType<Engine["process"]> {
      fixture.clock.advance(Number(raw.message.split(" ")[0]));
      return super.process(raw);
    }
  }
  const engine = new SlowEngine(SET, { hostname: "manager", mode: "live" });
  const fixture = new PipelineFixture({ ...NONE, alertsJson: true }, engine);
  fixture.send("499 ms, an alert", "500 ms, an alert", "0 ms");
  assert.equal(fixture.metrics.get("events_slow"), 1);
  assert.deepEqual(fixture.kinds(), ["alert_json", "alert_json"]);
});

test("AnalysisPipeline counts events that the rules did not see, by their reason", () => {
  const fixture = new PipelineFixture(ALL);
  fixture.send({ message: "an alert", queue: "5" }, { message: "an alert", queue: "u" }, "x");
  assert.equal(fixture.metrics.get("events_not_analysed_queue"), 2);
  assert.equal(fixture.metrics.get("events_analysed"), 3);
  assert.deepEqual(fixture.kinds(), ["archive_json", "archive_log"]);
});

test("AnalysisPipeline counts alerts that no file takes, and shows them", () => {
  const fixture = new PipelineFixture(NONE);
  const place = { locationPrefix: "(web1) 192.0.2.9->", agentId: "001" };
  fixture.send("quiet", "Nov 21 06:44:10 db1 app[1]: alert", {
    ...place,
    message: '{"dstuser": "joe", "srcip": "10.0.0.1"}',
  });
  assert.equal(fixture.metrics.get("alerts"), 2);
  const common = { timeMs: START_MS, location: "/var/log/x" };
  assert.deepEqual(fixture.shown, [
    { ...common, level: 5, ruleId: "100001", agentName: "db1", description: "an alert", program: "app" },
    {
      ...common,
      level: 8,
      ruleId: "100004",
      agentName: "web1",
      description: "for joe",
      user: "joe",
      srcip: "10.0.0.1",
    },
  ]);
});

test("AnalysisPipeline keeps the bytes of a message through to the file", () => {
  const fixture = new PipelineFixture(ALL);
  const message = `alert ${Array.from({ length: 128 }, (_, index) => String.fromCharCode(128 + index)).join("")}`;
  fixture.send(message);
  const written = fixture.written();
  assert.equal(written.length, 4);
  for (const { text, kind } of written) assert(text.includes(message), kind);
});

test("AnalysisPipeline hands control records over at their place", () => {
  const fixture = new PipelineFixture({ ...NONE, alertsJson: true });
  const rules = '<rule id="200001" level="5"><match>alert</match><description>x</description></rule>';
  const other = new Engine(compileRuleset({ rules }), { hostname: "manager", mode: "live" });
  fixture.onControl = () => fixture.pipeline.replaceEngine(other);
  fixture.send("alert", "control: another rule set", "alert");
  assert.deepEqual(fixture.controls, ["control: another rule set"]);
  assert.deepEqual(
    fixture.written().map(({ text }) => JSON.parse(text).rule.id),
    ["100001", "200001"],
  );
});

test("AnalysisPipeline puts a snapshot behind what was written before it", () => {
  const fixture = new PipelineFixture({ ...NONE, alertsJson: true });
  fixture.send("an alert");
  fixture.pipeline.snapshot(4711, Buffer.from("state\0\xff", "latin1"));
  fixture.send("an alert");
  const written = fixture.written();
  assert.deepEqual(
    written.map(({ kind }) => kind),
    ["alert_json", "snapshot", "alert_json"],
  );
  assert.deepEqual(written[1], { kind: "snapshot", position: 4711, text: "state\0\xff" });
});

test("AnalysisPipeline emits full blocks by itself, in order, and nothing when there is nothing", () => {
  const fixture = new PipelineFixture({ ...NONE, alertsJson: true });
  fixture.pipeline.flush();
  assert.equal(fixture.blocks.length, 0);
  const message = `alert ${"x".repeat(6000)}`;
  for (let round = 0; round < 10; round++) fixture.send(...Array.from({ length: 10 }, () => message));
  assert(fixture.blocks.length >= 2, `${fixture.blocks.length} blocks before the flush`);
  for (const block of fixture.blocks) assert(block.byteLength <= OUTPUT_BLOCK_BYTES);
  const positions = fixture.written().map(({ position }) => position);
  assert.equal(positions.length, 100);
  assert.deepEqual(
    positions,
    [...positions].sort((left, right) => left - right),
  );
});

const FIREWALL_SET = compileRuleset({
  decoders: `<decoder name="wall"><type>firewall</type><prematch>^wall </prematch></decoder>
    <decoder name="full"><parent>wall</parent><type>firewall</type>
      <regex>(\\w+) (\\w+) (\\S+):(\\d+) (\\S+):(\\d+)</regex>
      <order>action, protocol, srcip, srcport, dstip, dstport</order></decoder>`,
  rules: '<rule id="100001" level="5"><if_sid>2</if_sid><description>x</description></rule>',
});
const WALL = "wall deny tcp 10.0.0.1:5 10.0.0.2:6";

test("AnalysisPipeline writes complete firewall events to the firewall log, and incomplete ones nowhere", () => {
  const fixture = new PipelineFixture(ALL, new Engine(FIREWALL_SET, { hostname: "manager", mode: "live" }));
  fixture.send(WALL, "wall of text");
  assert.deepEqual(fixture.kinds(), [
    "alert_json",
    "alert_log",
    "firewall_log",
    "archive_json",
    "archive_log",
  ]);
  assert.match(fixture.written()[2]?.text ?? "", / DROP tcp 10\.0\.0\.1:5->10\.0\.0\.2:6\n$/);
  assert.equal(fixture.metrics.get("events_not_analysed_firewall_incomplete"), 1);
});

test("AnalysisPipeline shows the rules every firewall event when there is no firewall log", () => {
  const options = { hostname: "manager", mode: "live", logsFirewall: false } as const;
  const fixture = new PipelineFixture({ ...NONE, archivesLog: true }, new Engine(FIREWALL_SET, options));
  fixture.send(WALL, "wall of text");
  assert.deepEqual(fixture.kinds(), ["archive_log", "archive_log"]);
});

test("AnalysisPipeline writes totals with the record that ends the hour, also a control record", () => {
  const statistics = { averages: null };
  const options = { hostname: "manager", mode: "live", statistics } as const;
  const fixture = new PipelineFixture(NONE, new Engine(SET, options));
  const atHour = (hour: number) => ({ message: "an alert", receivedMs: Date.UTC(2026, 10, 21, hour) });
  fixture.send(atHour(3), atHour(4), "control: time passes");
  const [three, four, ...rest] = fixture.written();
  assert.deepEqual(rest, []);
  assert(three !== undefined && four !== undefined && three.position < four.position);
  assert.equal(three.text, "totals/2026/Nov/ossec-totals-21.log\n3-100001-5-1\n3--1--1--0--0\n\n");
  assert.match(four.text, /^totals\/\S+\n4-100001-5-1\n/);
});

test("AnalysisPipeline writes the alert on too many events behind that of the event, with a number of its own", () => {
  const saved = { hourly: new Array<number>(24).fill(1), days: 3, weekly: [] };
  const limits = { alertLevel: 7, differenceMax: 999_000, differenceMin: 1, differencePercent: 0 };
  const statistics = { averages: { ...limits, saved } };
  const options = { hostname: "manager", mode: "live", statistics } as const;
  const fixture = new PipelineFixture({ ...NONE, alertsJson: true }, new Engine(SET, options));
  fixture.send("an alert", "an alert", "an alert", "an alert");
  const alerts = fixture.written().map(({ position, text }) => ({ position, document: JSON.parse(text) }));
  assert.deepEqual(
    alerts.map(({ document }) => document.rule.id),
    ["100001", "100001", "100001", "11", "100001"],
  );
  const [, , third, excess, fourth] = alerts;
  assert(third !== undefined && excess !== undefined && fourth !== undefined);
  assert(third.position < excess.position && excess.position < fourth.position);
  assert.equal(excess.document.id.split(".")[1], String(excess.position));
  assert.equal(fixture.metrics.get("alerts"), 5);
  assert.equal(fixture.shown[3]?.ruleId, "11");
});
