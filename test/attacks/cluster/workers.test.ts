/** Goal: a worker survives masters that come and go, move, and lie. Method: masters that are only sockets; a dialer that says where it was sent. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FRAME_DEADLINE_MS, KEEPALIVE_PERIOD_MS, RECONNECT_MS, REQUEST_TIMEOUT_MS } from "#cluster/limits.ts";
import type { Dialer } from "#cluster/needs.ts";
import { WorkerClient } from "#cluster/worker/client.ts";
import { CodedError } from "#kernel/errors.ts";
import type { Connection, ConnectionHandler } from "#kernel/ports/network.ts";
import { Secret } from "#model/secret.ts";
import { FakeClock } from "#testing/clock.ts";
import { FakeFiles } from "#testing/files.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import { FakeConnection } from "#testing/network.ts";
import { SeededRandom } from "#testing/random.ts";
import { frame, KEY, sealed } from "./fake-node.ts";

const HELLO_COUNTER_OFFSET = 0;

/** `reach`: what becomes of an attempt to connect; null for nobody there. */
function lonelyWorker(reach: () => FakeConnection | null) {
  const dialled: string[] = [];
  const random = new SeededRandom(1);
  const dialer: Dialer = {
    connect: (host: string, _port: number, handler: ConnectionHandler): Promise<Connection> => {
      dialled.push(host);
      const connection = reach();
      if (connection === null) return Promise.reject(new CodedError("connect_failed", "nobody"));
      connection.attach(handler);
      return Promise.resolve(connection);
    },
  };
  const needs = {
    clock: new FakeClock(),
    random: { bytes: (count: number) => random.bytes(count), below: (bound: number) => random.below(bound) },
    log: new RecordingLog(),
    files: new FakeFiles(),
    heavy: { run: () => Promise.reject(new CodedError("cluster_work_failed", "none here")) },
    metrics: new RecordingMetrics(),
    dialer,
  };
  const node = { home: "/home", clusterName: "wazuh", nodeName: "w1", version: "4.14.7", port: 1516 };
  const where = { bindAddress: "0.0.0.0", masterAddress: "master.example", key: new Secret(KEY) };
  const tasks = { handlers: () => new Map(), joined: () => {}, left: () => {} };
  const client = new WorkerClient({ ...node, ...where }, needs, tasks);
  client.start();
  return { client, needs, dialled };
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}

test("a worker asks for the master's address anew at each attempt", async () => {
  const { needs, dialled, client } = lonelyWorker(() => null);
  for (let attempt = 1; attempt <= 5; attempt++) {
    await settled();
    assert.deepEqual(dialled, Array(attempt).fill("master.example"));
    needs.clock.advance(RECONNECT_MS);
  }
  client.stop();
  await settled();
  assert.equal(needs.clock.pendingTimers, 0);
});

test("a master that takes the connection and says nothing is given up", async () => {
  const connection = new FakeConnection({ address: "192.0.2.1", port: 1516 });
  const { needs, client } = lonelyWorker(() => connection);
  await settled();
  needs.clock.advance(REQUEST_TIMEOUT_MS);
  await settled();
  assert(connection.ended && client.session === null);
  client.stop();
});

test("a master with another key, huge frames, or one byte a second is given up", async () => {
  const hello = Buffer.from("Client w1 added");
  const answers: readonly ((counter: number) => Buffer)[] = [
    (counter) => frame(counter, "ok", sealed(hello, { key: "x".repeat(32) })),
    (counter) => frame(counter, "ok", hello, { bytes: 0xffff_ffff }),
    (counter) => frame(counter, "ok", hello, { bytes: 1000 }),
  ];
  for (const answer of answers) {
    const connection = new FakeConnection({ address: "192.0.2.1", port: 1516 });
    const { needs, client } = lonelyWorker(() => connection);
    await settled();
    connection.receive(answer(connection.sentBytes.readUInt32BE(HELLO_COUNTER_OFFSET)));
    needs.clock.advance(FRAME_DEADLINE_MS);
    await settled();
    assert(connection.ended);
    client.stop();
  }
});

test("a master that is gone without a word is given up after two keepalives", async () => {
  const connection = new FakeConnection({ address: "192.0.2.1", port: 1516 });
  const { needs, client } = lonelyWorker(() => connection);
  await settled();
  const counter = connection.sentBytes.readUInt32BE(HELLO_COUNTER_OFFSET);
  connection.receive(frame(counter, "ok", sealed(Buffer.from("Client w1 added"))));
  await settled();
  assert(client.session !== null);
  for (let second = 0; second < 2 * KEEPALIVE_PERIOD_MS + REQUEST_TIMEOUT_MS; second += 1000) {
    needs.clock.advance(1000);
    await settled();
  }
  assert(connection.ended && client.session === null);
  client.stop();
});
