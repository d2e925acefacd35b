/**
 * Goal: the worker joins a real master, keeps the connection alive and always comes back. Method: a raw master, what a recorded master sent, and our own
 * master over a wire.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { CodedError } from "#kernel/errors.ts";
import type { Connection, ConnectionHandler } from "#kernel/ports/network.ts";
import { FakeConnection } from "#testing/network.ts";
import { fakeNeeds, HOME, RawNode, settled, testNode, wireDialer } from "../fixture.ts";
import { KEEPALIVE_PERIOD_MS, RECONNECT_MS, REQUEST_TIMEOUT_MS } from "../limits.ts";
import { MasterServer } from "../master/server.ts";
import type { Dialer } from "../needs.ts";
import { type Handler, ok } from "../replies.ts";
import { WorkerClient } from "./client.ts";

type Frame = { dir: string; command_field: string; payload?: string; frame_hex?: string };
const TRANSCRIPT: { frames: Frame[] } = JSON.parse(
  readFileSync(
    new URL("../../../test/vectors/cluster/transcript_hello_integrity_4_14_7.json", import.meta.url),
    "utf8",
  ),
);
const WORKER = testNode({ nodeName: "worker1" });

function startWorker(dialer?: Dialer) {
  const needs = fakeNeeds();
  const connections: FakeConnection[] = [];
  const calls: string[] = [];
  const own: Dialer = {
    connect: (host, port, handler) => {
      const connection = new FakeConnection({ address: host, port });
      connection.attach(handler);
      connections.push(connection);
      return Promise.resolve(connection);
    },
  };
  const client = new WorkerClient(
    WORKER,
    { ...needs, dialer: dialer ?? own },
    {
      handlers: (session) =>
        new Map<string, Handler>([
          ["syn_m_c", () => ok(session.promiseFile()?.taskId ?? "")],
          ["syn_m_c_e", session.fileArrived],
        ]),
      joined: () => calls.push("joined"),
      left: () => calls.push("left"),
    },
  );
  client.start();
  return { needs, connections, calls, client };
}

/** What the worker has written on this connection since the last look. */
function watcher(connection: FakeConnection | undefined) {
  assert(connection !== undefined);
  const node = new RawNode((bytes) => connection.receive(bytes));
  let readTo = 0;
  const read = () => {
    const fresh = Buffer.concat(connection.sent.slice(readTo));
    readTo = connection.sent.length;
    return node.read(fresh);
  };
  return { node, read, connection };
}

async function joined() {
  const worker = startWorker();
  await settled();
  const { node, read, connection } = watcher(worker.connections[0]);
  const [hello] = read();
  node.send("ok", "Client worker1 added", hello?.counter);
  await settled();
  return { ...worker, node, read, connection, hello };
}

test("WorkerClient says the recorded hello and joins", async () => {
  const { hello, calls, needs, client } = await joined();
  assert.equal(hello?.command, "hello");
  assert.equal(hello?.payload.toString(), TRANSCRIPT.frames[0]?.payload);
  assert.deepEqual(calls, ["joined"]);
  assert(client.session !== null);
  assert(needs.log.texts("info").includes("[Worker worker1] [Main] Successfully connected to master."));
});

test("WorkerClient takes the file that a recorded master sent", async () => {
  const { connection, read, needs, node } = await joined();
  let taskId = "";
  let checked = 0;
  for (const [index, frame] of TRANSCRIPT.frames.entries()) {
    if (frame.dir !== "master->worker" || frame.command_field.startsWith("ok")) continue;
    const recorded = TRANSCRIPT.frames[index + 1];
    if (frame.command_field.startsWith("syn_m_c_e")) {
      node.send("syn_m_c_e", `${taskId} ${frame.payload?.split(" ")[1]}`);
    } else connection.receive(Buffer.from(frame.frame_hex ?? "", "hex"));
    const [answer] = read();
    assert.equal(answer?.command, "ok");
    if (frame.command_field.startsWith("syn_m_c -")) taskId = answer?.payload.toString() ?? "";
    else assert.equal(answer?.payload.toString(), recorded?.payload, frame.command_field);
    checked++;
  }
  assert(checked >= 5, `${checked} requests`);
  assert.equal(needs.files.paths().length, 1);
});

test("WorkerClient sends keepalives and gives up after two without an answer", async () => {
  const { needs, read, node, connection, calls } = await joined();
  needs.clock.advance(KEEPALIVE_PERIOD_MS);
  const [first] = read();
  assert.deepEqual([first?.command, first?.payload.toString()], ["echo-c", "keepalive"]);
  node.send("ok-m", "keepalive", first?.counter);
  await settled();
  const alive = "[Worker worker1] [Keep Alive] Successful response from master: keepalive";
  assert.equal(needs.log.texts("info").at(-1), alive);
  for (let minute = 0; minute < 2; minute++) {
    assert.equal(connection.ended, false);
    needs.clock.advance(KEEPALIVE_PERIOD_MS);
    needs.clock.advance(REQUEST_TIMEOUT_MS);
    await settled();
  }
  assert(connection.ended);
  assert.deepEqual(calls, ["joined", "left"]);
  const last = "[Worker worker1] [Keep Alive] Maximum number of failed keep alives reached. Disconnecting.";
  assert.equal(needs.log.texts("error").at(-1), last);
});

test("WorkerClient comes back after the connection was lost, with an empty scratch directory", async () => {
  const { needs, connection, connections, calls, client } = await joined();
  needs.files.write(`${HOME}/queue/cluster/worker1/left.zip`, "x");
  connection.hangUp();
  assert.deepEqual(calls, ["joined", "left"]);
  assert.equal(client.session, null);
  assert.deepEqual(needs.files.paths(), []);
  assert.equal(needs.log.texts("info").at(-1), "[Worker worker1] [Main] The master closed the connection");
  assert.deepEqual(needs.log.texts("error"), []);
  needs.clock.advance(RECONNECT_MS);
  await settled();
  assert.equal(connections.length, 2);
  client.stop();
  assert.equal(needs.clock.pendingTimers, 0);
});

test("WorkerClient says why it was refused and tries again", async () => {
  const { connections, needs, calls } = startWorker();
  await settled();
  const { node, read, connection } = watcher(connections[0]);
  node.send("err", "no", read()[0]?.counter);
  await settled();
  assert(connection.ended);
  assert.deepEqual(needs.log.texts("error"), [
    "[Worker worker1] [Main] Could not connect to master: Error 3000 - Cluster: no.",
  ]);
  assert.deepEqual(calls, []);
  needs.clock.advance(RECONNECT_MS);
  await settled();
  assert.equal(connections.length, 2);
});

test("WorkerClient says what it may be when the master closes the connection before its hello is answered", async () => {
  const { needs, connections, client } = startWorker();
  await settled();
  connections[0]?.hangUp();
  await settled();
  assert.deepEqual(needs.log.texts("error"), ["[Worker worker1] [Main] The master closed the connection"]);
  assert.deepEqual(needs.log.texts("warning"), [
    "[Worker worker1] [Main] It had not let this node in: look whether <key> is the same on both.",
  ]);
  client.stop();
});

test("WorkerClient tries again while nobody listens", async () => {
  let tries = 0;
  const { needs, client } = startWorker({
    connect: () => {
      tries++;
      return Promise.reject(new CodedError("connect_failed", "refused"));
    },
  });
  for (let round = 0; round < 3; round++) {
    await settled();
    needs.clock.advance(RECONNECT_MS);
  }
  await settled();
  assert.equal(tries, 4);
  const line = "[Worker worker1] [Main] Could not connect to master: refused. Trying again in 10 seconds.";
  assert.equal(needs.log.texts("error")[0], line);
  client.stop();
  assert.equal(needs.clock.pendingTimers, 0);
});

test("WorkerClient and MasterServer understand each other", async () => {
  const needs = fakeNeeds(9);
  let accept: ((connection: Connection) => ConnectionHandler) | null = null;
  const network = {
    ...needs.network,
    listen: (_: unknown, taken: (connection: Connection) => ConnectionHandler) => {
      accept = taken;
      return Promise.resolve({ local: { address: "", port: 1516 }, close: () => Promise.resolve() });
    },
    bindDatagrams: () => Promise.reject(new Error("no datagrams")),
  };
  const server = new MasterServer(testNode(), { ...needs, network }, { welcomed: () => {}, left: () => {} });
  await server.start();
  const dialer = wireDialer((connection) => {
    assert(accept !== null);
    return accept(connection);
  });
  const { client, calls } = startWorker(dialer);
  await settled();
  assert.deepEqual(calls, ["joined"]);
  const echoed = await server.worker("worker1")?.session.request("echo-m", "hi");
  assert.deepEqual(echoed, { kind: "ok", payload: Buffer.from("hi") });
  const string = await client.session?.sendString(Buffer.alloc(6_000_000, "s"));
  assert(string?.kind === "sent");
  assert.equal(server.worker("worker1")?.session.takeString(string.id)?.length, 6_000_000);
});
