/**
 * Goal: each change is told once, to whom it must be told, and another node's word changes only what it may. Method: a real SQLite file in a temporary folder,
 * also one of the format before.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { type AgentName, agentIdOf, type GroupName } from "#model/agent.ts";
import { FakeClock } from "#testing/clock.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import type { AgentInfo } from "./agent-record.ts";
import { AgentStore } from "./agent-store.ts";
import type { AgentReport } from "./agent-sync.ts";

const OS = {
  name: "Debian",
  version: "12",
  major: "12",
  minor: "",
  codename: "",
  build: "",
  platform: "debian",
  uname: "Linux",
  arch: "x86_64",
};
const INFO: AgentInfo = {
  os: OS,
  version: "Wazuh v4.14.7",
  configSum: "",
  mergedSum: "",
  managerHost: "m",
  nodeName: "w1",
  agentAddress: "10.0.0.5",
  labels: [],
};
const NODE = { nodeName: "w1", nowSeconds: 1000 };

function setUp(t: TestContext, agents = 3) {
  const folder = mkdtempSync(join(tmpdir(), "agent-sync-"));
  const path = join(folder, "registry.db");
  const needs = { clock: new FakeClock(), log: new RecordingLog(), metrics: new RecordingMetrics() };
  const store = new AgentStore({ path, ...needs });
  for (let id = 1; id <= agents; id++) {
    store.upsert({ id: agentIdOf(id), name: `a${id}-` as AgentName, address: "any", registeredSeconds: 1 });
  }
  t.after(() => {
    store.close();
    rmSync(folder, { recursive: true });
  });
  return { store, sync: store.sync, path };
}

function keepalive(store: AgentStore, id: number, atSeconds = 10, nodeName = "w1"): void {
  const info = { ...INFO, nodeName };
  store.applyKeepalive({ id: agentIdOf(id), atSeconds, info, groupConfigStatus: "synced" });
}

function fullOf(store: AgentStore, number: number): Extract<AgentReport, { kind: "full" }> {
  const row = store.find(agentIdOf(number));
  assert(row?.info && row.lastKeepaliveSeconds !== null);
  const { id, info, status, statusCode, lastKeepaliveSeconds, disconnectionSeconds, groupConfigStatus } = row;
  const state = { status, statusCode, lastKeepaliveSeconds, disconnectionSeconds, groupConfigStatus };
  return { kind: "full", id, info, ...state };
}

const ids = (records: readonly { readonly id: string }[]) => records.map(({ id }) => id);

test("AgentSync tells each change once, the whole agent before its state", (t) => {
  const { store, sync } = setUp(t);
  keepalive(store, 1);
  store.setStatus(agentIdOf(1), { status: "disconnected", statusCode: 3, atSeconds: 20 });
  store.setStatus(agentIdOf(2), { status: "active", atSeconds: 20 });
  store.setStatus(agentIdOf(3), { status: "active", atSeconds: 20 });
  store.setStatus(agentIdOf(3), { status: "disconnected", statusCode: 4, atSeconds: 30 });
  assert.deepEqual(ids(sync.takeOwed("syncreq", 10)), ["001"]);
  assert.deepEqual(ids(sync.takeOwed("syncreq_keepalive", 10)), ["002"]);
  assert.deepEqual(ids(sync.takeOwed("syncreq_status", 10)), ["003"]);
  for (const kind of ["syncreq", "syncreq_keepalive", "syncreq_status"] as const) {
    assert.deepEqual(sync.takeOwed(kind, 10), []);
  }
  sync.owe([agentIdOf(2), agentIdOf(3)]);
  assert.deepEqual(ids(sync.takeOwed("syncreq", 1)), ["002"]);
  assert.deepEqual(ids(sync.takeOwed("syncreq", 10)), ["003"]);
});

test("AgentSync.apply() takes of a node what it can know", (t) => {
  const { store, sync } = setUp(t);
  const id = agentIdOf(1);
  const gone = {
    kind: "status",
    id,
    status: "disconnected",
    statusCode: 4,
    disconnectionSeconds: 9,
  } as const;
  const whole: AgentReport = {
    ...gone,
    kind: "full",
    info: { ...INFO, nodeName: "w9" },
    status: "active",
    statusCode: 0,
    lastKeepaliveSeconds: 2000,
    groupConfigStatus: "synced",
  };
  assert(sync.apply(whole, NODE));
  assert.deepEqual([store.find(id)?.info?.nodeName, store.find(id)?.lastKeepaliveSeconds], ["w1", 1000]);
  assert(sync.apply({ kind: "keepalive", id }, { nodeName: "w2", nowSeconds: 1001 }));
  assert.equal(sync.apply(gone, NODE), false, "it went to another node");
  assert.equal(sync.apply({ ...whole, status: "disconnected" }, NODE), false);
  assert.equal(store.find(id)?.status, "active");
  assert(sync.apply(gone, { nodeName: "w2", nowSeconds: 1002 }));
  assert.deepEqual([store.find(id)?.status, store.find(id)?.info?.nodeName], ["disconnected", "w2"]);
  assert.equal(sync.apply({ kind: "keepalive", id: agentIdOf(99) }, NODE), false);
  assert.deepEqual(sync.takeOwed("syncreq", 10), [], "what came from a worker is owed to nobody");
});

test("AgentSync.apply() lets no node say what was so before the agent went elsewhere", (t) => {
  const { store, sync } = setUp(t);
  const id = agentIdOf(1);
  const told = (nodeName: string, version: string, lastKeepaliveSeconds: number, isThere: boolean): boolean =>
    sync.apply(
      {
        ...{ kind: "full", id, status: isThere ? "active" : "disconnected", statusCode: 0 },
        ...{ lastKeepaliveSeconds, disconnectionSeconds: 0, groupConfigStatus: "synced" },
        info: { ...INFO, os: { ...OS, version } },
      },
      { nodeName, nowSeconds: 1000 },
    );
  const seen = () => {
    const row = store.find(id);
    return [row?.status, row?.info?.nodeName, row?.info?.os.version];
  };
  assert(told("w2", "2", 200, true));
  assert.equal(told("w1", "1", 100, true), false, "it was cut off and still sees the agent");
  assert.equal(told("w1", "1", 100, false), false);
  assert.deepEqual(seen(), ["active", "w2", "2"]);
  assert(told("w3", "3", 300, false), "the agent came and went before the master heard of it");
  assert.deepEqual(seen(), ["disconnected", "w3", "3"]);
  const lost = {
    kind: "status",
    id,
    status: "disconnected",
    statusCode: 4,
    disconnectionSeconds: 9,
  } as const;
  assert.equal(sync.apply(lost, { nodeName: "w2", nowSeconds: 1001 }), false, "another one has said so");
  assert.deepEqual(seen(), ["disconnected", "w3", "3"]);
  // What the master has heard itself counts alike.
  keepalive(store, 2, 500, "master");
  assert.equal(sync.apply({ ...fullOf(store, 2), lastKeepaliveSeconds: 499 }, NODE), false);
});

test("AgentSync owes keepalives that have waited with their time", (t) => {
  const { store, sync } = setUp(t);
  store.setStatus(agentIdOf(1), { status: "active", atSeconds: 100 });
  store.setStatus(agentIdOf(2), { status: "active", atSeconds: 120 });
  store.setStatus(agentIdOf(3), { status: "pending", atSeconds: 100 });
  sync.oweOldKeepalives(140);
  assert.deepEqual(ids(sync.takeOwed("syncreq", 10)), ["001"]);
  assert.deepEqual(ids(sync.takeOwed("syncreq_keepalive", 10)), ["002"]);
  assert.deepEqual(ids(sync.takeOwed("syncreq_status", 10)), ["003"]);
});

test("AgentSync.disconnectSilent() disconnects silent agents of other nodes, page by page", (t) => {
  const { store, sync } = setUp(t, 1200);
  for (let id = 1; id <= 1200; id += 2)
    keepalive(store, id, id === 5 ? 900 : 10, id % 4 === 1 ? "w1" : "master");
  store.setStatus(agentIdOf(9), { status: "disconnected", statusCode: 3, atSeconds: 11 });
  const look = { ownName: "master", silentSinceSeconds: 500, nowSeconds: 1000, limit: 100 };
  let count = 0;
  let pages = 0;
  for (let after: ReturnType<typeof agentIdOf> | null = null; ; pages++) {
    const { disconnected, next } = sync.disconnectSilent(after, look);
    count += disconnected;
    if (next === null) break;
    after = next;
  }
  assert.deepEqual([count, pages], [298, 12]);
  const of = (id: number) => [store.find(agentIdOf(id))?.status, store.find(agentIdOf(id))?.statusCode];
  assert.deepEqual([1, 3, 5, 9].map(of), [
    ["disconnected", 4],
    ["active", 0],
    ["active", 0],
    ["disconnected", 3],
  ]);
  assert.equal(store.find(agentIdOf(1))?.disconnectionSeconds, 1000);
});

test("AgentSync tells changed groups once, and what the master said is told to nobody", (t) => {
  const { store, sync } = setUp(t);
  const groups = ["web", "db"] as GroupName[];
  store.setGroups(agentIdOf(2), groups);
  assert.deepEqual(sync.takeOwedGroups(10), [{ id: "002", name: "a2-", groups }]);
  assert.deepEqual(sync.takeOwedGroups(10), []);
  assert(sync.applyGroups(agentIdOf(3), groups));
  assert.equal(sync.applyGroups(agentIdOf(4), groups), false);
  assert.deepEqual(sync.takeOwedGroups(10), []);
  assert.deepEqual(ids(sync.groupsAfter(agentIdOf(1), 10)), ["002", "003"]);
  assert.deepEqual(sync.groupListsAfter(null, 2), { lists: ["", "web,db"], next: "002" });
  assert.deepEqual(sync.groupListsAfter(agentIdOf(2), 2), { lists: ["web,db"], next: null });
});

test("a row that is damaged does not keep the others from being told", (t) => {
  const { store, sync, path } = setUp(t);
  for (const id of [1, 2]) keepalive(store, id);
  store.flush();
  const other = new DatabaseSync(path);
  other.exec("UPDATE agent SET labels = 'x' WHERE id = '001'");
  other.close();
  assert.deepEqual(ids(sync.takeOwed("syncreq", 10)), ["002"]);
});

test("a file of the format before owes everything that it knows", (t) => {
  const { store, path } = setUp(t);
  keepalive(store, 1);
  store.setGroups(agentIdOf(2), ["web"] as GroupName[]);
  store.close();
  const old = new DatabaseSync(path);
  old.exec(`UPDATE agent SET sync_status = 'synced'; DROP INDEX agent_to_tell; DROP INDEX agent_groups_to_tell;
    ALTER TABLE agent DROP COLUMN group_sync_status; ALTER TABLE agent DROP COLUMN info_time; PRAGMA user_version = 1;`);
  old.close();
  const needs = { clock: new FakeClock(), log: new RecordingLog(), metrics: new RecordingMetrics() };
  const again = new AgentStore({ path, ...needs });
  assert.deepEqual(ids(again.sync.takeOwed("syncreq", 10)), ["001"]);
  assert.deepEqual(ids(again.sync.takeOwedGroups(10)), ["002"]);
  again.close();
  Object.assign(store, { close: () => {} });
});
