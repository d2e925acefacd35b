/**
 * Goal: whatever happens to nodes, disks, connections and agents, all nodes come to say the same of every agent, every request has one end, and nothing is
 * left over. Method: whole nodes in simulated worlds, fixed seeds; SIM_SEEDS=1000 runs so many more, SIM_SEED=7 that one with its trace.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { simulateFleet } from "./cluster-fleet.ts";

const SEEDS_FIXED = 20;
const STEPS = 30;
const one = process.env["SIM_SEED"];
const more = Number(process.env["SIM_SEEDS"] ?? 0);
const seeds =
  one === undefined ? Array.from({ length: SEEDS_FIXED + more }, (_, index) => index + 1) : [Number(one)];

for (const seed of seeds) {
  test(`simulateFleet() brings all nodes to one word with seed ${seed}`, async () => {
    const { answered, agents, faults, trace } = await simulateFleet({ seed, steps: STEPS });
    if (one !== undefined) process.stdout.write(`${trace.join("\n")}\n`);
    assert.deepEqual(faults, [], `again: SIM_SEED=${seed} npm test sim/cluster-fleet`);
    assert(answered > 0 && agents > 0);
  });
}

test("simulateFleet() gives the same run for the same seed", async () => {
  const options = { seed: 1, steps: STEPS / 3 };
  assert.deepEqual(await simulateFleet(options), await simulateFleet(options));
});
