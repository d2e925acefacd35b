/** Goal: only agents that had their time to come back are removed. Method: rows of a real SQLite file, a fake clock. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { CodedError } from "#kernel/errors.ts";
import { type AgentName, agentIdOf } from "#model/agent.ts";
import { AgentStore } from "#registry/agent-store.ts";
import { FakeClock } from "#testing/clock.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import { OldAgents, type OldAgentsConfig } from "./old-agents.ts";

const NOW_SECONDS = 1_700_000_000;
const DISCONNECTION_SECONDS = 900;
const CONFIG: OldAgentsConfig = {
  afterSeconds: 3600,
  disconnectionSeconds: DISCONNECTION_SECONDS,
  purge: true,
  tells: true,
};

function setUp(t: TestContext, changes: Partial<OldAgentsConfig> = {}) {
  const folder = mkdtempSync(join(tmpdir(), "old-agents-"));
  const clock = new FakeClock(NOW_SECONDS * 1000);
  const log = new RecordingLog();
  const metrics = new RecordingMetrics();
  const agents = new AgentStore({ path: join(folder, "registry.db"), clock, log, metrics });
  const removed: string[] = [];
  const told: string[] = [];
  const refusal: { error: CodedError | null } = { error: null };
  const needs = {
    clock,
    log,
    metrics,
    agents,
    remove: (ids: readonly string[], { purge }: { readonly purge: boolean }) => {
      removed.push(...ids.map((id) => `${id} ${purge}`));
      return refusal.error === null ? Promise.resolve() : Promise.reject(refusal.error);
    },
    tell: (location: string, message: string) => told.push(`${location}:${message}`),
  };
  const watch = new OldAgents({ ...CONFIG, ...changes }, needs);
  t.after(() => {
    watch.stop();
    agents.close();
    rmSync(folder, { recursive: true });
  });
  /** An agent whose last keepalive and disconnection were so long ago. */
  const add = (number: number, keepaliveAgo: number | null, disconnectedAgo: number | null): void => {
    const id = agentIdOf(number);
    const name = `agent-${number}` as AgentName;
    agents.upsert({ id, name, address: "any", registeredSeconds: 1 });
    const ago = (seconds: number) => ({ atSeconds: NOW_SECONDS - seconds }) as const;
    if (keepaliveAgo !== null) agents.setStatus(id, { status: "active", ...ago(keepaliveAgo) });
    if (disconnectedAgo !== null)
      agents.setStatus(id, { status: "disconnected", statusCode: 4, ...ago(disconnectedAgo) });
  };
  return { add, clock, log, removed, told, refusal };
}

test("OldAgents removes who is disconnected and silent for long, and tells of each", (t) => {
  const { add, clock, removed, told } = setUp(t);
  add(1, 9000, 8000);
  add(2, 9000, null); // active for the registry
  add(3, null, null); // never connected
  add(4, 9000, 60); // marked at the start of the manager
  add(5, 60, 60);
  clock.advance(DISCONNECTION_SECONDS * 1000);
  assert.deepEqual(removed, [], "not in the first while");
  clock.advance(60_000);
  assert.deepEqual(removed, ["001 true"]);
  assert.deepEqual(told, ["wazuh-monitord:ossec: Agent removed: 'agent-1-any'."]);
});

test("OldAgents removes an agent when its time has passed, and tells of none where that is not wanted", (t) => {
  const { add, clock, removed, told } = setUp(t, { tells: false, purge: false });
  add(1, 900, 0);
  clock.advance(3600_000);
  assert.deepEqual(removed, []);
  clock.advance(60_000);
  assert.deepEqual(removed, ["001 false"]);
  assert.deepEqual(told, []);
});

test("OldAgents says when client.keys could not be written", async (t) => {
  const { add, clock, log, refusal } = setUp(t);
  refusal.error = new CodedError("file_disk_full", "no space");
  add(1, 9000, 8000);
  clock.advance(960_000);
  await Promise.resolve();
  assert.deepEqual(log.texts("error"), ["Old agents stay in client.keys for now: no space"]);
});
