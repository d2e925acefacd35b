/** Goal: a number stays as long as a rule and those above it mean the same. Method: small sets that differ in one place. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compileRuleset } from "../engine.fixture.ts";

const RULES = `
  <rule id="100001" level="3"><match>base</match><description>x</description></rule>
  <rule id="100002" level="5"><if_sid>100001</if_sid><srcip>10.0.0.0/8</srcip><description>x</description></rule>
  <rule id="100003" level="7" frequency="4"><if_matched_sid>100002</if_matched_sid><same_srcip/><description>x</description></rule>
  <rule id="100004" level="7"><if_sid>100002</if_sid><time>8:00-17:00</time><options>no_log</options><description>x</description></rule>
  <rule id="100005" level="3"><match>other</match><ignore>srcip</ignore><description>x</description></rule>`;
const IDS = [100_001, 100_002, 100_003, 100_004, 100_005] as const;

function numbers(rules: string): readonly (number | undefined)[] {
  const set = compileRuleset({ rules });
  return IDS.map((id) => set.fingerprints[set.rules.byId.get(id)?.number ?? -1]);
}

/** The rules whose number is another one after the change. */
function changedBy(from: string, to: string): readonly number[] {
  const changed = RULES.replace(from, to);
  assert.notEqual(changed, RULES);
  const [before, after] = [numbers(RULES), numbers(changed)];
  return IDS.filter((_, index) => before[index] !== after[index]);
}

test("ruleFingerprints() changes with the rule and with those above it, and with nothing else", () => {
  assert.deepEqual(changedBy("<match>base<", "<match>bases<"), [100_001, 100_002, 100_003, 100_004]);
  assert.deepEqual(
    changedBy("<match>base<", '<match type="osregex">base<'),
    [100_001, 100_002, 100_003, 100_004],
  );
  assert.deepEqual(changedBy("10.0.0.0/8", "10.0.0.0/9"), [100_002, 100_003, 100_004]);
  assert.deepEqual(changedBy('frequency="4"', 'frequency="5"'), [100_003]);
  assert.deepEqual(changedBy("<same_srcip/>", "<same_srcip/><same_location/>"), [100_003]);
  assert.deepEqual(changedBy("17:00", "17:01"), [100_004]);
  assert.deepEqual(changedBy("no_log", "no_full_log"), [100_004]);
  assert.deepEqual(changedBy("<ignore>srcip<", "<ignore>dstip<"), [100_005]);
  assert.deepEqual(changedBy('id="100005" level="3"', 'id="100005" level="4"'), [100_005]);
});

test("ruleFingerprints() stays when other rules come, go or move", () => {
  const [, first = "", ...others] = RULES.split("\n");
  const extra = '<rule id="100009" level="9"><if_sid>100001</if_sid><description>new</description></rule>';
  assert.deepEqual(numbers(`\n\n<!-- a comment -->${RULES}${extra}`), numbers(RULES));
  assert.deepEqual(numbers([first, others.at(-1), extra, ...others.slice(0, -1)].join("\n")), numbers(RULES));
});
