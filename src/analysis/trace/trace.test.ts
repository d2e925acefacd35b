/** Goal: a trace tells the way of an event and changes nothing of it. Method: small rule sets, ways written by hand. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import { documentOf, EngineFixture, JSON_DECODER } from "../engine.fixture.ts";
import { damagedLine, SAMPLE_LINES } from "../hostile-logs.fixture.ts";
import { TraceFixture } from "./trace.fixture.ts";
import { rulesDebug, Trace } from "./trace.ts";

const DECODERS = `
  <decoder name="gate"><program_name>^gate$</program_name></decoder>
  <decoder name="door"><program_name>^door</program_name><prematch>^front</prematch></decoder>
  <decoder name="other"><program_name>^door</program_name></decoder>
  <decoder name="other-no"><parent>other</parent><prematch>^shut</prematch><regex>^(\\w+)</regex><order>action</order></decoder>
  <decoder name="other-yes"><parent>other</parent><prematch>^back </prematch><regex offset="after_prematch">^(\\w+) by (\\S+) at</regex><order>action, person</order></decoder>
  <decoder name="other-yes"><parent>other</parent><regex offset="after_regex">^ (\\S+)</regex><order>url</order></decoder>
  ${JSON_DECODER}`;

const HEADER = "Nov 21 06:44:10 house door[1]: ";

function decoders(message: string): readonly unknown[] {
  const { trace } = new TraceFixture({ decoders: DECODERS }).process(message);
  return trace.decoders.map(({ decoder, failed, fields }) => [
    decoder.name,
    failed === null ? null : [failed.part, failed.text],
    ...fields.map(({ name, value }) => `${name}=${value}`),
  ]);
}

test("Trace tells which decoders were tried, what failed and what each found", () => {
  const above = [
    ["gate", ["program_name", "door"]],
    ["door", ["prematch", "back opened by eve at ten"]],
    ["other", null],
    ["other-no", ["prematch", "back opened by eve at ten"]],
  ];
  assert.deepEqual(decoders(`${HEADER}back opened by eve at ten`), [
    ...above,
    ["other-yes", null, "action=opened", "person=eve"],
    ["other-yes", null, "url=ten"],
  ]);
  assert.deepEqual(decoders(`${HEADER}back open`).at(-2), ["other-yes", ["regex", "open"]]);
});

test("Trace tells what a plugin found", () => {
  const fields = ["json", null, "srcip=192.0.2.1", "a.b=c"];
  assert.deepEqual(decoders('{"srcip":"192.0.2.1","a":{"b":"c"}}'), [fields]);
});

test("Trace tells that no decoder took the event", () => {
  assert.deepEqual(decoders(`${HEADER.replace("door", "roof")}x`), [
    ["gate", ["program_name", "roof"]],
    ["door", ["program_name", "roof"]],
    ["other", ["program_name", "roof"]],
  ]);
});

const RULES = `
  <rule id="100" level="0" noalert="1"><match>quiet</match><description>First $(x)</description></rule>
  <rule id="101" level="3"><if_sid>100</if_sid><match>never</match><description>Below</description></rule>
  <rule id="102" level="5"><match>loud</match><description>Loud</description></rule>
  <rule id="103" level="4"><match>quiet</match><description>Quiet</description></rule>
  <rule id="104" level="2"><match>quiet</match><description>Not reached</description></rule>`;

test("rulesDebug() gives the peer's lines in the order of the rules tried", () => {
  const { trace, outcome } = new TraceFixture({ rules: RULES }).process("quiet");
  assert.equal(outcome.verdict?.rule.id, 103);
  assert.deepEqual(rulesDebug(trace), [
    "Trying rule: 1 - syslog",
    "*Rule 1 matched",
    "*Trying child rules",
    "Trying rule: 100 - First $(x)",
    "*Rule 100 matched",
    "*Trying child rules",
    "Trying rule: 101 - Below",
    "Trying rule: 102 - Loud",
    "Trying rule: 103 - Quiet",
    "*Rule 103 matched",
  ]);
  assert.deepEqual(
    trace.path.map(({ node }) => node.rule.id),
    [1, 103],
  );
});

test("rulesDebug() cuts a line where the peer's buffer ends", () => {
  const rules = `<rule id="100" level="3"><match>a</match><description>${"d".repeat(1500)}</description></rule>`;
  const { trace } = new TraceFixture({ rules }).process("a");
  const line = rulesDebug(trace).at(-2) ?? "";
  assert.match(line, /^Trying rule: 100 - d+$/);
  assert.equal(line.length, 1055);
});

/** Siblings enough for an index, exact values, literals, and everything that remembers. */
const STATEFUL_RULES = `
  ${["sshd", "sudo", "su", "kernel", "pf", "crond", "postgres"]
    .map(
      (name, index) =>
        `<rule id="${200 + index}" level="${3 + (index % 4)}"><program_name>^${name}$</program_name><description>${name}</description></rule>`,
    )
    .join("\n")}
  <rule id="300" level="5"><if_sid>200</if_sid><match>Failed password</match><description>x</description></rule>
  <rule id="301" level="8" frequency="3" timeframe="30"><if_matched_sid>300</if_matched_sid><description>x</description></rule>
  <rule id="302" level="4" ignore="5"><field name="event_type">^alert$</field><description>x</description></rule>
  <rule id="303" level="9" frequency="4" timeframe="60"><if_matched_group>local</if_matched_group><same_field>event_type</same_field><description>x</description></rule>
  <rule id="304" level="6"><if_sid>203</if_sid><check_diff /><description>x</description></rule>
  <rule id="305" level="7"><if_group>local</if_group><if_fts /><description>x</description></rule>`;

const STATEFUL_DECODERS = `
  <decoder name="ssh"><program_name>^sshd</program_name></decoder>
  <decoder name="ssh-user"><parent>ssh</parent><prematch>for </prematch><regex offset="after_prematch">(\\S+) from (\\S+)</regex><order>user, srcip</order><fts>name, user</fts></decoder>
  ${JSON_DECODER}`;

test("Engine.process() gives the same with and without a trace", () => {
  const texts = { rules: STATEFUL_RULES, decoders: STATEFUL_DECODERS };
  const plain = new EngineFixture(texts);
  const traced = new EngineFixture(texts);
  const random = new SeededRandom(14);
  const rules = new Set<number>();
  for (let count = 0; count < 3000; count++) {
    const message = random.below(3) === 0 ? damagedLine(random) : random.pick(SAMPLE_LINES);
    const agentId = random.pick(["001", "002"]);
    const changes = { agentId, location: "(web) any->/var/log/x", receivedMs: plain.nowMs + count * 100 };
    const expected = plain.process(message, changes);
    const document = documentOf(expected.event, expected.verdict);
    const outcome = traced.engine.process(traced.raw(message, changes), new Trace());
    assert(outcome.kind === "analysed");
    assert.equal(documentOf(outcome.event, outcome.verdict), document);
    assert.equal(outcome.alert, expected.alert);
    if (outcome.verdict !== null) rules.add(outcome.verdict.rule.id);
  }
  for (const id of [301, 302, 303]) assert(rules.has(id), `rule ${id} never fired: ${[...rules]}`);
});
