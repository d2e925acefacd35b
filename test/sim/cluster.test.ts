/**
 * Goal: after whatever happens to nodes, disks and the network, workers become like their master, and nothing is left over. Method: whole nodes in
 * simulated worlds, fixed seeds; SIM_SEEDS=1000 runs so many more, SIM_SEED=7 that one with its trace.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { simulateCluster } from "./cluster-simulation.ts";

const SEEDS_FIXED = 20;
const STEPS = 30;
const one = process.env["SIM_SEED"];
const more = Number(process.env["SIM_SEEDS"] ?? 0);
const seeds =
  one === undefined ? Array.from({ length: SEEDS_FIXED + more }, (_, index) => index + 1) : [Number(one)];

for (const seed of seeds) {
  test(`simulateCluster() makes all nodes alike with seed ${seed}`, async () => {
    const { faults, files, trace } = await simulateCluster({ seed, steps: STEPS });
    if (one !== undefined) process.stdout.write(`${trace.join("\n")}\n`);
    assert.deepEqual(faults, [], `again: SIM_SEED=${seed} npm test sim/cluster`);
    assert(files > 0);
  });
}

test("simulateCluster() gives the same run for the same seed", async () => {
  const options = { seed: 1, steps: STEPS };
  assert.deepEqual(await simulateCluster(options), await simulateCluster(options));
});
