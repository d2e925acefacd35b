/** Goal: a master and a worker work together over real sockets, real files and real threads. Method: both in this process, on the loopback. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import type { ClusterNode } from "#cluster/config.ts";
import { CHECK_PERIOD_MS } from "#cluster/integrity/times.ts";
import { MasterIntegrity } from "#cluster/master/integrity.ts";
import { MasterServer } from "#cluster/master/server.ts";
import type { AppliedArchive } from "#cluster/needs.ts";
import type { Session } from "#cluster/session.ts";
import { WorkerClient } from "#cluster/worker/client.ts";
import { WorkerIntegrity } from "#cluster/worker/integrity.ts";
import { SystemClock } from "#kernel/platform/clock.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { systemNetwork } from "#kernel/platform/network.ts";
import { systemRandom } from "#kernel/platform/random.ts";
import { Secret } from "#model/secret.ts";
import { FakeClock } from "#testing/clock.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import { systemDialer } from "./dialer.ts";
import { ClusterWork } from "./work.ts";

const LOOPBACK = "127.0.0.1";

function node(nodeName: string, port: number): ClusterNode {
  const home = mkdtempSync(join(tmpdir(), `${nodeName}-`));
  const key = new Secret("c98b62a9b6169ac5f67dae55ae4a9088");
  const common = { clusterName: "wazuh", version: "4.14.7", bindAddress: LOOPBACK, masterAddress: LOOPBACK };
  return { ...common, home, nodeName, key, port };
}

test("WorkerClient and MasterServer exchange strings and files over real sockets", async () => {
  const heavy = new ClusterWork(2);
  const log = new RecordingLog();
  const needs = {
    clock: new SystemClock(),
    random: systemRandom,
    files: systemFiles,
    network: systemNetwork,
    log,
    heavy,
    metrics: new RecordingMetrics(),
  };
  const masterNode = node("master-node", 0);
  const server = new MasterServer(masterNode, needs, { welcomed: () => {}, left: () => {} });
  await server.start();
  const port = Number(/Serving on .*, ([0-9]+)\)/.exec(log.texts("info")[0] ?? "")?.[1]);
  const workerNode = node("worker1", port);
  const { promise: joined, resolve } = Promise.withResolvers<Session>();
  const tasks = { handlers: () => new Map(), joined: resolve, left: () => {} };
  const client = new WorkerClient(workerNode, { ...needs, dialer: systemDialer }, tasks);
  client.start();
  const session = await joined;
  const masters = server.worker("worker1")?.session;
  assert(masters !== undefined);

  const string = await session.sendString(Buffer.alloc(7_000_000, "s"));
  assert(string.kind === "sent" && masters.takeString(string.id)?.length === 7_000_000);

  const content = systemRandom.bytes(11_000_000);
  writeFileSync(join(session.directory, "a.zip"), content);
  masters.serve(new Map([["syn_i_w_m_e", masters.fileArrived]]));
  const promised = masters.promiseFile();
  assert(promised !== null);
  assert.equal((await session.sendFile(join(session.directory, "a.zip"), promised.taskId)).kind, "sent");
  await session.request("syn_i_w_m_e", `${promised.taskId} queue/cluster/worker1/a.zip`);
  const outcome = await promised.outcome;
  assert(outcome.kind === "received" && readFileSync(outcome.path).equals(content));

  client.stop();
  await server.stop();
  await heavy.stop();
  for (const { home } of [masterNode, workerNode]) rmSync(home, { recursive: true });
  assert.deepEqual([...log.texts("error"), ...log.texts("warning")], []);
});

test("a worker becomes like its master on real disks, through real threads", async () => {
  const heavy = new ClusterWork(2);
  const log = new RecordingLog();
  const clock = new FakeClock(Date.UTC(2026, 0, 15));
  const system = { random: systemRandom, files: systemFiles, network: systemNetwork };
  const needs = { ...system, clock, log, heavy, metrics: new RecordingMetrics() };
  const masterNode = node("master-node", 0);
  const master = new MasterIntegrity(masterNode.home, needs);
  const server = new MasterServer(masterNode, needs, {
    welcomed: ({ name, session }) => session.serve(master.workerTask(name, session).handlers),
    left: () => {},
  });
  await server.start();
  const port = Number(/Serving on .*, ([0-9]+)\)/.exec(log.texts("info")[0] ?? "")?.[1]);
  const workerNode = node("worker1", port);
  const held = (home: string, path: string) => readFileSync(join(home, path), "utf8");
  const put = (home: string, path: string, content: string | Buffer) => {
    mkdirSync(dirname(join(home, path)), { recursive: true });
    writeFileSync(join(home, path), content);
  };
  put(masterNode.home, "etc/client.keys", "001 a any k");
  put(masterNode.home, "etc/rules/a b.xml", "rule");
  put(masterNode.home, "etc/lists/large", systemRandom.bytes(8_000_000));
  put(workerNode.home, "etc/rules/a b.xml", "old");
  put(workerNode.home, "etc/shared/gone/agent.conf", "old");
  await master.start();

  const applied = Promise.withResolvers<AppliedArchive | null>();
  const joined = Promise.withResolvers<void>();
  let integrity: WorkerIntegrity | null = null;
  const options = { home: workerNode.home, nodeName: "worker1", checked: applied.resolve };
  const tasks = {
    handlers: (session: Session) => {
      integrity = new WorkerIntegrity(options, session, needs);
      return integrity.handlers;
    },
    joined: () => {
      integrity?.start();
      joined.resolve();
    },
    left: () => integrity?.stop(),
  };
  const client = new WorkerClient(workerNode, { ...needs, dialer: systemDialer }, tasks);
  client.start();
  await joined.promise;
  clock.advance(CHECK_PERIOD_MS);
  const result = await applied.promise;
  assert.deepEqual([result?.created, result?.updated, result?.removed, result?.problems], [2, 1, 1, []]);
  assert.equal(held(workerNode.home, "etc/rules/a b.xml"), "rule");
  assert.equal(held(workerNode.home, "etc/client.keys"), "001 a any k");
  assert.equal(statSync(join(workerNode.home, "etc/client.keys")).mode & 0o777, 0o640);
  assert(readFileSync(join(workerNode.home, "etc/lists/large")).length === 8_000_000);
  assert.equal(existsSync(join(workerNode.home, "etc/shared/gone")), false);

  client.stop();
  master.stop();
  await server.stop();
  await heavy.stop();
  for (const { home } of [masterNode, workerNode]) rmSync(home, { recursive: true });
  assert.deepEqual([...log.texts("error"), ...log.texts("warning")], []);
});

test("systemDialer says why nobody answers", async () => {
  const handler = { data: () => {}, closed: () => {} };
  await assert.rejects(systemDialer.connect(LOOPBACK, 1, handler), {
    code: "connect_failed",
    message: /ECONNREFUSED/,
  });
});

test("workers of both families join a master on every address", async () => {
  const heavy = new ClusterWork(1);
  const cases = [
    ["0.0.0.0", "127.0.0.1", "127.0.0.1"],
    ["::", "::1", "::1"],
    ["::", "127.0.0.1", "127.0.0.1"],
    ["::1", "::1", "::1"],
  ] as const;
  for (const [bindAddress, masterAddress, seen] of cases) {
    const log = new RecordingLog();
    const needs = { clock: new SystemClock(), random: systemRandom, files: systemFiles, log, heavy };
    const all = { ...needs, network: systemNetwork, metrics: new RecordingMetrics() };
    const masterNode = { ...node("master-node", 0), bindAddress };
    const server = new MasterServer(masterNode, all, { welcomed: () => {}, left: () => {} });
    await server.start();
    const port = Number(/Serving on .*, ([0-9]+)\)/.exec(log.texts("info")[0] ?? "")?.[1]);
    const workerNode = { ...node("worker1", port), masterAddress };
    const { promise: joined, resolve } = Promise.withResolvers<Session>();
    const tasks = { handlers: () => new Map(), joined: resolve, left: () => {} };
    const client = new WorkerClient(workerNode, { ...all, dialer: systemDialer }, tasks);
    client.start();
    await joined;
    assert.equal(server.worker("worker1")?.address, seen, bindAddress);
    client.stop();
    await server.stop();
    for (const { home } of [masterNode, workerNode]) rmSync(home, { recursive: true });
  }
  await heavy.stop();
});
