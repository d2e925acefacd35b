/** Goal: a rule runs the responses that the peer would bind to it. Method: one configuration for each condition, on a few rules. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readManagerConfig } from "#config/manager-config.ts";
import { compileRuleset } from "../engine.fixture.ts";
import { NO_RESPONSES } from "./settings.ts";

const GROUPS = `
  <group name="syslog,sshd,">
    <rule id="100001" level="5"><match>a</match><description>x</description></rule>
    <rule id="100002" level="10"><match>b</match><description>x</description></rule>
    <rule id="100003" level="0"><match>c</match><description>x</description></rule>
    <rule id="100004" level="10"><match>d</match><options>no_ar</options><description>x</description></rule>
  </group>
  <group name="ftp,"><rule id="100005" level="10"><match>e</match><description>x</description></rule></group>`;

/** The numbers of the rules that run a response with these options. */
function boundTo(options: string): number[] {
  const { config, problems } = readManagerConfig(
    `<ossec_config><command><name>c</name><executable>e</executable></command>
     <active-response><command>c</command><location>local</location>${options}</active-response></ossec_config>`,
    "ossec.conf",
  );
  assert.deepEqual(
    problems.filter(({ severity }) => severity === "error"),
    [],
  );
  const { responses } = config.activeResponse;
  const { rules } = compileRuleset({ groups: GROUPS, responses: { ...NO_RESPONSES, responses } }).rules;
  return rules.filter((rule) => rule.responses.length > 0).map(({ id }) => id - 100_000);
}

test("ResponseBinding binds by level, by groups, by both and by rule", () => {
  assert.deepEqual(boundTo("<level>10</level>"), [2, 5]);
  assert.deepEqual(boundTo("<rules_group>sshd|apache</rules_group>"), [1, 2]);
  assert.deepEqual(boundTo("<rules_group>sshd</rules_group><level>6</level>"), [2]);
  assert.deepEqual(boundTo("<rules_id>100001, 100005</rules_id>"), [1, 5]);
  assert.deepEqual(boundTo("<rules_id>100001</rules_id><rules_group>ftp</rules_group>"), [1, 5]);
});

test("ResponseBinding binds nothing without a condition, and never level 0 or no_ar", () => {
  assert.deepEqual(boundTo(""), []);
  assert.deepEqual(boundTo("<level>0</level>"), []);
  assert.deepEqual(boundTo("<level>0</level><rules_group>ftp</rules_group>"), [5]);
  assert.deepEqual(boundTo("<rules_id>100003,100004</rules_id>"), []);
});

test("ResponseBinding takes a group that is no expression for one that never holds", () => {
  assert.deepEqual(boundTo("<rules_group>\\q</rules_group>"), []);
  assert.deepEqual(boundTo("<rules_group>\\q</rules_group><level>1</level>"), []);
  assert.deepEqual(boundTo("<rules_group>\\q</rules_group><rules_id>100001</rules_id>"), [1]);
});
