/**
 * Goal: keys, rows, timestamps and folders tell one story, whoever changes the keys. Method: a real SQLite file in a temporary folder,
 * all other files in memory; the manager is stopped and started again on both.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import {
  ANY_ADDRESS,
  agentIdOf,
  type GroupName,
  parseAgentKey,
  parseAgentName,
  parseGroupName,
} from "#model/agent.ts";
import { FakeClock } from "#testing/clock.ts";
import { FakeFiles } from "#testing/files.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import { type NewRegistration, Registry, registryPaths } from "./registry.ts";

function setUp(t: TestContext, keys = "") {
  const folder = mkdtempSync(join(tmpdir(), "registry-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const files = new FakeFiles();
  const clock = new FakeClock(1_700_000_000_000);
  const log = new RecordingLog();
  const paths = { ...registryPaths("/home"), database: join(folder, "registry.db") };
  files.write(paths.keys, keys);
  const open = (): Registry => {
    const metrics = new RecordingMetrics();
    const registry = new Registry({ files, clock, log, metrics, paths });
    registry.start();
    return registry;
  };
  return { files, clock, log, paths, open };
}

function registration(name: string, groups: string[] = []): NewRegistration {
  const parsedName = parseAgentName(name);
  const key = parseAgentKey("k".repeat(64));
  assert(parsedName !== null && key !== null);
  return { id: null, name: parsedName, address: ANY_ADDRESS, key, groups: groups as GroupName[] };
}

function ids(registry: Registry): string[] {
  return registry.agents.list(null).map(({ id, name }) => `${id} ${name}`);
}

test("Registry.register() gives a key, a row with its groups, and a timestamp", async (t) => {
  const { open, clock, files, paths } = setUp(t);
  const registry = open();
  const registering = registry.register(registration("web-1", ["web", "db"]));
  clock.advance(0);
  const { id } = await registering;
  const row = registry.agents.find(id);
  assert.deepEqual(row?.groups, ["web", "db"]);
  assert.equal(row?.status, "never_connected");
  assert.equal(row?.registeredSeconds, 1_700_000_000);
  assert.match(files.text(paths.timestamps), /^001 web-1 any 2023-11-1\d \d\d:\d\d:\d\d\n$/);
  registry.stop();
  assert.equal(clock.pendingTimers, 0);
});

test("Registry.remove() leaves nothing of the agent behind", async (t) => {
  const { open, clock, files, paths } = setUp(t, "001 web-1 any k1\n002 web-2 any k2\n");
  files.write("/home/queue/diff/web-1/etc/passwd/last", "x");
  files.write("/home/queue/diff/web-10/keep", "x");
  files.write("/home/queue/rids/001", "0:1:");
  files.write(paths.timestamps, "001 web-1 any 2026-03-04 05:06:07\n002 web-2 any 2026-03-04 05:06:07\n");
  const registry = open();
  const removing = registry.remove([agentIdOf(1)], { purge: true });
  clock.advance(1000);
  await removing;
  assert.deepEqual(ids(registry), ["002 web-2"]);
  assert.equal(files.text(paths.timestamps), "002 web-2 any 2026-03-04 05:06:07\n");
  assert.deepEqual(files.paths(), [
    "/home/etc/client.keys",
    "/home/queue/agents-timestamp",
    "/home/queue/diff/web-10/keep",
  ]);
  registry.stop();
});

test("Registry.start() makes the rows agree with client.keys and marks everybody disconnected", (t) => {
  const { open, files, paths } = setUp(t, "001 one any k1\n002 two any k2\n003 three any k3\n");
  const before = open();
  before.agents.setStatus(agentIdOf(1), { status: "active", atSeconds: 5 });
  before.agents.setGroups(agentIdOf(1), ["web" as GroupName]);
  before.agents.setGroups(agentIdOf(2), ["db" as GroupName]);
  before.stop();

  files.write(paths.keys, "001 one 10.0.0.1 k1\n002 other any k2\n004 four any k4\n");
  files.write(paths.timestamps, "004 four any 2026-03-04 05:06:07\n");
  const after = open();
  assert.deepEqual(ids(after), ["001 one", "002 other", "004 four"]);
  const [one, other, four] = after.agents.list(null);
  assert.deepEqual(
    [one?.address, one?.status, one?.statusCode, one?.groups],
    ["10.0.0.1", "disconnected", 5, ["web"]],
  );
  assert.deepEqual([other?.status, other?.groups], ["never_connected", []], "another agent took the id");
  assert.equal(four?.registeredSeconds, new Date(2026, 2, 4, 5, 6, 7).getTime() / 1000);
  assert.equal(other?.registeredSeconds, null);
  after.stop();
});

test("Registry.start() gives no id out again and leaves nothing behind of agents whose lines went while it was stopped", async (t) => {
  const { open, clock, files, paths } = setUp(t);
  const before = open();
  for (const name of ["web-1", "web-2"]) {
    const registering = before.register(registration(name));
    clock.advance(0);
    await registering;
  }
  before.stop();
  const [first = ""] = files.text(paths.keys).split("\n");
  files.write(paths.keys, `${first}\n`);
  files.write("/home/queue/rids/002", "0:5:");
  open().stop();
  assert.equal(files.info("/home/queue/rids/002"), null);
  const registry = open(); // the row that knew the id is gone by now
  const registering = registry.register(registration("web-3"));
  clock.advance(0);
  assert.equal((await registering).id, "003");
  registry.stop();
});

test("Registry follows what others write into client.keys while it runs", (t) => {
  const { open, clock, files, paths } = setUp(t, "001 one any k1\n002 two any k2\n");
  files.write("/home/queue/rids/002", "0:1:");
  const registry = open();
  files.nowMs = 1;
  files.write(paths.keys, "001 one any k1\n003 three any k3\n");
  clock.advance(2000);
  assert.deepEqual(ids(registry), ["001 one", "003 three"]);
  assert.equal(files.info("/home/queue/rids/002"), null);
  registry.stop();
});

test("Registry keeps the registration time of an agent that enrols while others edit the file", async (t) => {
  const { open, clock, files, paths } = setUp(t, "001 one any k1\n");
  const registry = open();
  files.nowMs = 1;
  files.write(paths.keys, "001 one any k1\n009 nine any k9\n");
  const registering = registry.register(registration("two"));
  clock.advance(1500);
  const { id } = await registering;
  assert.equal(registry.agents.find(id)?.registeredSeconds, 1_700_000_001);
  registry.stop();
});

/** Another program holds the database, as tools do that look into it while they write. */
function lockDatabase(path: string): () => void {
  const other = new DatabaseSync(path);
  other.exec("BEGIN EXCLUSIVE");
  return () => {
    other.exec("COMMIT");
    other.close();
  };
}

test("Registry.register() keeps the key when the row cannot be written, and makes row and groups later", async (t) => {
  const { open, clock, files, paths, log } = setUp(t);
  const registry = open();
  let mended = 0;
  registry.onMended(() => mended++);
  const unlock = lockDatabase(paths.database);
  for (const name of ["one", "two"]) {
    const registering = registry.register(registration(name, ["web"]));
    clock.advance(0);
    await registering;
  }
  const removing = registry.remove([agentIdOf(2)], { purge: false });
  clock.advance(0);
  await removing;
  clock.advance(30_000);
  const key = "k".repeat(64);
  assert.equal(files.text(paths.keys), `001 one any ${key}\n002 !two any ${key}\n`);
  assert.deepEqual(ids(registry), []);
  assert.deepEqual([log.texts("error").length, mended, registry.settled], [1, 0, false], "said once");
  unlock();
  clock.advance(6000);
  assert.deepEqual(ids(registry), ["001 one"]);
  assert.deepEqual(registry.agents.groups(agentIdOf(1)), ["web"]);
  assert.deepEqual([mended, registry.settled], [1, true]);
  assert.match(log.texts("info").at(-1) ?? "", /^The agent registry is written again/);
  registry.stop();
});

test("Registry.start() serves while another program holds the database, and makes the rows agree later", (t) => {
  const { open, clock, files, paths } = setUp(t, "001 one any k1\n");
  const before = open();
  before.agents.setStatus(agentIdOf(1), { status: "active", atSeconds: 5 });
  before.stop();
  files.write(paths.keys, "001 one any k1\n002 two any k2\n");
  const unlock = lockDatabase(paths.database);
  const after = open();
  assert.deepEqual([after.keys.size, ids(after)], [2, ["001 one"]]);
  unlock();
  clock.advance(6000);
  assert.deepEqual(ids(after), ["001 one", "002 two"]);
  assert.equal(after.agents.find(agentIdOf(1))?.status, "disconnected");
  after.stop();
});

test("Registry.groups knows the folders of etc/shared and nothing outside", (t) => {
  const { open, files, paths } = setUp(t);
  files.makeDirectory(`${paths.sharedGroups}/web`);
  files.write(`${paths.sharedGroups}/ar.conf`, "");
  const registry = open();
  const exists = (name: string) => registry.groups.exists(name as GroupName);
  assert.equal(exists("web"), true);
  for (const name of ["db", "ar.conf", "..", ".", "../shared/web", "web/", "\0"])
    assert.equal(exists(name), false, name);
  assert.equal(parseGroupName(".."), null);
  registry.stop();
});
