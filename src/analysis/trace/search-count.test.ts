/** Goal: a trace tells why a composite rule did not fire, and counts nothing itself. Method: short sequences, counts by hand. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { JSON_DECODER } from "../engine.fixture.ts";
import { TraceFixture } from "./trace.fixture.ts";

const BASE = '<rule id="100" level="3"><decoded_as>json</decoded_as><description>x</description></rule>';

function engineWith(options: string, attributes = 'frequency="4" timeframe="60"'): TraceFixture {
  const rule = `<rule id="101" level="7" ${attributes}>${options}<description>x</description></rule>`;
  return new TraceFixture({ rules: BASE + rule, decoders: JSON_DECODER });
}

const SID = "<if_matched_sid>100</if_matched_sid>";

test("countForSearch() tells how many of how many events were counted", () => {
  const engine = engineWith(SID);
  const counts: unknown[] = [];
  for (let event = 0; event < 4; event++) {
    const { search, failed } = engine.tryOf(101, '{"a":"b"}');
    counts.push([search?.counted, search?.needed, failed === null]);
  }
  assert.deepEqual(counts, [
    [0, 3, false],
    [1, 3, false],
    [2, 3, false],
    [3, 3, true],
  ]);
  const { search, failed } = engine.tryOf(101, '{"a":"b"}');
  assert.deepEqual(failed, {
    condition: { option: "if_matched_sid", attributes: {}, text: "100" },
    value: null,
  });
  // The alert marked the newest event that it counted.
  assert.deepEqual(search, {
    needed: 3,
    counted: 0,
    looked: 1,
    timeframeSeconds: 60,
    passedOver: [],
    lacking: null,
    endedByMark: true,
  });
});

test("countForSearch() looks no further than the time frame", () => {
  const engine = engineWith(SID);
  engine.tryOf(101, '{"a":"b"}');
  engine.fixture.nowMs += 40_000;
  engine.tryOf(101, '{"a":"b"}');
  engine.fixture.nowMs += 40_000;
  const { search } = engine.tryOf(101, '{"a":"b"}');
  assert.deepEqual([search?.counted, search?.looked, search?.endedByMark], [1, 1, false]);
});

test("countForSearch() tells what was passed over and for which option", () => {
  const options = `${SID}<same_srcip /><different_field>u</different_field>`;
  const engine = engineWith(options);
  const send = (srcip: string, name: string, agentId = "000") =>
    engine.tryOf(101, JSON.stringify({ srcip, u: name }), {
      agentId,
      location: agentId === "000" ? "x" : "(w) any->x",
    });
  send("192.0.2.1", "eve");
  send("192.0.2.2", "eve");
  send("192.0.2.2", "ada");
  send("192.0.2.2", "bob", "001");
  assert.deepEqual(send("192.0.2.2", "ada").search, {
    needed: 3,
    counted: 1,
    looked: 4,
    timeframeSeconds: 60,
    passedOver: [
      { option: "agent", count: 1 },
      { option: "different_field u", count: 1 },
      { option: "same_srcip", count: 1 },
    ],
    lacking: null,
    endedByMark: false,
  });
});

test("countForSearch() tells which value the event itself lacks", () => {
  const engine = engineWith(`${SID}<same_srcip /><same_field>u</same_field>`);
  engine.tryOf(101, '{"srcip":"192.0.2.1"}');
  const { search } = engine.tryOf(101, '{"srcip":"192.0.2.1"}');
  assert.deepEqual([search?.counted, search?.lacking], [0, "same_field u"]);
});

test("countForSearch() looks at the events of a group, and at all by a pattern", () => {
  const group = engineWith("<if_matched_group>local</if_matched_group>", 'frequency="3"');
  group.tryOf(101, '{"a":"b"}');
  assert.deepEqual(group.tryOf(101, '{"a":"b"}').failed?.condition.option, "if_matched_group");
  const any = engineWith("<if_matched_regex>needle</if_matched_regex>", 'frequency="4"');
  any.tryOf(101, '{"a":"needle"}');
  any.tryOf(101, '{"a":"hay"}');
  const { search, failed } = any.tryOf(101, '{"a":"hay"}');
  assert.equal(failed?.condition.text, "needle");
  assert.deepEqual([search?.counted, search?.looked], [1, 2]);
  assert.deepEqual(search?.passedOver, [{ option: "if_matched_regex", count: 1 }]);
});
