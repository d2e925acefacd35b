/** Goal: programs written for the peer's local socket find themselves at home. Method: recorded frames, byte for byte where they do not vary. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { MessageReader } from "#formats/wire/cluster/frame.ts";
import { FakeLocalSockets } from "#testing/local-sockets.ts";
import { fakeNeeds, HOME, settled } from "../fixture.ts";
import { KEEPALIVE_CHECK_PERIOD_MS, LOCAL_CLIENTS_MAX, OUTPUT_BYTES_MAX } from "../limits.ts";
import { type Handler, ok } from "../replies.ts";
import { LocalServer } from "./server.ts";

type Recorded = {
  request_frame_hex: string;
  request: string;
  frames_received: { counter_is_ours: boolean; command_field: string; payload: string }[];
};
const VECTORS = new URL("../../../test/vectors/cluster/", import.meta.url);
const LOCAL: { nodes: Record<string, Recorded[]> } = JSON.parse(
  readFileSync(new URL("local_socket.json", VECTORS), "utf8"),
);
const SOCKET = `${HOME}/queue/cluster/c-internal.sock`;

async function start() {
  const needs = { ...fakeNeeds(), localSockets: new FakeLocalSockets() };
  const server = new LocalServer(HOME, needs, (client) => {
    return new Map<string, Handler>([
      ["whoami", () => ok(client.id)],
      ["sendsync", () => null],
    ]);
  });
  await server.start();
  return { needs, server, connect: () => needs.localSockets.connect(SOCKET) };
}

function header(command: string, counter: number): Buffer {
  const bytes = Buffer.alloc(20);
  bytes.writeUInt32BE(counter, 0);
  bytes.write(`${command} `.padEnd(12, "-"), 8, "latin1");
  return bytes;
}

test("LocalServer answers keepalives and unknown commands as recorded", async () => {
  const { connect } = await start();
  const client = connect();
  let checked = 0;
  for (const { request_frame_hex, request, frames_received } of LOCAL.nodes["worker"] ?? []) {
    if (request !== "echo-c" && request !== "foo") continue;
    client.receive(Buffer.from(request_frame_hex, "hex"));
    const answer = client.sent.at(-1) ?? Buffer.alloc(0);
    const [recorded] = frames_received;
    assert.equal(answer.readUInt32BE(0), 100, "the counter of the request");
    assert.equal(answer.toString("latin1", 8, 20), recorded?.command_field);
    assert.equal(answer.toString("latin1", 20), recorded?.payload);
    checked++;
  }
  assert.equal(checked, 2);
});

test("LocalServer gives each client an id and its own later requests", async () => {
  const { connect, server } = await start();
  const client = connect();
  client.receive(header("whoami", 5));
  const id = client.sentBytes.toString("latin1", 20);
  assert.match(id, /^[0-9]{1,7}$/);
  client.receive(header("sendsync", 6));
  assert.equal(client.sent.length, 1, "no answer to the request itself");
  const outcome = server.client(id)?.request("ok", Buffer.from("later"));
  const later = client.sent[1] ?? Buffer.alloc(0);
  assert.equal(later.toString("latin1", 8), "ok ---------later");
  const answer = header("ok", later.readUInt32BE(0));
  client.receive(answer);
  assert.equal((await outcome)?.kind, "ok");
  client.hangUp();
  assert.equal(server.client(id), null);
});

test("LocalServer sends a client a string part by part", async () => {
  const { connect, server } = await start();
  const client = connect();
  client.receive(header("whoami", 5));
  const reader = new MessageReader({ isAdmitted: true });
  let readTo = 0;
  const next = () => {
    for (; readTo < client.sent.length; readTo++) reader.push(client.sent[readTo] ?? Buffer.alloc(0));
    const found = reader.next();
    return found?.kind === "message" ? found.message : null;
  };
  const id = next()?.payload.toString() ?? "";
  const outcome = server.client(id)?.sendString(Buffer.from("a long answer"));
  const begun = next();
  assert.deepEqual([begun?.command, begun?.payload.toString()], ["new_str", "13"]);
  const grant = header("ok", begun?.counter ?? 0);
  grant.writeUInt32BE(2, 4);
  client.receive(Buffer.concat([grant, Buffer.from("42")]));
  await settled();
  const part = next();
  assert.equal(part?.payload.toString(), "42 a long answer");
  client.receive(header("ok", part?.counter ?? 0));
  assert.deepEqual(await outcome, { kind: "sent", id: "42" });
});

test("LocalServer closes silent clients and bounds their number", async () => {
  const { connect, needs, server } = await start();
  const clients = Array.from({ length: LOCAL_CLIENTS_MAX }, () => connect());
  assert(connect().ended);
  for (let minute = 0; minute < 3; minute++) needs.clock.advance(KEEPALIVE_CHECK_PERIOD_MS);
  assert(clients.every(({ ended }) => ended));
  await server.stop();
  assert.equal(needs.clock.pendingTimers, 0);
});

test("LocalServer reads nothing more of a client that does not read its answers", async () => {
  const { connect } = await start();
  const client = connect();
  client.pendingBytes = OUTPUT_BYTES_MAX + 1;
  client.receive(header("whoami", 1));
  client.receive(header("whoami", 2));
  assert(client.paused);
  assert.equal(client.sent.length, 0);
  client.drain();
  assert.equal(client.sent.length, 2);
  assert(!client.paused);
});
