/** Goal: a test passes exactly when its expectations come true. Method: one event or a few against a small rule set, right and wrong. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Expectation, RuleTest } from "./rule-test.ts";
import { compiledRuleset, doorLog } from "./ruleset.fixture.ts";
import { runTest } from "./run.ts";

const ruleset = compiledRuleset();
const NOW_MS = 1_700_000_000_000;
const NO_EXPECTATION: Expectation = {
  none: false,
  rule: null,
  level: null,
  decoder: null,
  alert: null,
  groups: [],
  fields: new Map(),
};

function ruleTest(message: string, expected: Partial<Expectation>, mustFail = false): RuleTest {
  const expectation = { ...NO_EXPECTATION, ...expected };
  return {
    name: "t",
    position: { file: "t", line: 1, column: 1 },
    startMs: null,
    events: [{ atMs: 0, location: "stdin", message, expectation }],
    mustFail,
  };
}

/** `field: expected / got` of each difference. */
function outcome(message: string, expected: Partial<Expectation>, mustFail = false): string[] {
  return runTest(ruleset, ruleTest(message, expected, mustFail), NOW_MS).failures.flatMap(({ differences }) =>
    differences.map(({ field, expected: wanted, got }) => `${field}: ${wanted} / ${got}`),
  );
}

test("runTest() passes what comes true", () => {
  const expected = {
    rule: "100",
    level: "3",
    decoder: "door",
    alert: true,
    groups: ["in", "pci_dss_1.1"],
    fields: new Map([
      ["person.name", "ada"],
      ["srcip", null],
    ]),
  };
  assert.deepEqual(outcome(doorLog("opened by ada"), expected), []);
  assert.deepEqual(outcome("nothing", { none: true, alert: false }), []);
  assert.deepEqual(outcome(doorLog("slammed by ada"), { rule: "102", level: "0", alert: false }), []);
});

test("runTest() names each field that differs", () => {
  const expected = {
    rule: "101",
    level: "7",
    decoder: "gate",
    alert: false,
    groups: ["out"],
    fields: new Map([
      ["person.name", "eve"],
      ["action", null],
      ["srcip", "192.0.2.1"],
    ]),
  };
  assert.deepEqual(outcome(doorLog("opened by ada"), expected), [
    "rule: 101 / 100",
    "level: 7 / 3",
    "decoder: gate / door",
    "alert: false / true",
    "groups: out among them / syslog, in, pci_dss_1.1",
    "fields.person.name: eve / ada",
    "fields.action: nothing / opened",
    "fields.srcip: 192.0.2.1 / nothing",
  ]);
  assert.deepEqual(outcome("nothing", { rule: "101" }), ["rule: 101 / nothing"]);
  assert.deepEqual(outcome(doorLog("slammed by ada"), { none: true }), ["rule: nothing / 102"]);
});

test("runTest() never passes an empty expectation", () => {
  assert.equal(outcome("nothing", { rule: "" }).length, 1);
  assert.equal(outcome("nothing", { decoder: "" }).length, 1);
  assert.deepEqual(outcome("nothing", { rule: "" }, true), []);
});

test("runTest() turns the verdict round for tests that must fail", () => {
  assert.deepEqual(outcome(doorLog("opened by ada"), { rule: "101" }, true), []);
  assert.deepEqual(outcome(doorLog("opened by ada"), { rule: "100" }, true), [
    "rule, level, decoder: another result / rule 100",
  ]);
});

test("runTest() gives each test a session of its own and events their times", () => {
  const opened = (atMs: number, rule: string) => ({
    atMs,
    location: "stdin",
    message: doorLog("opened by ada"),
    expectation: { ...NO_EXPECTATION, rule },
  });
  const inTime = { ...ruleTest("", {}), events: [opened(0, "100"), opened(0, "100"), opened(60_000, "103")] };
  const late = { ...ruleTest("", {}), events: [opened(0, "100"), opened(0, "100"), opened(61_000, "103")] };
  assert.deepEqual(runTest(ruleset, inTime, NOW_MS).failures, []);
  assert.deepEqual(runTest(ruleset, inTime, NOW_MS).failures, [], "the second run starts afresh");
  const [failure, ...others] = runTest(ruleset, late, NOW_MS).failures;
  assert.deepEqual(others, []);
  assert.equal(failure?.event, 3);
});
