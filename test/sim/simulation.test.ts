/**
 * Goal: what is promised of events, keys, states and memory holds whatever happens to the manager, its disk, its network and its
 * agents, and a seed gives a run again. Method: whole managers in simulated worlds, fixed seeds; SIM_SEEDS=1000 runs so many more.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { simulate } from "./simulation.ts";

const SEEDS_FIXED = 24;
const STEPS = 40;
const more = Number(process.env["SIM_SEEDS"] ?? 0);

for (let seed = 1; seed <= SEEDS_FIXED + more; seed++) {
  test(`simulate() breaks no promise with seed ${seed}`, async () => {
    const { events, faults } = await simulate({ seed, steps: STEPS });
    assert.deepEqual(faults, [], `node test/sim/run.ts --seed ${seed} --steps ${STEPS} --trace`);
    assert(events > 0);
  });
}

test("simulate() gives the same run for the same seed", async () => {
  const options = { seed: 1, steps: STEPS };
  assert.deepEqual(await simulate(options), await simulate(options));
});
