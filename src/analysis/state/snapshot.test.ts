/**
 * Goal: an engine that starts from a snapshot goes on as if it had never stopped. Method: random events; at a random place a new engine
 * takes over from the snapshot of the old one, and both must agree on everything that follows. Damaged snapshots are refused.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  compileRuleset,
  documentOf,
  EngineFixture,
  JSON_DECODER,
  START_MS,
} from "#analysis/engine.fixture.ts";
import { type CompiledRuleset, Engine, type Outcome } from "#analysis/engine.ts";
import type { RawEvent } from "#model/event-block.ts";
import { SeededRandom } from "#testing/random.ts";
import { encodeSnapshot, restoreSnapshot } from "./snapshot.ts";

const EPOCH = 77;

const DECODERS = `${JSON_DECODER}
  <decoder name="sshd"><program_name>^sshd</program_name></decoder>
  <decoder name="sshd-user"><parent>sshd</parent><prematch>^login </prematch><regex offset="after_prematch">^(\\S*) from (\\S*)$</regex><order>user, srcip</order><fts>user, srcip</fts></decoder>
  <decoder name="ids"><prematch>^ids </prematch></decoder>
  <decoder name="ids-alert"><parent>ids</parent><type>ids</type><prematch>^ids </prematch><regex offset="after_prematch">^(\\S*) (\\S*)$</regex><order>id, my.field</order><fts>id</fts></decoder>
  <decoder name="mail"><prematch>^mail </prematch></decoder>
  <decoder name="mail-part"><parent>mail</parent><prematch>^mail </prematch><accumulate/><regex>id=(\\d+)</regex><order>id</order></decoder>
  <decoder name="mail-part"><parent>mail</parent><regex>user=(\\w+)</regex><order>user</order></decoder>`;

const RULES = `
  <rule id="100001" level="3"><decoded_as>sshd</decoded_as><group>logins,</group><description>login of $(dstuser)</description></rule>
  <rule id="100002" level="5"><if_sid>100001</if_sid><if_fts/><group>logins,</group><description>first login</description></rule>
  <rule id="100003" level="9" frequency="4" timeframe="60"><if_matched_sid>100001</if_matched_sid><same_source_ip/><description>many</description></rule>
  <rule id="100004" level="10" frequency="3" timeframe="900"><if_matched_group>logins</if_matched_group><global_frequency/><description>group</description></rule>
  <rule id="100005" level="3"><category>ids</category><description>ids</description></rule>
  <rule id="100006" level="6"><if_sid>100005</if_sid><if_fts/><description>new attack</description></rule>
  <rule id="100007" level="4" ignore="20"><decoded_as>mail</decoded_as><description>mail of $(dstuser)</description></rule>
  <rule id="100008" level="3"><decoded_as>json</decoded_as><group>json,</group><description>json</description></rule>
  <rule id="100009" level="8" frequency="3" timeframe="900"><if_matched_sid>100008</if_matched_sid><same_field>A.b</same_field><different_field>z</different_field><description>fields</description></rule>
  <rule id="100010" level="3"><match>^output </match><description>output</description></rule>
  <rule id="100011" level="7"><if_sid>100010</if_sid><check_diff/><description>changed</description></rule>
  <rule id="100012" level="7" frequency="4"><if_matched_regex>x$</if_matched_regex><match>^any</match><global_frequency/><description>any</description></rule>
  <rule id="100013" level="3"><match>^any</match><description>base</description></rule>
  <rule id="100014" level="5"><category>ossec</category><decoded_as>hostinfo_modified</decoded_as><description>other ports</description></rule>`;

const SET = compileRuleset({ decoders: DECODERS, rules: RULES, levels: { log: 0, mail: 8 } });

function randomMessage(random: SeededRandom): string {
  const letter = () => random.pick(["a", "b", "c", "\xe9", ""]);
  switch (random.below(7)) {
    case 0:
    case 1:
      return `Nov 21 06:44:10 web1 sshd[1]: login ${letter()} from 192.0.2.${random.below(3)}`;
    case 2:
      return `ids 123456789${letter()}${random.below(3)}${letter()} f`;
    case 3:
      return `mail id=${random.below(3)}${random.below(2) === 0 ? ` user=${random.pick(["joe", "eve"])}` : ""}`;
    case 4:
      return `{"a.b": "${letter()}", "z": "${letter()}", "n": ${random.below(9)}}`;
    case 5:
      return `output ${letter()}`;
    default:
      return `any ${random.pick(["x", "y"])}`;
  }
}

function randomEvents(random: SeededRandom, count: number): RawEvent[] {
  let receivedMs = START_MS;
  return Array.from({ length: count }, (_, position) => {
    receivedMs += random.below(9000);
    const agentId = random.pick(["000", "001", "002"]);
    const location = agentId === "000" ? "/var/log/x" : `(agent${agentId}) any->/var/log/x`;
    const ports = random.below(12) === 0 ? `Host: 192.0.2.1 (), open ports: ${random.below(3)} (tcp)` : null;
    const [queue, message] = ports === null ? ["1", randomMessage(random)] : ["3", ports];
    return { position, receivedMs, queue, agentId, location, message };
  });
}

function newEngine(set: CompiledRuleset = SET): Engine {
  return new Engine(set, { hostname: "manager", mode: "live" });
}

function shown(outcome: Outcome): unknown {
  if (outcome.kind !== "analysed") return outcome;
  const { event, verdict, alert } = outcome;
  return [alert, verdict?.rule.id, verdict?.firedTimes, documentOf(event, verdict), event.matchedLevel];
}

test("restoreSnapshot() makes an engine go on exactly where the other one was", () => {
  const random = new SeededRandom(31);
  const rulesSeen = new Set<number>();
  for (let round = 0; round < 12; round++) {
    const events = randomEvents(random, 300);
    const cut = random.below(events.length);
    const original = newEngine();
    for (const event of events.slice(0, cut)) original.process(event);
    const bytes = encodeSnapshot(original, { epoch: EPOCH, position: cut });
    const restored = newEngine();
    assert.deepEqual(restoreSnapshot(bytes, EPOCH, { engine: restored }), { position: cut });
    for (const event of events.slice(cut)) {
      const outcome = original.process(event);
      assert.deepEqual(shown(restored.process(event)), shown(outcome), `round ${round}: ${event.message}`);
      if (outcome.kind === "analysed" && outcome.verdict !== null) rulesSeen.add(outcome.verdict.rule.id);
    }
    const place = { epoch: EPOCH, position: events.length };
    assert.deepEqual(encodeSnapshot(restored, place), encodeSnapshot(original, place));
  }
  const numbers = Array.from({ length: 14 }, (_, index) => 100_001 + index);
  assert.deepEqual(
    [...rulesSeen].filter((id) => id > 100_000).sort(),
    numbers,
    "every kind of state was in use",
  );
});

test("restoreSnapshot() gives back what it got when nothing happened in between", () => {
  const engine = newEngine();
  for (const event of randomEvents(new SeededRandom(8), 500)) engine.process(event);
  const place = { epoch: EPOCH, position: 4242 };
  const bytes = encodeSnapshot(engine, place);
  const restored = newEngine();
  restoreSnapshot(bytes, EPOCH, { engine: restored });
  assert.deepEqual(encodeSnapshot(restored, place), bytes);
});

test("restoreSnapshot() starts from nothing with the snapshot of a new engine", () => {
  const bytes = encodeSnapshot(newEngine(), { epoch: EPOCH, position: 0 });
  assert.deepEqual(restoreSnapshot(bytes, EPOCH, { engine: newEngine() }), { position: 0 });
});

test("restoreSnapshot() keeps every byte of the texts", () => {
  const bytes = Array.from({ length: 255 }, (_, index) => String.fromCharCode(index + 1)).join("");
  const set = compileRuleset({
    rules: `<rule id="100001" level="3"><match>bytes</match><description>x</description></rule>
      <rule id="100002" level="9" frequency="3"><if_matched_sid>100001</if_matched_sid><description>x</description></rule>`,
  });
  const before = new EngineFixture(set);
  before.process(`bytes ${bytes}`, { location: bytes });
  const after = new EngineFixture(set);
  const snapshot = encodeSnapshot(before.engine, { epoch: EPOCH, position: 0 });
  restoreSnapshot(snapshot, EPOCH, { engine: after.engine });
  after.process("bytes");
  assert.deepEqual(after.process("bytes").verdict?.previousLogs, ["bytes", `bytes ${bytes}`]);
});

function someSnapshot(): Buffer {
  const engine = newEngine();
  for (const event of randomEvents(new SeededRandom(9), 60)) engine.process(event);
  return encodeSnapshot(engine, { epoch: EPOCH, position: 5 });
}

function faultOf(bytes: Buffer, epoch = EPOCH): string | null {
  const engine = newEngine();
  const outcome = restoreSnapshot(bytes, epoch, { engine });
  if (!("fault" in outcome)) return null;
  const place = { epoch: EPOCH, position: 0 };
  assert.deepEqual(
    encodeSnapshot(engine, place),
    encodeSnapshot(newEngine(), place),
    "nothing was taken over",
  );
  return outcome.fault;
}

test("restoreSnapshot() refuses a snapshot that was cut, damaged or is none", () => {
  const bytes = someSnapshot();
  assert.equal(faultOf(bytes), null);
  assert.equal(faultOf(Buffer.alloc(0)), "damaged");
  assert.equal(faultOf(Buffer.from("no snapshot\n")), "damaged");
  for (let end = 0; end < bytes.length; end += 13) assert.equal(faultOf(bytes.subarray(0, end)), "damaged");
  assert.equal(faultOf(Buffer.concat([bytes, Buffer.from("x")])), "damaged");
  const random = new SeededRandom(10);
  for (let round = 0; round < 200; round++) {
    const damaged = Buffer.from(bytes);
    const at = random.below(damaged.length);
    damaged[at] = (damaged[at] ?? 0) ^ (1 + random.below(255));
    assert.notEqual(faultOf(damaged), null, `byte ${at}`);
  }
});

test("restoreSnapshot() refuses a snapshot of another format or another journal", () => {
  const bytes = someSnapshot();
  const other = Buffer.from(bytes.toString("latin1").replace(/^(\S+) (\d+)/, "$1 9$2"), "latin1");
  assert.equal(faultOf(other), "unknown_version");
  assert.equal(faultOf(bytes, EPOCH + 1), "other_journal");
});

const GROUP = "<if_matched_group>local</if_matched_group>";
const base = (id: number, word = `^${id} `) =>
  `<rule id="${id}" level="3"><match>${word}</match><description>x</description></rule>`;
const composite = (id: number, sid: number, options = "") =>
  `<rule id="${id}" level="9" frequency="3"><if_matched_sid>${sid}</if_matched_sid>${options}<description>x</description></rule>`;

/** Two events of each base rule, carried over into another rule set. */
function carriedOver(rules: string, to: string, keepsWindows = true): EngineFixture {
  const before = new EngineFixture({ rules });
  for (let round = 0; round < 2; round++) for (const id of [100_001, 100_002]) before.process(`${id} x`);
  const snapshot = encodeSnapshot(before.engine, { epoch: EPOCH, position: 9 });
  return restored(snapshot, to, keepsWindows);
}

function restored(snapshot: Buffer, rules: string, keepsWindows = true): EngineFixture {
  const set = compileRuleset({ rules });
  const after = new EngineFixture(set);
  const outcome = restoreSnapshot(snapshot, EPOCH, { engine: after.engine, keepsWindows });
  assert.deepEqual(outcome, { position: 9 });
  return after;
}

test("restoreSnapshot() leaves out what it says of rules that are gone, and keeps the rest", () => {
  const [first, second] = [base(100_001), base(100_002)];
  const rules = first + second + composite(100_010, 100_001) + composite(100_011, 100_002);
  const after = carriedOver(rules, base(100_003) + second + composite(100_011, 100_002));
  assert.equal(after.engine.state.memory.length, 2);
  assert.equal(after.process("100003 x").verdict?.firedTimes, 1);
  const { verdict } = after.process("100002 x");
  assert.equal(verdict?.rule.id, 100_011);
  assert.deepEqual(verdict.previousLogs, ["100002 x", "100002 x"]);
  assert.equal(after.engine.state.counters.fired(verdict.rule.number), 1);
});

test("restoreSnapshot() keeps the windows of rules that are as they were, with all above them, and of no other", () => {
  const above = base(100_000, " x");
  const below = (id: number) =>
    `<rule id="${id}" level="4"><if_sid>100000</if_sid><match>^${id} </match><description>x</description></rule>`;
  const composites = composite(100_010, 100_001) + composite(100_011, 100_002);
  const rules = above + below(100_001) + below(100_002) + composites;
  const fired = (to: string, keepsWindows = true) => {
    const after = carriedOver(rules, to, keepsWindows);
    return [100_001, 100_002].filter((id) => (after.rule(`${id} x`) ?? 0) >= 100_010);
  };
  assert.deepEqual(fired(`<!-- moved -->\n${rules}`), [100_001, 100_002]);
  assert.deepEqual(fired(rules.replace(below(100_001), below(100_001).replace("4", "5"))), [100_002]);
  assert.deepEqual(fired(rules.replace(above, base(100_000, "x"))), [], "the rule above all changed");
  const changed = composite(100_010, 100_001, "<global_frequency/>");
  assert.deepEqual(fired(rules.replace(composite(100_010, 100_001), changed)), [100_002]);
  assert.deepEqual(fired(rules, false), [], "nobody asked to keep them");
});

test("restoreSnapshot() leaves out what a rule saw before it was changed, also for rules that count several", () => {
  const withLevel = (id: number, level: number) => base(id).replace('level="3"', `level="${level}"`);
  const counting = composite(100_010, 0).replace(/<if_matched_sid>.*<.if_matched_sid>/, GROUP);
  const rules = base(100_001) + base(100_002) + counting;
  const after = carriedOver(rules, withLevel(100_001, 4) + base(100_002) + counting);
  assert.deepEqual(
    Array.from(after.engine.state.memory.remembered, ({ fullLog }) => fullLog),
    ["100002 x", "100002 x"],
  );
});

test("restoreSnapshot() lets a rule that is new or changed count from then on, also after the next snapshot", () => {
  const rules = base(100_001) + base(100_002) + composite(100_010, 100_001);
  const changed = rules.replace('frequency="3"', 'frequency="4"');
  const after = carriedOver(rules, changed);
  assert.equal(after.rule("100001 x"), 100_001);
  const again = restored(encodeSnapshot(after.engine, { epoch: EPOCH, position: 9 }), changed);
  assert.deepEqual(
    ["100001 x", "100001 x", "100001 x"].map((message) => again.rule(message)),
    [100_001, 100_001, 100_010],
  );
});

test("restoreSnapshot() goes on with the `ignore` window of a rule that is as it was, and with its count in any case", () => {
  const rule = (ignore: number) =>
    `<rule id="100001" level="7" ignore="${ignore}"><match>loud</match><description>x</description></rule>`;
  const before = new EngineFixture({ rules: rule(60) });
  before.process("loud");
  const snapshot = encodeSnapshot(before.engine, { epoch: EPOCH, position: 9 });
  assert.equal(restored(snapshot, rule(60)).process("loud").verdict?.rule.id, 1);
  assert.equal(restored(snapshot, rule(61)).process("loud").verdict?.firedTimes, 2);
});
