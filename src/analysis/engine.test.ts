/** Goal: the engine joins its parts as the peer does, live and in a session of the log test. Method: short sequences of events. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import { compileRuleset, documentOf, EngineFixture, JSON_DECODER, START_MS } from "./engine.fixture.ts";
import { Engine } from "./engine.ts";

const FIREWALL_DECODERS = `
  <decoder name="fw"><prematch>^fw: </prematch></decoder>
  <decoder name="fw-fields"><parent>fw</parent><type>firewall</type><prematch>^fw: </prematch><regex offset="after_prematch">^(\\w*) (\\w*) (\\S*):(\\d*)>(\\S*):(\\d*)$</regex><order>action,protocol,srcip,srcport,dstip,dstport</order></decoder>`;
const FIREWALL_RULES =
  '<rule id="100001" level="5"><category>firewall</category><description>x</description></rule>';

test("Engine tells results below the log level and of level 0 from alerts", () => {
  const rules = `
    <rule id="100001" level="5"><match>five</match><description>x</description></rule>
    <rule id="100002" level="2"><match>two</match><description>x</description></rule>
    <rule id="100003" level="0"><match>zero</match><description>x</description></rule>
    <rule id="100004" level="2"><match>logged</match><options>log_alert</options><description>x</description></rule>
    <rule id="100005" level="5"><match>hidden</match><options>no_log</options><description>x</description></rule>`;
  const live = new EngineFixture({ rules });
  const results = (fixture: EngineFixture, message: string) => [
    fixture.rule(message),
    fixture.alert(message),
  ];
  assert.deepEqual(results(live, "five"), [100_001, 100_001]);
  assert.deepEqual(results(live, "two"), [100_002, null]);
  assert.deepEqual(results(live, "zero"), [100_003, null]);
  assert.deepEqual(results(live, "logged"), [100_004, 100_004]);
  assert.deepEqual(results(live, "hidden"), [100_005, null]);
  assert.deepEqual(results(live, "none"), [null, null]);
  // A session looks at the level alone.
  const session = new EngineFixture({ rules }, { mode: "session" });
  assert.deepEqual(results(session, "logged"), [100_004, null]);
  assert.deepEqual(results(session, "hidden"), [100_005, 100_005]);
});

test("Engine remembers events that no file takes", () => {
  const rules = `
    <rule id="100001" level="2"><match>x</match><description>x</description></rule>
    <rule id="100002" level="5"><if_matched_sid>100001</if_matched_sid><description>x</description></rule>`;
  const fixture = new EngineFixture({ rules });
  assert.deepEqual([fixture.alert("x"), fixture.alert("x")], [null, 100_002]);
});

test("Engine takes the first rule that holds, levels descending, level 0 first, and goes down from there", () => {
  const rules = `
    <rule id="100001" level="5"><match>a</match><description>x</description></rule>
    <rule id="100002" level="7"><match>a</match><description>x</description></rule>
    <rule id="100003" level="7"><match>a</match><description>x</description></rule>
    <rule id="100004" level="0"><match>aa</match><description>x</description></rule>
    <rule id="100005" level="3"><if_sid>100002</if_sid><match>ab</match><description>x</description></rule>
    <rule id="100006" level="9" noalert="1"><match>a</match><description>x</description></rule>
    <rule id="100007" level="3"><if_sid>100006</if_sid><match>ac</match><description>x</description></rule>`;
  const fixture = new EngineFixture({ rules });
  assert.equal(fixture.rule("a"), 100_002, "a rule that never alerts gives way to its next sibling");
  assert.equal(fixture.rule("aa"), 100_004, "level 0 stops everything");
  assert.equal(fixture.rule("ab"), 100_005);
  assert.equal(fixture.rule("ac"), 100_007, "below a rule that never alerts");
});

test("Engine looks a value up in lists behind if_fts: what was seen for the first time then is so also where the list fails", () => {
  const decoders =
    '<decoder name="door"><prematch>^door: </prematch><regex>^door: (\\S*)</regex><order>user</order><fts>user</fts></decoder>';
  const rules = `
    <rule id="100001" level="5"><decoded_as>door</decoded_as><if_fts/><list field="user">etc/lists/known</list><description>x</description></rule>
    <rule id="100002" level="4"><decoded_as>door</decoded_as><if_fts/><description>x</description></rule>`;
  const fixture = new EngineFixture({ decoders, rules, lists: { known: "ada:\n" } });
  assert.deepEqual([fixture.rule("door: ada"), fixture.rule("door: ada")], [100_001, null]);
  assert.equal(fixture.rule("door: bob"), null, "the first rule took the first time");
});

test("Engine looks only at the rules of the decoder's category", () => {
  const decoders =
    '<decoder name="web"><prematch>^web</prematch><type>web-log</type></decoder><decoder name="own"><prematch>^own</prematch></decoder>';
  const rules = `
    <rule id="100001" level="5"><category>web-log</category><description>x</description></rule>
    <rule id="100002" level="5"><match>^own|^none</match><description>x</description></rule>`;
  const fixture = new EngineFixture({ decoders, rules });
  assert.equal(fixture.rule("web x"), 100_001);
  assert.equal(fixture.rule("own x"), 100_002);
  assert.equal(fixture.rule("none x"), 100_002, "without a decoder an event is of the category syslog");
});

test("Engine drops an incomplete firewall event live and keeps it in a session", () => {
  const texts = { decoders: FIREWALL_DECODERS, rules: FIREWALL_RULES };
  const complete = "fw: drop tcp 10.0.0.1:1>10.0.0.2:2";
  const live = new EngineFixture(texts);
  assert.equal(live.rule(complete), 100_001);
  for (const incomplete of [
    "fw: drop",
    "fw:  tcp 10.0.0.1:1>10.0.0.2:2",
    "fw: drop tcp :1>10.0.0.2:2",
    "fw: drop tcp 10.0.0.1:1>10.0.0.2:",
  ]) {
    const outcome = live.engine.process(live.raw(incomplete));
    assert(outcome.kind === "not_analysed", incomplete);
    assert.equal(outcome.reason, "firewall_incomplete");
    assert.equal(new EngineFixture(texts, { mode: "session" }).rule(incomplete), 100_001, incomplete);
  }
});

test("Engine analyses no messages of queues that are not for the rules", () => {
  const fixture = new EngineFixture({
    rules: '<rule id="100001" level="5"><regex>\\.</regex><description>x</description></rule>',
  });
  for (const queue of ["5", "u"]) {
    const outcome = fixture.engine.process(fixture.raw("x", { queue }));
    assert(outcome.kind === "not_analysed");
    assert.equal(outcome.reason, "queue");
  }
  for (const queue of ["1", "2", "4", "7", "x"]) assert.equal(fixture.rule("x", { queue }), 100_001, queue);
});

test("Engine makes the rule that another server's alert names the rule of the event", () => {
  const decoders =
    '<decoder name="alert"><prematch>^ossec: Alert Level</prematch><plugin_decoder>OSSECAlert_Decoder</plugin_decoder></decoder>';
  const rules = `
    <rule id="100001" level="5"><match>never</match><description>user $(dstuser)</description></rule>
    <rule id="100002" level="0"><match>never</match><description>x</description></rule>`;
  const fixture = new EngineFixture({ decoders, rules });
  const alert = (id: number) =>
    `ossec: Alert Level: 3; Rule: ${id} - text.; Location: web1->/var/log/x; srcip: 192.0.2.1; user: joe;  the log`;
  const { event, verdict, alert: alerts } = fixture.process(alert(100_001), { location: "/var/log/y" });
  assert.equal(alerts, true);
  const document = JSON.parse(documentOf(event, verdict));
  assert.equal(document.rule.id, "100001");
  assert.equal(document.rule.description, "user joe");
  assert.equal(document.full_log, "the log");
  assert.equal(document.location, "/var/log/y|web1->/var/log/x");
  assert.equal(fixture.alert(alert(100_002)), null);
  assert.equal(fixture.rule(alert(100_009)), null, "a rule that is not ours");
});

test("Engine gives the same answers to the same events", () => {
  const random = new SeededRandom(77);
  const rules = `
    <rule id="100001" level="5"><decoded_as>json</decoded_as><description>x</description></rule>
    <rule id="100002" level="7" frequency="3" ignore="5"><if_matched_sid>100001</if_matched_sid><same_id/><description>x</description></rule>`;
  const set = compileRuleset({ decoders: JSON_DECODER, rules });
  const source = new EngineFixture(set);
  const events = Array.from({ length: 400 }, (_, index) =>
    source.raw(`{"id": "${random.below(5)}"}`, { receivedMs: START_MS + index * 500 }),
  );
  const run = () => {
    const engine = new Engine(set, { hostname: "manager", mode: "live" });
    return events.map((raw) => {
      const outcome = engine.process(raw);
      assert(outcome.kind === "analysed");
      return [outcome.alert, documentOf(outcome.event, outcome.verdict)];
    });
  };
  const first = run();
  assert.deepEqual(run(), first);
  assert(first.some(([, text]) => String(text).includes('"id":"100002"')));
});

test("Engine keeps what two engines on one rule set hold apart", () => {
  const set = compileRuleset({
    decoders: JSON_DECODER,
    rules: `<rule id="100001" level="5"><decoded_as>json</decoded_as><description>x</description></rule>
      <rule id="100002" level="16"><if_sid>100001</if_sid><field name="a">1</field><description>x</description></rule>
      <rule id="100003" level="9" frequency="3"><if_matched_sid>100001</if_matched_sid><description>x</description></rule>`,
  });
  const [left, right] = [new EngineFixture(set), new EngineFixture(set)];
  for (let round = 0; round < 2; round++) assert.equal(left.rule('{"a": "2"}'), 100_001);
  assert.equal(left.rule('{"a": "2"}'), 100_003);
  assert.equal(left.rule('{"a": "1"}'), 100_002);
  assert.equal(right.rule('{"b": "1"}'), 100_001, "no field and no memory of the other's events");
});

test("Engine takes the memory size that it is given", () => {
  const rules = '<rule id="100001" level="5"><match>x</match><description>x</description></rule>';
  const sizes = [undefined, 100, 3000].map((memoryEvents) => {
    const options = memoryEvents === undefined ? {} : { memoryEvents };
    const fixture = new EngineFixture({ rules }, options);
    for (let number = 0; number < 4000; number++) fixture.process("x");
    return fixture.engine.state.memory.length;
  });
  const [defaulted, least, own] = sizes;
  assert.equal(defaulted, 4000);
  assert(least !== undefined && least <= 2048 && least > 2030);
  assert(own !== undefined && own <= 3000 && own > 2980);
});
