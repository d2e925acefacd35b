/**
 * Goal: counts start again with the local hour, and `ignore` windows run as live and as in the log test. Method: moments chosen at the
 * edges, in a zone whose hours begin at half past.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EngineFixture } from "#analysis/engine.fixture.ts";

process.env["TZ"] = "Asia/Kolkata";

const RULES = `
  <rule id="100001" level="3"><match>event</match><description>base</description></rule>
  <rule id="100002" level="7" ignore="10"><if_sid>100001</if_sid><match>loud</match><description>loud</description></rule>
  <rule id="100003" level="7" ignore="10" noalert="0"><match>alone</match><description>alone</description></rule>
  <rule id="100004" level="0"><match>silent</match><options>log_alert</options><description>above</description></rule>
  <rule id="100005" level="7" ignore="10"><if_sid>100004</if_sid><description>x</description></rule>`;
const HOUR_MS = 3_600_000;
const HOUR_START_MS = Date.UTC(2026, 10, 21, 6, 30);

function firedTimes(fixture: EngineFixture, ms: number): number | undefined {
  return fixture.process("event", { receivedMs: ms }).verdict?.firedTimes;
}

test("RuleCounters counts from one, this time included, and starts again with the hour", () => {
  const fixture = new EngineFixture({ rules: RULES });
  const at = (ms: number) => firedTimes(fixture, HOUR_START_MS + ms);
  assert.deepEqual([0, 1, HOUR_MS - 1].map(at), [1, 2, 3]);
  assert.deepEqual([HOUR_MS, HOUR_MS + 5].map(at), [1, 2]);
  assert.deepEqual([25 * HOUR_MS].map(at), [1], "the same hour of another day");
});

test("RuleCounters counts the rule that an event ends at, at level 0 too, and none above it", () => {
  const fixture = new EngineFixture({ rules: RULES });
  const times = (message: string) => fixture.process(message).verdict?.firedTimes;
  assert.equal(times("loud event"), 1);
  assert.equal(times("event"), 1, "the parent's own first time");
  assert.equal(times("event"), 2);
});

type Step = readonly [seconds: number, message: string];

/** What each step alerts with, and what it ends at. */
function run(mode: "live" | "session", steps: readonly Step[]): (readonly [number | null, number | null])[] {
  const fixture = new EngineFixture({ rules: RULES }, { mode });
  return steps.map(([seconds, message]) => {
    const receivedMs = HOUR_START_MS + seconds * 1000;
    const { verdict, alert } = fixture.process(message, { receivedMs });
    return [verdict?.rule.id ?? null, alert ? (verdict?.rule.id ?? null) : null];
  });
}

test("RuleCounters gives a repeated event to the parent for as long as the window is open", () => {
  const outcome = run("live", [
    [0, "loud event"],
    [5, "loud event"],
    [9.9, "loud event"],
    [10, "loud event"],
    [19, "loud event"],
    [20, "loud event"],
  ]);
  const [own, parent] = [
    [100_002, 100_002],
    [100_001, 100_001],
  ];
  // Outside the window an event opens the next one.
  assert.deepEqual(outcome, [own, parent, parent, own, parent, own]);
});

test("RuleCounters leaves nothing of a repeated event whose rule stands below a template or a rule of level 0", () => {
  assert.deepEqual(
    run("live", [
      [0, "alone"],
      [1, "alone"],
    ]),
    [
      [100_003, 100_003],
      [1, null],
    ],
  );
  assert.deepEqual(
    run("live", [
      [0, "silent"],
      [1, "silent"],
    ]),
    [
      [100_005, 100_005],
      [100_004, null],
    ],
  );
});

test("RuleCounters shows a repeated event in a session without an alert, and closes the window after it", () => {
  const outcome = run("session", [
    [0, "loud event"],
    [9, "loud event"],
    [10, "loud event"],
    [11, "loud event"],
    [12, "loud event"],
  ]);
  const [alert, ignored] = [
    [100_002, 100_002],
    [100_002, null],
  ];
  // The event at 10 s closes the window, so that the one at 11 s opens another.
  assert.deepEqual(outcome, [alert, ignored, alert, alert, ignored]);
});

test("RuleCounters lets an ignored event show the count of the parent without counting it", () => {
  const fixture = new EngineFixture({ rules: RULES });
  fixture.process("event");
  fixture.process("loud event");
  const { verdict } = fixture.process("loud event");
  assert.equal(verdict?.rule.id, 100_001);
  assert.equal(verdict.firedTimes, 1);
});
