/** Goal: `check_diff` holds when the output of a command changed. Method: outputs of hosts one after the other; then more than fit. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { documentOf, EngineFixture } from "#analysis/engine.fixture.ts";
import { LastOutputs, OUTPUTS_BYTES_MAX, OUTPUTS_MAX } from "./last-outputs.ts";

const RULES = `
  <rule id="100001" level="3"><match>^output</match><description>output</description></rule>
  <rule id="100002" level="7"><if_sid>100001</if_sid><check_diff/><description>changed</description></rule>`;

test("LastOutputs lets the rule hold only when the output differs from the one before", () => {
  const fixture = new EngineFixture({ rules: RULES });
  const rules = ["output a", "output a", "output b", "output b", "output a"].map((log) => fixture.rule(log));
  assert.deepEqual(rules, [100_001, 100_001, 100_002, 100_001, 100_002]);
});

test("LastOutputs keeps hosts apart", () => {
  const fixture = new EngineFixture({ rules: RULES });
  const from = (name: string) => ({ agentId: "001", location: `(${name}) any->netstat` });
  fixture.rule("output a", from("web1"));
  assert.equal(fixture.rule("output b", from("web2")), 100_001);
  assert.equal(fixture.rule("output b", from("web1")), 100_002);
});

test("LastOutputs gives the alert the output of before", () => {
  const fixture = new EngineFixture({ rules: RULES });
  fixture.process("output a");
  const { event, verdict } = fixture.process("output b");
  const document = JSON.parse(documentOf(event, verdict));
  assert.equal(document.previous_log, "output a");
  assert.equal("frequency" in document.rule, false, "it is no search");
});

test("LastOutputs compares no output of 65,536 bytes", () => {
  const outputs = new LastOutputs();
  outputs.changedFrom("h", 1, "a");
  assert.equal(outputs.changedFrom("h", 1, "b".repeat(65_536)), null);
  assert.equal(outputs.changedFrom("h", 1, "b".repeat(65_535)), "a");
});

test("LastOutputs keeps a bounded number of outputs: those that did not change for longest go", () => {
  const outputs = new LastOutputs();
  for (let host = 0; host < OUTPUTS_MAX; host++) outputs.changedFrom(`h${host}`, 1, "a");
  outputs.changedFrom("h0", 1, "b");
  outputs.changedFrom("one more", 1, "a");
  assert.equal(outputs.size, OUTPUTS_MAX);
  assert.equal(outputs.changedFrom("h1", 1, "b"), null, "forgotten");
  assert.equal(outputs.changedFrom("h0", 1, "c"), "b");
});

test("LastOutputs keeps a bounded number of bytes", () => {
  const outputs = new LastOutputs();
  for (let host = 0; host < 500; host++) outputs.changedFrom(`h${host}`, 1, `${host}${"x".repeat(60_000)}`);
  assert(outputs.bytes <= OUTPUTS_BYTES_MAX && outputs.bytes > OUTPUTS_BYTES_MAX - 61_000);
  const bytes = outputs.snapshot().reduce((sum, [key, output]) => sum + key.length + output.length, 0);
  assert.equal(outputs.bytes, bytes);
  const restored = new LastOutputs();
  restored.restore(outputs.snapshot());
  assert.equal(restored.bytes, bytes);
});
