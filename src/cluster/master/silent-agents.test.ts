/** Goal: agents of a worker that fell silent do not stay connected for ever. Method: a registry that tells of them page by page, a clock that tests move. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type AgentId, agentIdOf } from "#model/agent.ts";
import type { SilentAgents } from "#registry/agent-sync.ts";
import { fakeNeeds, settled } from "../fixture.ts";
import { KEEPALIVE_CHECK_PERIOD_MS } from "../limits.ts";
import { SilentAgentsCheck } from "./silent-agents.ts";

test("SilentAgentsCheck goes through all agents every minute, and says how many it disconnected", async () => {
  const needs = fakeNeeds();
  const looks: (readonly [AgentId | null, SilentAgents])[] = [];
  const agents = {
    disconnectSilent: (after: AgentId | null, look: SilentAgents) => {
      looks.push([after, look]);
      return { disconnected: 2, next: after === null ? agentIdOf(200) : null };
    },
  };
  const check = new SilentAgentsCheck({ ownName: "em", disconnectionSeconds: 600, agents }, needs);
  check.start();
  needs.clock.advance(KEEPALIVE_CHECK_PERIOD_MS);
  await settled();
  assert.deepEqual(
    looks.map(([after]) => after),
    [null, "200"],
  );
  const { ownName, nowSeconds = 0, silentSinceSeconds = 0 } = looks[0]?.[1] ?? {};
  assert.deepEqual([ownName, nowSeconds - silentSinceSeconds], ["em", 600]);
  const said = "[Master] [Keep alive] 4 agents of other nodes have fallen silent and are disconnected.";
  assert.deepEqual(needs.log.texts("info"), [said]);
  needs.clock.advance(KEEPALIVE_CHECK_PERIOD_MS);
  await settled();
  assert.equal(looks.length, 4);
  check.stop();
  assert.equal(needs.clock.pendingTimers, 0);
});
