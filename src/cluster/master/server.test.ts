/**
 * Goal: a worker of the peer cannot tell this master from its own, and a stranger gets nowhere. Method: the recorded exchanges and transcripts of
 * real nodes against a server on a fake network; limits and silence by hand.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { FakeConnection } from "#testing/network.ts";
import { fakeNeeds, RawNode, testNode } from "../fixture.ts";
import { CONNECTIONS_PER_ADDRESS_MAX, HELLO_DEADLINE_MS, KEEPALIVE_CHECK_PERIOD_MS } from "../limits.ts";
import { ok } from "../replies.ts";
import { type ConnectedWorker, MasterServer } from "./server.ts";

const VECTORS = new URL("../../../test/vectors/cluster/", import.meta.url);
type Exchange = { request: string; payload?: string; reply_command_field?: string; reply: string };
type Case = { case: string; exchange: Exchange[] };
const ERRORS: { peers: Record<string, Case[]> } = JSON.parse(
  readFileSync(new URL("errors.json", VECTORS), "utf8"),
);
type Frame = {
  dir: string;
  command_field: string;
  payload?: string;
  payload_hex?: string;
  frame_hex?: string;
};
const TRANSCRIPT: { frames: Frame[] } = JSON.parse(
  readFileSync(new URL("transcript_hello_integrity_4_14_7.json", VECTORS), "utf8"),
);

async function startMaster(nodeName = "em") {
  const needs = fakeNeeds();
  const left: string[] = [];
  const server = new MasterServer(testNode({ nodeName }), needs, {
    welcomed: ({ session }: ConnectedWorker) => {
      session.serve(
        new Map([
          ["syn_i_w_m_p", () => ok("True")],
          ["syn_i_w_m", () => ok(session.promiseFile()?.taskId ?? "")],
          ["syn_i_w_m_e", session.fileArrived],
        ]),
      );
    },
    left: ({ name }) => left.push(name),
  });
  await server.start();
  const connect = (address = "192.0.2.10") => {
    const connection = needs.network.connect(1516, address);
    const node = new RawNode((bytes) => connection.receive(bytes));
    return { connection, node, ask: asker(connection, node) };
  };
  return { needs, server, connect, left };
}

/** The reply's command field as it was on the wire, and its payload. */
function asker(connection: FakeConnection, node: RawNode) {
  let readTo = 0;
  return (command: string, payload: Buffer | string) => {
    node.send(command, payload);
    const wire = Buffer.concat(connection.sent.slice(readTo));
    readTo = connection.sent.length;
    const [answer] = node.read(wire);
    return { field: wire.toString("latin1", 8, 20), payload: answer?.payload ?? Buffer.alloc(0) };
  };
}

/** Tasks of others answer these; ids are random. */
const NOT_HERE = new Set(["get_nodes", "syn_a_w_m_p", "syn_i_w_m_p"]);

test("MasterServer answers what a real master answered", async () => {
  for (const { case: name, exchange } of ERRORS.peers["4.14.7"] ?? []) {
    if (name === "commands before hello" || name === "wrong key" || name === "permissions") continue;
    const { connect } = await startMaster();
    connect("192.0.2.77").ask("hello", "ew wazuh worker 4.14.7");
    const { ask } = connect();
    // The recorded strings of this case came on a connection that had said hello.
    if (exchange[0]?.request !== "hello") ask("hello", "tst wazuh worker 4.14.7");
    for (const { request, payload = "", reply_command_field, reply } of exchange) {
      if (NOT_HERE.has(request)) continue;
      const answer = ask(request, payload);
      assert.equal(answer.field, reply_command_field, `${name}: ${request}`);
      const isId = /^[0-9]+$/.test(reply);
      if (isId) assert.match(answer.payload.toString(), /^[0-9]+$/);
      else assert.equal(answer.payload.toString(), reply, `${name}: ${request} ${payload}`);
    }
  }
});

test("MasterServer goes through the recorded joining of a real worker", async () => {
  const { needs, server } = await startMaster("master-node");
  const connection = needs.network.connect(1516);
  const node = new RawNode(() => {});
  let readTo = 0;
  let taskId = "";
  let checked = 0;
  for (const [index, frame] of TRANSCRIPT.frames.entries()) {
    if (frame.dir !== "worker->master") continue;
    const recorded = TRANSCRIPT.frames[index + 1];
    if (frame.command_field.startsWith("ok")) continue; // answers to the master's own requests
    if (frame.command_field.startsWith("syn_i_w_m_e")) {
      const path = frame.payload?.split(" ")[1] ?? "";
      new RawNode((bytes) => connection.receive(bytes)).send("syn_i_w_m_e", `${taskId} ${path}`);
    } else connection.receive(Buffer.from(frame.frame_hex ?? "", "hex"));
    const wire = Buffer.concat(connection.sent.slice(readTo));
    readTo = connection.sent.length;
    const [answer] = node.read(wire);
    assert.equal(wire.toString("latin1", 8, 20), recorded?.command_field);
    if (frame.command_field.startsWith("syn_i_w_m -")) taskId = answer?.payload.toString() ?? "";
    else assert.equal(answer?.payload.toString(), recorded?.payload, frame.command_field);
    checked++;
  }
  assert(checked >= 7, `${checked} requests`);
  assert.equal(server.worker("worker1")?.version, "4.14.7");
  assert.deepEqual(needs.files.paths().length, 1);
});

test("MasterServer serves a stranger nothing but hello and echo, and closes it", async () => {
  const { connect, needs } = await startMaster();
  const { ask, connection } = connect();
  assert.equal(ask("echo", "x").payload.toString(), "x");
  assert.equal(ask("echo-c", "keepalive").field, "ok-m  ------");
  for (const command of ["new_file", "new_str", "syn_i_w_m_p", "get_nodes", "dapi"]) {
    assert.equal(ask(command, "").payload.toString(), `unknown command 'b'${command}''`);
  }
  needs.clock.advance(HELLO_DEADLINE_MS);
  assert(connection.ended);
  assert.deepEqual(needs.files.paths(), []);
});

test("MasterServer closes a connection with another key, and says so", async () => {
  const { connect, needs } = await startMaster();
  const { connection } = connect();
  connection.receive(
    Buffer.from(`00000001${"00000064"}${Buffer.from("hello ------").toString("hex")}`, "hex"),
  );
  connection.receive(Buffer.alloc(100, "A"));
  assert(connection.ended);
  assert.deepEqual(needs.log.texts("error"), [
    "[Worker] [Main] Error during handshake with incoming connection: Error 3025 - Could not decrypt message. ",
  ]);
});

test("MasterServer takes a name only while it is free, and a path never", async () => {
  const { connect, left, server, needs } = await startMaster();
  const first = connect();
  assert.equal(first.ask("hello", "w1 wazuh worker 4.14.7").payload.toString(), "Client w1 added");
  assert.match(first.ask("hello", "w2 wazuh worker 4.14.7").payload.toString(), /"code": 3028/);
  assert.match(
    connect("192.0.2.20").ask("hello", "w1 wazuh worker 4.14.7").payload.toString(),
    /"code": 3028/,
  );
  assert.match(
    connect("192.0.2.30").ask("hello", "em wazuh worker 4.14.7").payload.toString(),
    /"code": 3029/,
  );
  assert.deepEqual(needs.log.texts("warning"), [
    "[Worker] [Main] A node at 192.0.2.20 wants the name 'w1', but the worker at 192.0.2.10 has it.",
    "[Worker] [Main] A node at 192.0.2.30 wants the name 'em', but this master has it.",
  ]);
  assert.match(connect().ask("hello", "../.. wazuh worker 4.14.7").payload.toString(), /"code": 3060/);
  const refusal =
    "Internal error processing request 'b'hello'': Error 3028 - Worker node ID already exists: w1";
  assert(needs.log.texts("error").includes(`[Worker] [Main] ${refusal}`));
  first.connection.hangUp();
  assert.deepEqual(left, ["w1"]);
  assert.equal(server.worker("w1"), null);
  assert.equal(connect().ask("hello", "w1 wazuh worker 4.14.7").payload.toString(), "Client w1 added");
});

test("MasterServer takes ten connections of one address, without a byte for the eleventh", async () => {
  const { connect, needs } = await startMaster();
  const connections = Array.from({ length: CONNECTIONS_PER_ADDRESS_MAX }, () => connect());
  const eleventh = connect().connection;
  assert(eleventh.ended);
  assert.deepEqual(eleventh.sent, []);
  assert.deepEqual(needs.log.texts("warning"), [
    "[Worker] [Main] Too many connections from 192.0.2.10 (10), rejecting.",
  ]);
  assert.equal(connect("192.0.2.11").connection.ended, false);
  connections[0]?.connection.hangUp();
  assert.equal(connect().connection.ended, false);
});

test("MasterServer closes a worker without keepalives; other traffic does not count", async () => {
  const { connect, needs, server } = await startMaster();
  const silent = connect();
  const alive = connect();
  silent.ask("hello", "silent wazuh worker 4.14.7");
  alive.ask("hello", "alive wazuh worker 4.14.7");
  for (let minute = 0; minute < 3; minute++) {
    needs.clock.advance(KEEPALIVE_CHECK_PERIOD_MS);
    if (minute < 2) silent.ask("echo", "x");
    alive.ask("echo-c", "keepalive");
  }
  assert(silent.connection.ended);
  assert.equal(alive.connection.ended, false);
  assert.equal(server.lastKeepaliveMs("alive"), needs.clock.wallMs());
  const line = "No keep alives have been received from silent in the last minute. Disconnecting";
  assert(needs.log.texts("error").includes(`[Master] [Keep alive] ${line}`));
});

test("MasterServer lets everything go when it stops", async () => {
  const { connect, needs, server } = await startMaster();
  const { ask, connection } = connect();
  ask("hello", "w1 wazuh worker 4.14.7");
  connect();
  await server.stop();
  assert(connection.ended);
  assert.equal(needs.clock.pendingTimers, 0);
});
