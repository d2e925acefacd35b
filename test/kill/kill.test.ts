/**
 * Goal: what a manager has accepted comes out exactly once, whenever it dies. Method: a kill of each kind, and every
 * output compared byte for byte with that of a manager that nobody killed. `kill.ts` does it as often as one likes.
 */
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { test } from "node:test";
import { KINDS, runKills } from "./kill-run.ts";

const SEEDS = 2 ** 32;

test("Manager loses no accepted event and writes none twice when it is killed", async (t) => {
  const seed = randomInt(SEEDS);
  t.diagnostic(`seed ${seed}`);
  const report = await runKills({ rounds: KINDS.length, seed }, () => {});
  assert.deepEqual(report.faults, [], `seed ${seed}`);
  assert.equal(report.resentLost, 0);
  assert(report.alerts > 0 && report.events >= report.alerts);
});
