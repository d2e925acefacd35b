/**
 * Goal: rows keep what was written, batches cost one commit, and an older or newer file is met as it should be.
 * Method: a real SQLite file in a temporary folder; a second connection sees what is committed; time is a fake clock.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { CodedError } from "#kernel/errors.ts";
import { type AgentId, type AgentName, agentIdOf, type GroupName } from "#model/agent.ts";
import { FakeClock } from "#testing/clock.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import { type AgentInfo, STATUS_CODE_RESET } from "./agent-record.ts";
import { AgentStore } from "./agent-store.ts";

const INFO: AgentInfo = {
  os: {
    name: "Ubuntu",
    version: "24.04.1 LTS",
    major: "24",
    minor: "04",
    codename: "Noble Numbat",
    build: "",
    platform: "ubuntu",
    uname: "Linux |web-1 |6.8.0 |#1 SMP |x86_64",
    arch: "x86_64",
  },
  version: "Wazuh v4.14.7",
  configSum: "ab73af41699f13fdd81903b5f23d8d00",
  mergedSum: "x",
  managerHost: "manager01",
  nodeName: "node01",
  agentAddress: "10.0.0.5",
  labels: [
    { key: '!"secret"', value: "caf\u00c3\u00a9 'quoted' --" },
    { key: '#"_wazuh_version"', value: "" },
  ],
};

function setUp(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "registry-"));
  const path = join(folder, "registry.db");
  const clock = new FakeClock();
  const log = new RecordingLog();
  const store = new AgentStore({ path, clock, log, metrics: new RecordingMetrics() });
  t.after(() => {
    store.close();
    rmSync(folder, { recursive: true });
  });
  return { path, clock, log, store };
}

function add(store: AgentStore, idNumber: number, name = `agent-${idNumber}`): AgentId {
  const id = agentIdOf(idNumber);
  store.upsert({ id, name: name as AgentName, address: "any", registeredSeconds: 1_700_000_000 });
  return id;
}

test("AgentStore gives a new agent the state of one that never connected", (t) => {
  const { store } = setUp(t);
  const id = add(store, 7);
  assert.deepEqual(store.find(id), {
    id: "007",
    name: "agent-7",
    address: "any",
    registeredSeconds: 1_700_000_000,
    groups: [],
    status: "never_connected",
    statusCode: 0,
    lastKeepaliveSeconds: null,
    disconnectionSeconds: 0,
    info: null,
    syncStatus: "synced",
    groupConfigStatus: "not synced",
  });
  assert.equal(store.find(agentIdOf(8)), null);
  assert.deepEqual(store.groups(agentIdOf(8)), []);
});

test("AgentStore keeps what a keepalive tells, and the groups in their order", (t) => {
  const { store } = setUp(t);
  const id = add(store, 1);
  const groups = ["web", "default", "db"] as GroupName[];
  store.setGroups(id, groups);
  store.applyKeepalive({
    id,
    atSeconds: 1_700_000_100,
    info: INFO,
    groupConfigStatus: "synced",
  });
  const record = store.find(id);
  assert.deepEqual(record?.info, INFO);
  assert.deepEqual(record?.groups, groups);
  assert.deepEqual(store.groups(id), groups);
  assert.equal(record?.status, "active");
  assert.equal(record?.lastKeepaliveSeconds, 1_700_000_100);
  assert.equal(record?.syncStatus, "syncreq");
  assert.equal(record?.groupConfigStatus, "synced");
});

test("AgentStore.setVersion() tells the version alone, and leaves what a keepalive told before", (t) => {
  const { store } = setUp(t);
  const [fresh, known] = [add(store, 1), add(store, 2)];
  const keepalive = { atSeconds: 1, info: INFO, groupConfigStatus: "synced" } as const;
  store.applyKeepalive({ id: known, ...keepalive });
  for (const id of [fresh, known]) store.setVersion(id, "Wazuh v4.15.0");
  assert.deepEqual(store.find(known)?.info, { ...INFO, version: "Wazuh v4.15.0" });
  const info = store.find(fresh)?.info;
  assert.equal(info?.version, "Wazuh v4.15.0");
  assert.deepEqual([info?.os.platform, info?.agentAddress, info?.labels], ["", "", []]);
  store.applyKeepalive({ id: fresh, ...keepalive });
  assert.deepEqual(store.find(fresh)?.info, INFO);
});

test("AgentStore.upsert() changes name and address of a known agent and nothing else", (t) => {
  const { store } = setUp(t);
  const id = add(store, 1);
  store.setStatus(id, { status: "active", atSeconds: 5 });
  store.upsert({ id, name: "other" as AgentName, address: "10.0.0.0/8", registeredSeconds: null });
  const record = store.find(id);
  assert.equal(record?.name, "other");
  assert.equal(record?.address, "10.0.0.0/8");
  assert.equal(record?.registeredSeconds, 1_700_000_000);
  assert.equal(record?.status, "active");
});

test("AgentStore.setStatus() follows the states of a connection", (t) => {
  const { store } = setUp(t);
  const id = add(store, 1);
  const state = () => {
    const record = store.find(id);
    return [
      record?.status,
      record?.statusCode,
      record?.lastKeepaliveSeconds,
      record?.disconnectionSeconds,
      record?.syncStatus,
    ];
  };
  store.setStatus(id, { status: "refused", statusCode: 1 });
  assert.deepEqual(state(), ["never_connected", 1, null, 0, "syncreq_status"]);
  store.setStatus(id, { status: "pending", atSeconds: 10 });
  assert.deepEqual(state(), ["pending", 0, 10, 0, "syncreq_status"]);
  store.setStatus(id, { status: "disconnected", statusCode: 3, atSeconds: 20 });
  assert.deepEqual(state(), ["disconnected", 3, 10, 20, "syncreq_status"]);
  store.setStatus(id, { status: "active", atSeconds: 30 });
  assert.deepEqual(state(), ["active", 0, 30, 0, "syncreq_keepalive"]);
});

test("AgentStore.resetConnections() disconnects who was connected and leaves the others as they were", (t) => {
  const { store } = setUp(t);
  const [never, pending, active, gone] = [1, 2, 3, 4].map((idNumber) => add(store, idNumber));
  assert(never && pending && active && gone);
  store.setStatus(pending, { status: "pending", atSeconds: 10 });
  store.setStatus(active, { status: "active", atSeconds: 10 });
  store.setStatus(gone, { status: "disconnected", statusCode: 3, atSeconds: 20 });
  store.resetConnections(99);
  const codes = store
    .list(null)
    .map((record) => [record.status, record.statusCode, record.disconnectionSeconds]);
  assert.deepEqual(codes, [
    ["never_connected", 0, 0],
    ["disconnected", STATUS_CODE_RESET, 99],
    ["disconnected", STATUS_CODE_RESET, 99],
    ["disconnected", 3, 20],
  ]);
});

test("AgentStore.list() pages in the order of numbers, not of texts", (t) => {
  const { store } = setUp(t);
  for (const idNumber of [1000, 2, 10_000, 999, 10]) add(store, idNumber);
  const ids = (after: AgentId | null) => store.list(after).map((record) => record.id);
  assert.deepEqual(ids(null), ["002", "010", "999", "1000", "10000"]);
  assert.deepEqual(ids(agentIdOf(999)), ["1000", "10000"]);
  store.remove(agentIdOf(999));
  assert.deepEqual(ids(agentIdOf(10)), ["1000", "10000"]);
});

test("AgentStore.groupLists() counts the agents of each list, setGroupConfigStatus() changes nothing else", (t) => {
  const { store } = setUp(t);
  const lists: readonly string[][] = [["web"], ["web", "db"], [], ["web"]];
  for (const [index, groups] of lists.entries()) {
    const id = add(store, index + 1);
    if (groups.length > 0) store.setGroups(id, groups as GroupName[]);
  }
  const counted = store.groupLists().map(({ groups, agents }) => `${groups.join(",")}:${agents}`);
  assert.deepEqual(counted.sort(), [":1", "web,db:1", "web:2"]);
  const before = store.find(agentIdOf(1));
  store.setGroupConfigStatus(agentIdOf(1), "synced");
  assert.deepEqual(store.find(agentIdOf(1)), {
    ...before,
    groupConfigStatus: "synced",
    syncStatus: "syncreq",
  });
});

test("AgentStore.activeByNode() counts active agents only, each where it reports", (t) => {
  const { store } = setUp(t);
  for (const [index, [nodeName, status]] of (
    [
      ["m", "active"],
      ["w", "active"],
      ["w", "active"],
      ["w", "pending"],
    ] as const
  ).entries()) {
    const id = add(store, index + 1);
    store.applyKeepalive({ id, atSeconds: 1, info: { ...INFO, nodeName }, groupConfigStatus: "synced" });
    if (status === "pending") store.setStatus(id, { status, atSeconds: 2 });
  }
  assert.deepEqual(
    [...store.activeByNode()],
    [
      ["m", 1],
      ["w", 2],
    ],
  );
});

test("AgentStore commits a batch after a moment, so that other processes see it", (t) => {
  const { store, path, clock } = setUp(t);
  const reader = new DatabaseSync(path, { readOnly: true });
  const seen = () => reader.prepare("SELECT count(*) AS rows FROM agent").get()?.["rows"];
  for (let idNumber = 1; idNumber <= 100; idNumber++) add(store, idNumber);
  assert.equal(store.list(null).length, 100, "the writer sees its own rows at once");
  assert.equal(seen(), 0);
  clock.advance(50);
  assert.equal(seen(), 100);
  add(store, 101);
  store.flush();
  assert.equal(seen(), 101);
  assert.equal(clock.pendingTimers, 0);
  reader.close();
});

test("AgentStore says when it cannot write, and mends itself when it can again", (t) => {
  const { store, path, log, clock } = setUp(t);
  const other = new DatabaseSync(path);
  other.exec("BEGIN IMMEDIATE");
  assert.throws(() => add(store, 1), { code: "registry_write_failed" });
  other.exec("COMMIT");
  other.close();
  assert.match(log.texts("error")[0] ?? "", /^Unable to write the agent registry: /);
  assert.equal(store.takeLostWrites(), false, "it is not tried again so soon");
  clock.advance(5000);
  assert.equal(store.takeLostWrites(), true);
  assert.equal(store.takeLostWrites(), false);
  add(store, 1);
  clock.advance(50);
  assert.equal(store.find(agentIdOf(1))?.name, "agent-1");
});

test("AgentStore tries a locked database now and then, waits no longer for it, and says so once a minute", (t) => {
  const { store, path, log, clock } = setUp(t);
  const other = new DatabaseSync(path);
  other.exec("BEGIN EXCLUSIVE");
  const beganMs = performance.now();
  for (let tries = 0; tries < 1000; tries++)
    assert.throws(() => add(store, tries + 1), { code: "registry_write_failed" });
  assert(performance.now() - beganMs < 2000, "one wait for the lock, not a thousand");
  for (let seconds = 0; seconds < 60; seconds += 20) {
    clock.advance(20_000);
    assert.equal(store.takeLostWrites(), false);
  }
  assert.deepEqual(
    log.texts("error").map((text) => text.replace(/^.*locked/, "locked")),
    ["locked", "locked (1002 such since the last line)"],
  );
  assert.equal(store.list(null).length, 0, "it is read all the same");
  other.exec("COMMIT");
  other.close();
  clock.advance(5000);
  add(store, 1);
  clock.advance(50);
  assert.deepEqual(log.texts("info"), ["The agent registry is written again."]);
  assert.equal(store.takeLostWrites(), true);
});

/** A file system of its own that is small; null where this user may not mount one. */
function smallFileSystem(t: TestContext): string | null {
  const folder = mkdtempSync(join(tmpdir(), "registry-small-"));
  const { status } = spawnSync("mount", ["-t", "tmpfs", "-o", "size=512k", "tmpfs", folder], {
    stdio: "ignore",
  });
  t.after(() => {
    if (status === 0) spawnSync("umount", ["-l", folder]);
    rmSync(folder, { recursive: true });
  });
  return status === 0 ? folder : null;
}

test("AgentStore goes on after a full disk with what had been committed, and writes again when there is room", (t) => {
  const folder = smallFileSystem(t);
  if (folder === null) return t.skip("SKIPPED: needs the right to mount a file system");
  const clock = new FakeClock();
  const log = new RecordingLog();
  const needs = { clock, log, metrics: new RecordingMetrics() };
  const store = new AgentStore({ path: join(folder, "registry.db"), ...needs });
  add(store, 1);
  store.flush();
  const ballast = join(folder, "ballast");
  assert.throws(() => writeFileSync(ballast, Buffer.alloc(1_048_576)), { code: "ENOSPC" });
  for (let number = 2; number < 200; number++) {
    try {
      add(store, number);
      clock.advance(100);
    } catch (error) {
      assert(error instanceof CodedError && error.code === "registry_write_failed");
    }
  }
  assert.match(log.texts("error")[0] ?? "", /full|disk I\/O error/);
  assert.equal(log.texts("error").length, 1);
  assert.equal(store.find(agentIdOf(1))?.name, "agent-1");
  rmSync(ballast);
  clock.advance(10_000);
  add(store, 300);
  clock.advance(2000);
  assert.equal(store.find(agentIdOf(300))?.name, "agent-300");
  assert.equal(log.texts("info").at(-1), "The agent registry is written again.");
  store.close();
});

test("AgentStore opens its own file again and refuses one of a newer program", (t) => {
  const { store, path, clock, log } = setUp(t);
  const options = { path, clock, log, metrics: new RecordingMetrics() };
  add(store, 1);
  store.flush();
  const again = new AgentStore(options);
  assert.equal(again.list(null).length, 1);
  again.close();

  const other = new DatabaseSync(path);
  other.exec("PRAGMA user_version = 99");
  other.close();
  assert.throws(() => new AgentStore(options), { code: "registry_too_new" });
});

test("AgentStore refuses a file that is no database, and a row that makes no sense", (t) => {
  const { store, path, clock, log } = setUp(t);
  const metrics = new RecordingMetrics();
  assert.throws(() => new AgentStore({ path: tmpdir(), clock, log, metrics }), { code: "registry_unusable" });
  const id = add(store, 1);
  store.flush();
  const other = new DatabaseSync(path);
  for (const change of ["status = 'x'", "groups = '../..'", "status_code = 9", "sync_status = ''"]) {
    other.exec(`UPDATE agent SET ${change}`);
    assert.throws(() => store.find(id), { code: "registry_damaged" }, change);
    other.exec("UPDATE agent SET status = 'active', groups = '', status_code = 0, sync_status = 'synced'");
  }
  for (const labels of ["{", "{}", "[1]", '[["a",1]]']) {
    other.prepare("UPDATE agent SET version = 'v', os_name = '', labels = ?").run(labels);
    assert.throws(() => store.find(id), { code: "registry_damaged" }, labels);
  }
  other.exec("DROP TABLE agent");
  other.close();
  assert.throws(() => store.find(id), { code: "registry_read_failed" });
});
