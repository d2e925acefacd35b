/**
 * Goal: each decision becomes one line behind its alert, with that alert's text; what cannot be run is counted and said, not too often.
 * Method: a pipeline on a small rule set; events of agents and of this host, short, long and hostile.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readManagerConfig } from "#config/manager-config.ts";
import { EventBlockBuilder } from "#model/event-block.ts";
import { forEachOutput } from "#model/output-block.ts";
import { parseDecision } from "#model/response-decision.ts";
import { FakeClock } from "#testing/clock.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import { compileRuleset, JSON_DECODER, START_MS } from "../engine.fixture.ts";
import { Engine } from "../engine.ts";
import { AnalysisPipeline } from "../pipeline.ts";
import { RESPONSE_ALERT_BYTES_MAX } from "./document.ts";

process.env["TZ"] = "UTC";

const RULES = `
  <rule id="100001" level="5"><decoded_as>json</decoded_as><description>x</description></rule>
  <rule id="100002" level="2"><if_sid>100001</if_sid><field name="quiet">yes</field><description>x</description></rule>`;
const SYSCHECK_RULES =
  '<rule id="100010" level="7"><category>ossec</category><decoded_as>syscheck_new_entry</decoded_as><description>new</description></rule>';
const { config } = readManagerConfig(
  `<ossec_config>
    <global><white_list>192.0.2.7</white_list></global>
    <command><name>drop</name><executable>drop.sh</executable><extra_args>-x  "y"</extra_args></command>
    <active-response><command>drop</command><location>local</location><level>1</level><timeout>60</timeout></active-response>
    <active-response><command>drop</command><location>defined-agent</location><agent_id>7</agent_id><level>1</level></active-response>
    <active-response><command>drop</command><location>all</location><level>1</level></active-response>
    <active-response><command>drop</command><location>server</location><level>1</level></active-response>
  </ossec_config>`,
  "ossec.conf",
);
const SET = compileRuleset({
  decoders: `${JSON_DECODER}<decoder name="syscheck_new_entry"><type>ossec</type><prematch>^never$</prematch></decoder>`,
  rules: RULES + SYSCHECK_RULES,
  responses: { responses: config.activeResponse.responses, whiteList: config.global.whiteList },
});

type Sent = { readonly agentId?: string; readonly queue?: string; readonly location?: string };
type Record = { readonly kind: string; readonly position: number; readonly text: string };

class Pipeline {
  readonly clock = new FakeClock();
  readonly log = new RecordingLog();
  readonly metrics = new RecordingMetrics();
  readonly #records: Record[] = [];
  readonly #pipeline = new AnalysisPipeline({
    engine: new Engine(SET, { hostname: "manager", mode: "live" }),
    identity: { hostname: "manager", cluster: null },
    selection: {
      alertsJson: true,
      alertsLog: false,
      archivesJson: false,
      archivesLog: false,
      firewallLog: false,
    },
    clock: this.clock,
    log: this.log,
    metrics: this.metrics,
    emit: (block) =>
      forEachOutput(block, (kind, position, memory, start, end) =>
        this.#records.push({ kind, position, text: memory.toString("latin1", start, end) }),
      ),
    show: null,
    control: () => {},
  });

  /** What one event wrote. */
  send(message: string, { agentId = "001", queue = "1", location = "/var/log/x" }: Sent = {}): Record[] {
    const builder = new EventBlockBuilder(7);
    const locationPrefix = agentId === "000" ? "" : "(web1) any->";
    builder.append({ queue, agentId, locationPrefix, location, message, receivedMs: START_MS });
    this.#pipeline.process(Buffer.from(builder.take(0)));
    this.#pipeline.flush();
    return this.#records.splice(0);
  }

  decision(message: string, sent?: Sent) {
    const record = this.send(message, sent).find(({ kind }) => kind === "response");
    assert(record !== undefined, "a decision");
    assert(record.text.endsWith("\n"), record.text);
    const decision = parseDecision(record.text.slice(0, -1));
    assert(decision !== null, record.text);
    return decision;
  }
}

test("AnalysisPipeline writes one line for all responses of an event, with the text of its alert", () => {
  const [alert, response, ...others] = new Pipeline().send(
    '{"a":"b","srcip":"::ffff:203.0.113.9","dstuser":"u"}',
  );
  assert(alert !== undefined && response !== undefined);
  assert.deepEqual([alert.kind, response.kind, others.length], ["alert_json", "response", 0]);
  assert.equal(response.position, alert.position);
  const decision = parseDecision(response.text.trimEnd());
  assert(decision !== null);
  const { responses, alert: text, ...head } = decision;
  assert.equal(`${text}\n`, alert.text);
  assert.deepEqual(head, {
    id: JSON.parse(alert.text).id,
    ruleId: "100001",
    srcip: "203.0.113.9",
    dstuser: "u",
    location: "(web1) any->/var/log/x",
    file: "",
  });
  const common = { executable: "drop.sh", extraArgs: '-x  "y"' };
  assert.deepEqual(responses, [
    { ...common, name: "drop60", timeoutSeconds: 60, target: { kind: "agent", agentId: "001" } },
    { ...common, name: "drop0", timeoutSeconds: 0, target: { kind: "agent", agentId: "007" } },
    { ...common, name: "drop0", timeoutSeconds: 0, target: { kind: "all" } },
    { ...common, name: "drop0", timeoutSeconds: 0, target: { kind: "server" } },
  ]);
});

test("AnalysisPipeline answers this host's events on this host, and results below the log level too", () => {
  const pipeline = new Pipeline();
  assert.deepEqual(pipeline.decision('{"a":"b"}', { agentId: "000" }).responses[0]?.target, {
    kind: "server",
  });
  assert.deepEqual(
    pipeline.send('{"a":"b","quiet":"yes"}').map(({ kind }) => kind),
    ["response"],
  );
  assert.equal(pipeline.metrics.get("responses_decided"), 8);
});

test("AnalysisPipeline names the file of a file integrity event", () => {
  const attributes = { type: "file", size: 1, hash_md5: "a", hash_sha1: "b", hash_sha256: "c" };
  const data = {
    path: "/etc/x y",
    mode: "realtime",
    type: "added",
    version: "2.0",
    timestamp: 1,
    attributes,
  };
  const decision = new Pipeline().decision(JSON.stringify({ type: "event", data }), {
    queue: "8",
    location: "syscheck",
  });
  assert.equal(decision.file, "/etc/x y");
});

test("AnalysisPipeline leaves the logs out of an alert that is too long, and runs nothing when that is not enough", () => {
  const pipeline = new Pipeline();
  const half = "x".repeat(RESPONSE_ALERT_BYTES_MAX / 2);
  const decision = pipeline.decision(`{"a":"${half}","srcip":"203.0.113.9"}`);
  const alert = JSON.parse(decision.alert);
  assert.deepEqual(
    [alert.full_log, alert.data.a.length, alert.data.srcip],
    [undefined, half.length, "203.0.113.9"],
  );
  assert(decision.alert.length <= RESPONSE_ALERT_BYTES_MAX);

  for (const message of [`{"a":"${half}${half}"}`, `{"a":"${"y".repeat(1_000_000)}"}`]) {
    pipeline.clock.advance(1000);
    assert.deepEqual(
      pipeline.send(message).map(({ kind }) => kind),
      ["alert_json"],
    );
  }
  assert.equal(pipeline.metrics.get("responses_alert_too_long"), 2);
  assert.match(
    pipeline.log.texts("warning").join("\n"),
    /^No active response is run .* too long .*agent 001/,
  );
});

test("AnalysisPipeline counts what it refuses and says it once a second", () => {
  const pipeline = new Pipeline();
  for (let count = 0; count < 3; count++) {
    const records = pipeline.send('{"a":"b","srcip":"$(id)"}');
    assert.deepEqual(
      records.map(({ kind }) => kind),
      ["alert_json"],
    );
  }
  assert.equal(pipeline.metrics.get("responses_refused"), 3);
  const line = "(1271): Invalid IP Address '$(id)'. Possible logging attack.";
  assert.deepEqual(pipeline.log.texts("warning"), [line]);
  pipeline.clock.advance(1000);
  pipeline.send('{"a":"b","srcip":"$(id)"}');
  assert.deepEqual(pipeline.log.texts("warning"), [line, `${line} (2 more since the last line)`]);
});

test("AnalysisPipeline leaves the white list alone without a word", () => {
  const pipeline = new Pipeline();
  assert.equal(pipeline.send('{"a":"b","srcip":"192.0.2.7"}').length, 1);
  assert.deepEqual([pipeline.metrics.get("responses_white_listed"), pipeline.log.lines], [1, []]);
});
