/**
 * Goal: composite rules fire when the peer's do. Method: one base rule and one composite rule each, every statement of how the peer
 * searches as a short sequence of events.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EngineFixture, JSON_DECODER, START_MS } from "#analysis/engine.fixture.ts";

const BASE = 100_001;
const COMPOSITE = 100_010;
/** Every JSON event; the group is for `if_matched_group`. */
const BASE_RULE = `<rule id="${BASE}" level="3"><decoded_as>json</decoded_as><group>base_events,</group><description>base</description></rule>`;
const BY_RULE = `<if_matched_sid>${BASE}</if_matched_sid>`;

type Fields = Readonly<Record<string, string>>;

function composite(attributes: string, body: string): EngineFixture {
  const rule = `<rule id="${COMPOSITE}" level="10" ${attributes}>${body}<description>composite</description></rule>`;
  return new EngineFixture({ decoders: JSON_DECODER, rules: BASE_RULE + rule });
}

function json(fields: Fields): string {
  return JSON.stringify(fields);
}

/** The rules of events with these fields, one after the other in the same second. */
function rulesOf(fixture: EngineFixture, events: readonly Fields[]): (number | null)[] {
  return events.map((fields) => fixture.rule(json(fields)));
}

/** Whether the second of two events makes the composite rule fire that counts two. */
function pairs(body: string, first: Fields, second: Fields): boolean {
  const rules = rulesOf(composite('frequency="2"', BY_RULE + body), [first, second]);
  assert.equal(rules[0], BASE);
  return rules[1] === COMPOSITE;
}

test("runSearch() needs as many events as `frequency` says, the current one included", () => {
  for (const frequency of [2, 3, 4, 12]) {
    const fixture = composite(`frequency="${frequency}"`, BY_RULE);
    const rules = Array.from({ length: frequency }, () => fixture.rule(json({ id: "1" })));
    assert.deepEqual(rules, [...Array(frequency - 1).fill(BASE), COMPOSITE]);
  }
});

test("runSearch() is satisfied with one earlier event when there is no `frequency`, and again with the same one", () => {
  const fixture = composite("", BY_RULE);
  const rules = rulesOf(fixture, [{ id: "1" }, { id: "2" }, { id: "3" }, { id: "4" }]);
  assert.deepEqual(rules, [BASE, COMPOSITE, COMPOSITE, COMPOSITE]);
});

test("runSearch() needs one event less from scratch after it fired", () => {
  const fixture = composite('frequency="4"', BY_RULE);
  const rules = Array.from({ length: 12 }, () => fixture.rule(json({ id: "1" })));
  const cycle = [BASE, BASE, BASE, COMPOSITE];
  assert.deepEqual(rules, [...cycle, ...cycle, ...cycle]);
});

test("runSearch() ends at the first event that is older than the timeframe", () => {
  const at = (seconds: number) => ({ receivedMs: START_MS + seconds * 1000 });
  const fires = (seconds: number) => {
    const fixture = composite('frequency="2" timeframe="10"', BY_RULE);
    fixture.rule(json({ id: "1" }), at(0));
    return fixture.rule(json({ id: "1" }), at(seconds)) === COMPOSITE;
  };
  assert.equal(fires(10), true);
  assert.equal(fires(10.8), true, "whole seconds count");
  assert.equal(fires(11), false);
  const defaulted = (seconds: number) => {
    const fixture = composite('frequency="2"', BY_RULE);
    fixture.rule(json({ id: "1" }), at(0));
    return fixture.rule(json({ id: "1" }), at(seconds)) === COMPOSITE;
  };
  assert.equal(defaulted(360), true);
  assert.equal(defaulted(361), false);
});

test("runSearch() wants the same agent, unless the rule counts globally", () => {
  const fires = (body: string) => {
    const fixture = composite('frequency="2"', BY_RULE + body);
    fixture.rule(json({ id: "1" }), { agentId: "001", location: "(a) any->/x" });
    return fixture.rule(json({ id: "1" }), { agentId: "002", location: "(b) any->/x" }) === COMPOSITE;
  };
  assert.equal(fires(""), false);
  assert.equal(fires("<global_frequency/>"), true);
});

test("runSearch() passes over events of other agents without stopping", () => {
  const fixture = composite('frequency="3"', BY_RULE);
  const of = (agentId: string) => fixture.rule(json({ id: "1" }), { agentId, location: "(a) any->/x" });
  assert.deepEqual(["001", "002", "001", "003", "001"].map(of), [BASE, BASE, BASE, BASE, COMPOSITE]);
});

const SAME: readonly (readonly [option: string, field: string])[] = [
  ["same_id", "id"],
  ["same_source_ip", "srcip"],
  ["same_srcip", "srcip"],
  ["same_dstip", "dstip"],
  ["same_srcport", "srcport"],
  ["same_src_port", "srcport"],
  ["same_dstport", "dstport"],
  ["same_dst_port", "dstport"],
  ["same_srcuser", "srcuser"],
  ["same_user", "dstuser"],
  ["same_protocol", "protocol"],
  ["same_action", "action"],
  ["same_url", "url"],
  ["same_data", "data"],
  ["same_extra_data", "extra_data"],
  ["same_status", "status"],
  ["same_system_name", "systemname"],
];

for (const [option, field] of SAME) {
  test(`runSearch() wants ${field} set and equal in both for <${option}>`, () => {
    const body = `<${option}/>`;
    assert.equal(pairs(body, { [field]: "v" }, { [field]: "v" }), true);
    assert.equal(pairs(body, { [field]: "v" }, { [field]: "V" }), false);
    assert.equal(pairs(body, { [field]: "v" }, { x: "y" }), false);
    assert.equal(pairs(body, { x: "y" }, { [field]: "v" }), false);
    assert.equal(pairs(body, { x: "y" }, { x: "y" }), false);
  });
}

const DIFFERENT: readonly (readonly [option: string, field: string])[] = [
  ...SAME.filter(([option]) => option !== "same_source_ip").map(
    ([option, field]) => [option.replace("same_", "different_"), field] as const,
  ),
  ["not_same_source_ip", "srcip"],
  ["not_same_user", "dstuser"],
  ["not_same_id", "id"],
];

for (const [option, field] of DIFFERENT) {
  test(`runSearch() passes an event over for <${option}> only when ${field} is set and equal in both`, () => {
    const body = `<${option}/>`;
    assert.equal(pairs(body, { [field]: "v" }, { [field]: "v" }), false);
    assert.equal(pairs(body, { [field]: "v" }, { [field]: "w" }), true);
    assert.equal(pairs(body, { [field]: "v" }, { x: "y" }), true);
    assert.equal(pairs(body, { x: "y" }, { x: "y" }), true);
  });
}

test("runSearch() compares the full location", () => {
  const fires = (body: string, second: string) => {
    const fixture = composite('frequency="2"', BY_RULE + body);
    fixture.rule(json({ id: "1" }), { location: "/var/log/a" });
    return fixture.rule(json({ id: "1" }), { location: second }) === COMPOSITE;
  };
  assert.equal(fires("<same_location/>", "/var/log/a"), true);
  assert.equal(fires("<same_location/>", "/var/log/b"), false);
  assert.equal(fires("<different_location/>", "/var/log/a"), false);
  assert.equal(fires("<different_location/>", "/var/log/b"), true);
});

test("runSearch() compares the places of addresses", () => {
  const places = { "192.0.2.1": "US", "192.0.2.2": "US", "192.0.2.3": "FR" };
  for (const end of ["src", "dst"]) {
    const fires = (body: string, first: string, second: string) => {
      const rule = `<rule id="${COMPOSITE}" level="10" frequency="2">${BY_RULE}${body}<description>c</description></rule>`;
      const fixture = new EngineFixture({ decoders: JSON_DECODER, rules: BASE_RULE + rule, places });
      fixture.rule(json({ [`${end}ip`]: first }));
      return fixture.rule(json({ [`${end}ip`]: second })) === COMPOSITE;
    };
    const [same, different] = [`<same_${end}geoip/>`, `<different_${end}geoip/>`];
    assert.equal(fires(same, "192.0.2.1", "192.0.2.2"), true);
    assert.equal(fires(same, "192.0.2.1", "192.0.2.3"), false);
    assert.equal(fires(same, "10.0.0.1", "10.0.0.1"), false, "no place is like no place");
    assert.equal(fires(different, "192.0.2.1", "192.0.2.2"), false);
    assert.equal(fires(different, "192.0.2.1", "192.0.2.3"), true);
    assert.equal(fires(different, "10.0.0.1", "10.0.0.1"), true);
  }
});

test("runSearch() finds no event by a place on earth without a database", () => {
  assert.equal(pairs("<same_srcgeoip/>", { srcip: "192.0.2.1" }, { srcip: "192.0.2.1" }), false);
  assert.equal(pairs("<different_dstgeoip/>", { dstip: "192.0.2.1" }, { dstip: "192.0.2.1" }), true);
});

test("runSearch() wants every <same_field> in both events and equal, looked up without case", () => {
  const body = "<same_field>A.b</same_field><same_field>c</same_field>";
  assert.equal(pairs(body, { "a.B": "1", c: "2" }, { "A.B": "1", C: "2" }), true);
  assert.equal(pairs(body, { "a.b": "1", c: "2" }, { "a.b": "1", c: "3" }), false);
  assert.equal(pairs(body, { "a.b": "1" }, { "a.b": "1" }), false);
  assert.equal(pairs(body, { id: "1" }, { id: "1" }), false);
});

for (const option of ["not_same_field", "different_field"]) {
  test(`runSearch() passes an event over when any <${option}> is equal, or when neither event has a dynamic field`, () => {
    const body = `<${option}>a</${option}><${option}>b</${option}>`;
    assert.equal(pairs(body, { a: "1", b: "1" }, { a: "2", b: "2" }), true);
    assert.equal(pairs(body, { a: "1", b: "1" }, { a: "2", b: "1" }), false);
    assert.equal(pairs(body, { a: "1" }, { b: "1" }), true);
    assert.equal(pairs(body, { x: "1" }, { x: "1" }), true);
    assert.equal(pairs(body, { id: "1" }, { id: "1" }), false);
    assert.equal(pairs(body, { id: "1", x: "1" }, { id: "1" }), true);
  });
}

test("runSearch() cannot be led to take two combinations of values for one", () => {
  const body = "<same_srcuser/><same_user/>";
  for (const separator of ["\u0001", ":", ":1:", "|", "\u0000"]) {
    const first = { srcuser: `a${separator}b`, dstuser: "c" };
    const second = { srcuser: "a", dstuser: `b${separator}c` };
    assert.equal(pairs(body, first, second), false, JSON.stringify(separator));
  }
  assert.equal(pairs(body, { srcuser: "a:1:b", dstuser: "" }, { srcuser: "a", dstuser: "b:0:" }), false);
});

test("runSearch() ends without a match at an event that a rule of this level or above has counted", () => {
  const rule = (id: number, level: number) =>
    `<rule id="${id}" level="${level}" frequency="3"><if_matched_sid>${BASE}</if_matched_sid><same_id/><description>x</description></rule>`;
  const other = (level: number) =>
    `<rule id="100020" level="${level}" frequency="5"><if_matched_sid>${BASE}</if_matched_sid><description>x</description></rule>`;
  const run = (level: number) => {
    const rules = BASE_RULE + rule(COMPOSITE, 8) + other(level);
    const fixture = new EngineFixture({ decoders: JSON_DECODER, rules });
    return rulesOf(
      fixture,
      ["a", "a", "a", "b", "c", "d", "e"].map((id) => ({ id })),
    );
  };
  // Event 3 fires the rule of level 8, marks event 2 and is no base event itself. The wider rule counts 1, 2, 4, 5 at event 6.
  assert.deepEqual(run(9), [BASE, BASE, COMPOSITE, BASE, BASE, 100_020, BASE]);
  // For level 8 the search ends at event 2: only 4, 5 and 6 can be counted.
  assert.deepEqual(run(8), [BASE, BASE, COMPOSITE, BASE, BASE, BASE, BASE]);
});

test("runSearch() leaves its marks even when a rule below the composite one wins", () => {
  const rules = `${BASE_RULE}
    <rule id="${COMPOSITE}" level="10" frequency="3">${BY_RULE}<description>x</description></rule>
    <rule id="100011" level="0"><if_sid>${COMPOSITE}</if_sid><id>^quiet$</id><description>quiet</description></rule>`;
  const fixture = new EngineFixture({ decoders: JSON_DECODER, rules });
  const quiet = { id: "quiet" };
  const rulesFound = rulesOf(fixture, [
    { id: "1" },
    { id: "2" },
    quiet,
    { id: "3" },
    { id: "4" },
    { id: "5" },
  ]);
  assert.deepEqual(rulesFound, [BASE, BASE, 100_011, BASE, BASE, COMPOSITE]);
});

/** The logs that the composite rule collected when it fired for the last of so many events. */
function collected(body: string, frequency: number): readonly string[] {
  const fixture = composite(`frequency="${frequency}"`, body);
  for (let number = 1; number < frequency; number++) fixture.process(json({ id: String(number) }));
  const { verdict } = fixture.process(json({ id: "last" }));
  assert.equal(verdict?.rule.id, COMPOSITE);
  return verdict.previousLogs.map((log) => JSON.parse(log).id);
}

test("runSearch() collects the logs newest first, with the one that made the match", () => {
  assert.deepEqual(collected(BY_RULE, 4), ["3", "2", "1"]);
  assert.deepEqual(collected("<if_matched_group>base_events</if_matched_group>", 4), ["3", "2", "1"]);
});

test("runSearch() collects eleven logs at most", () => {
  const logs = Array.from({ length: 11 }, (_, index) => String(19 - index));
  assert.deepEqual(collected(BY_RULE, 20), logs);
});

test("runSearch() leaves the log that made the match out when it searched all events", () => {
  assert.deepEqual(collected('<if_matched_regex>"id":"</if_matched_regex>', 4), ["3", "2"]);
});

test("runSearch() compares the logs of all events with <if_matched_regex>", () => {
  const fixture = composite(
    'frequency="3"',
    '<decoded_as>json</decoded_as><if_matched_regex>"kind":"door"</if_matched_regex>',
  );
  const [door, window] = [{ kind: "door" }, { kind: "window" }];
  // The composite rule stands beside the base rule, above it for its level.
  assert.deepEqual(rulesOf(fixture, [door, window, window, door, window]), [
    BASE,
    BASE,
    BASE,
    BASE,
    COMPOSITE,
  ]);
});

test("runSearch() finds only events of the same decoder type among all events", () => {
  const decoders = `${JSON_DECODER}<decoder name="ids"><prematch>^ids </prematch><type>ids</type></decoder>`;
  const rules = `${BASE_RULE}
    <rule id="100002" level="3"><category>ids</category><decoded_as>ids</decoded_as><description>x</description></rule>
    <rule id="${COMPOSITE}" level="10"><decoded_as>json</decoded_as><if_matched_regex>door</if_matched_regex><description>x</description></rule>`;
  const fixture = new EngineFixture({ decoders, rules });
  assert.equal(fixture.rule("ids door"), 100_002);
  assert.equal(fixture.rule(json({ kind: "door" })), BASE);
  assert.equal(fixture.rule(json({ kind: "x" })), COMPOSITE);
});

test("EventMemory keeps for <if_matched_group> the events of rules loaded before whose groups match", () => {
  const late = `<group name="late,"><rule id="100030" level="4"><decoded_as>json</decoded_as><id>^late$</id><group>base_events,</group><description>x</description></rule></group>`;
  const rule = `<rule id="${COMPOSITE}" level="10" frequency="3"><if_matched_group>BASE_ev</if_matched_group><description>x</description></rule>`;
  const fixture = new EngineFixture({
    decoders: JSON_DECODER,
    rules: `<rule id="100029" level="4"><decoded_as>json</decoded_as><id>^other$</id><description>x</description></rule>${BASE_RULE}${rule}`,
    groups: late,
  });
  const events = ["other", "late", "1", "late", "other", "2", "3"].map((id) => ({ id }));
  const expected = [100_029, 100_030, BASE, 100_030, 100_029, BASE, COMPOSITE];
  assert.deepEqual(rulesOf(fixture, events), expected);
});

test("EventMemory keeps an event in its rule's own list or in those of groups, not in both", () => {
  const byGroup = `<rule id="100040" level="10" frequency="3"><if_matched_group>base_events</if_matched_group><description>x</description></rule>`;
  const bySid = `<rule id="100041" level="9" frequency="50">${BY_RULE}<description>x</description></rule>`;
  const events = Array.from({ length: 4 }, () => ({ id: "1" }));
  const without = new EngineFixture({ decoders: JSON_DECODER, rules: BASE_RULE + byGroup });
  assert.deepEqual(rulesOf(without, events), [BASE, BASE, 100_040, BASE]);
  const both = new EngineFixture({ decoders: JSON_DECODER, rules: BASE_RULE + byGroup + bySid });
  assert.deepEqual(rulesOf(both, events), [BASE, BASE, BASE, BASE]);
});

test("EventMemory does not remember events of level 0", () => {
  const rules = `<rule id="${BASE}" level="0"><decoded_as>json</decoded_as><description>x</description></rule>
    <rule id="${COMPOSITE}" level="10">${BY_RULE}<description>x</description></rule>`;
  const fixture = new EngineFixture({ decoders: JSON_DECODER, rules });
  assert.deepEqual(rulesOf(fixture, [{ id: "1" }, { id: "1" }]), [BASE, BASE]);
});
