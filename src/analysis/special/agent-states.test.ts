/** Goal: memory for all agents is bounded and the one that was silent for longest goes. Method: three agents and a small limit. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AgentStates } from "./agent-states.ts";

function states() {
  return new AgentStates(10, () => ({ weight: 0 }));
}

test("AgentStates forgets the agent that was used longest ago, never the one in use", () => {
  const agents = states();
  const weigh = (agentId: string, weight: number) =>
    agents.with(agentId, (state) => {
      state.weight = weight;
    });
  weigh("001", 4);
  weigh("002", 4);
  weigh("001", 5);
  weigh("003", 3);
  assert.deepEqual(
    [...agents.entries()].map(([agentId]) => agentId),
    ["001", "003"],
  );
  assert.equal(agents.weight, 8);
  weigh("004", 100);
  assert.deepEqual(
    [...agents.entries()].map(([agentId]) => agentId),
    ["004"],
  );
  assert.equal(agents.forgotten, 3);
});

test("AgentStates keeps nothing of an agent that has no weight", () => {
  const agents = states();
  agents.with("001", (state) => {
    state.weight = 2;
  });
  agents.with("001", (state) => {
    state.weight = 0;
  });
  assert.equal([...agents.entries()].length, 0);
  assert.equal(agents.weight, 0);
});
