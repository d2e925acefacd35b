/** Goal: whoever asks for a rule learns on each of its places what stopped it. Method: a small tree, answers by hand. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { conditionText } from "./conditions.ts";
import { placesOf } from "./rule-places.ts";
import { TraceFixture } from "./trace.fixture.ts";

const RULES = `
  <rule id="100" level="5"><match>door</match><description>x</description></rule>
  <rule id="101" level="7"><match>gate</match><description>x</description></rule>
  <rule id="102" level="9"><if_sid>100, 101</if_sid><match>open</match><description>x</description></rule>
  <rule id="103" level="3"><if_sid>102</if_sid><match>wide</match><description>x</description></rule>
  <rule id="104" level="4"><match>door</match><description>x</description></rule>
  <rule id="105" level="4"><category>ossec</category><match>door</match><description>x</description></rule>`;

const engine = new TraceFixture({ rules: RULES });

function places(ruleId: number, message: string): readonly (readonly string[])[] {
  const { outcome, trace } = engine.process(message);
  return placesOf(ruleId, { set: engine.fixture.set, trace, event: outcome.event }).map((place) =>
    place.map(({ rule, outcome: became, failed, takenBy }) =>
      [
        `${rule.id} ${became}`,
        failed === null ? "" : ` ${conditionText(failed.condition)}`,
        takenBy === null ? "" : ` by ${takenBy.id}`,
      ].join(""),
    ),
  );
}

test("placesOf() tells every place of a rule, the nearest first", () => {
  assert.deepEqual(places(103, "door shut"), [
    ["1 held", "100 held", "102 failed <match>open</match>", "103 not_tried <match>wide</match>"],
    [
      "1 held",
      "101 failed <match>gate</match>",
      "102 not_tried <match>open</match>",
      "103 not_tried <match>wide</match>",
    ],
  ]);
  assert.deepEqual(places(103, "gate open wide")[0], ["1 held", "101 held", "102 held", "103 held"]);
});

test("placesOf() tells which rule took the event before", () => {
  assert.deepEqual(places(104, "door"), [["1 held", "104 not_tried by 100"]]);
  assert.deepEqual(places(104, "gate"), [["1 held", "104 not_tried <match>door</match> by 101"]]);
});

test("placesOf() knows that a template is for other events", () => {
  assert.deepEqual(places(105, "door"), [["7 not_tried", "105 not_tried"]]);
});

test("placesOf() has no place for a rule that does not exist", () => {
  assert.deepEqual(places(999, "door"), []);
});
