/** Goal: the registry knows of an agent what its connection told. Method: updates as the connection service gives them, a real SQLite file. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type AgentName, agentIdOf } from "#model/agent.ts";
import { AgentStore } from "#registry/agent-store.ts";
import { FakeClock } from "#testing/clock.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import { applyAgentUpdate, ofKnownAgents } from "./agent-updates.ts";

const NAMES = { hostname: "manager", nodeName: "node01" };
const ID = agentIdOf(1);

function setUp(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "agent-updates-"));
  const needs = { clock: new FakeClock(), log: new RecordingLog(), metrics: new RecordingMetrics() };
  const agents = new AgentStore({ path: join(folder, "registry.db"), ...needs });
  agents.upsert({ id: ID, name: "web-1" as AgentName, address: "any", registeredSeconds: 1 });
  t.after(() => {
    agents.close();
    rmSync(folder, { recursive: true });
  });
  const shared = { connected: () => {}, keepalive: () => "synced" as const, sameKeepalive: () => {} };
  const startup = (version: string | null) => {
    const update = { kind: "startup", agentId: ID, atMs: 5000, version, peerAddress: "10.0.0.1" } as const;
    applyAgentUpdate({ agents, shared }, update, NAMES);
    return agents.find(ID);
  };
  const same = (): void =>
    applyAgentUpdate(
      { agents, shared },
      { kind: "keepalive", agentId: ID, atMs: 9000, keepalive: null },
      NAMES,
    );
  return { agents, startup, same };
}

test("applyAgentUpdate() keeps the version that a startup states, as keepalives write it", (t) => {
  const { startup } = setUp(t);
  const agent = startup("v4.14.7");
  assert.deepEqual([agent?.status, agent?.info?.version], ["pending", "Wazuh v4.14.7"]);
});

test("applyAgentUpdate() keeps no version that is absent or none", (t) => {
  const { startup } = setUp(t);
  for (const version of [null, "", "4", "x v4.14.7", "v4.14"]) assert.equal(startup(version)?.info, null);
  startup("v4.9.2");
  assert.equal(startup(null)?.info?.version, "Wazuh v4.9.2");
});

test("applyAgentUpdate() says with every word of an agent that it is connected here", (t) => {
  const { agents, startup, same } = setUp(t);
  const nodeName = () => agents.find(ID)?.info?.nodeName;
  const elsewhere = () => agents.sync.apply({ kind: "keepalive", id: ID }, { nodeName: "w1", nowSeconds: 6 });
  startup("v4.14.7");
  assert.equal(nodeName(), "node01");
  assert(elsewhere());
  assert.equal(nodeName(), "w1");
  same();
  assert.equal(nodeName(), "node01");
  assert(elsewhere());
  startup("v4.14.7");
  assert.equal(nodeName(), "node01");
});

test("ofKnownAgents() leaves out what is said of agents whose keys are gone", () => {
  const started = { kind: "service_started", atMs: 1 } as const;
  const shutdown = (id: number) => ({ kind: "shutdown", agentId: agentIdOf(id), atMs: 1 }) as const;
  const updates = [started, shutdown(1), shutdown(2)];
  assert.deepEqual(
    ofKnownAgents(updates, (id) => id === ID),
    [started, shutdown(1)],
  );
});
