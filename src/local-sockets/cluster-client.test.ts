/** Goal: whatever the cluster daemon does, the command line gets one answer in bounded time. Method: the daemon's own local server, and one that lies. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeNeeds } from "#cluster/fixture.ts";
import { type LocalClient, LocalServer } from "#cluster/local/server.ts";
import { type Handler, ok, refused } from "#cluster/replies.ts";
import { clusterError, writeException } from "#formats/wire/cluster/exceptions.ts";
import { encodeMessage } from "#formats/wire/cluster/frame.ts";
import { FakeLocalSockets } from "#testing/local-sockets.ts";
import { askCluster } from "./cluster-client.ts";

const HOME = "/home";
const path = `${HOME}/queue/cluster/c-internal.sock`;

async function daemon(commands: (client: LocalClient) => readonly (readonly [string, Handler])[]) {
  const localSockets = new FakeLocalSockets();
  const needs = { ...fakeNeeds(), localSockets };
  const server = new LocalServer(HOME, needs, (client) => new Map(commands(client)));
  await server.start();
  return { localSockets, clock: needs.clock, path };
}

test("askCluster() gives an answer, an exception, and the text of an unknown command", async () => {
  const needs = await daemon(() => [
    ["get_config", () => ok('{"a": 1}')],
    ["get_nodes", () => refused(clusterError(3023))],
  ]);
  const answer = await askCluster(needs, "get_config");
  assert(answer.kind === "ok" && answer.payload.toString() === '{"a": 1}');
  const refusal = await askCluster(needs, "get_nodes", "{}");
  assert(refusal.kind === "failed" && refusal.error.code === 3023);
  const unknown = await askCluster(needs, "foo");
  assert(unknown.kind === "failed");
  assert.equal(unknown.error.text, "Error 3000 - Cluster: unknown command 'b'foo''");
});

test("askCluster() says that nobody is there", async () => {
  const { clock } = fakeNeeds();
  const answer = await askCluster({ localSockets: new FakeLocalSockets(), clock, path }, "get_config");
  assert(answer.kind === "failed" && answer.error.code === 3012);
});

test("askCluster() waits for what comes later, keeps the connection alive and confirms", async () => {
  const { promise: confirmed, resolve } = Promise.withResolvers<string>();
  const { promise: later, resolve: come } = Promise.withResolvers<void>();
  const needs = await daemon((client) => [
    [
      "get_nodes",
      () => {
        void later
          .then(() => client.request("control_res", Buffer.from('{"items": []}')))
          .then((outcome) => resolve(outcome.kind === "ok" ? outcome.payload.toString() : "failed"));
        return ok("Sent request to master node");
      },
    ],
  ]);
  const answered = askCluster(needs, "get_nodes", "{}");
  await Promise.resolve();
  needs.clock.advance(130_000);
  come();
  const answer = await answered;
  assert(answer.kind === "ok" && answer.payload.toString() === '{"items": []}');
  assert.equal(await confirmed, "Response received");
});

test("askCluster() takes the string of the distributed API, in parts", async () => {
  const result = Buffer.alloc(6_000_000, "r");
  const needs = await daemon((client) => [
    [
      "dapi",
      () => {
        void client
          .sendString(result)
          .then((sent) => client.request("dapi_res", Buffer.from(sent.kind === "sent" ? sent.id : "")));
        return ok("Added request to API requests queue");
      },
    ],
  ]);
  const answer = await askCluster(needs, "dapi", "{}");
  assert(answer.kind === "ok" && answer.payload.equals(result));
});

test("askCluster() knows an exception wherever it comes", async () => {
  for (const [command, payload] of [
    ["control_res", writeException(clusterError(1724))],
    ["dapi_err", writeException(clusterError(1724))],
  ] as const) {
    const needs = await daemon((client) => [
      [
        "dapi",
        () => {
          void client.request(command, payload);
          return ok("Added request to API requests queue");
        },
      ],
    ]);
    const answer = await askCluster(needs, "dapi", "{}");
    assert(answer.kind === "failed" && answer.error.code === 1724);
  }
});

test("askCluster() gives up on a daemon that is silent, hangs up or sends too much", async () => {
  const silent = await daemon(() => [["get_config", () => null]]);
  const waiting = askCluster(silent, "get_config");
  await Promise.resolve();
  silent.clock.advance(20_000);
  const late = await waiting;
  assert(late.kind === "failed" && late.error.code === 3020);

  const lying = async (act: (handler: { write(bytes: Buffer): void; destroy(): void }) => void) => {
    const localSockets = new FakeLocalSockets();
    await localSockets.listen({ path, permissions: 0, backlog: 1 }, (connection) => ({
      data: () => act(connection),
      closed: () => {},
    }));
    const answer = await askCluster({ localSockets, clock: fakeNeeds().clock, path }, "dapi");
    return answer.kind === "failed" ? answer.error.code : null;
  };
  const frame = (command: string, payload: string) => {
    const bytes = Buffer.from(payload);
    return encodeMessage({ counter: 9, command }, bytes, bytes.length)[0] ?? bytes;
  };
  assert.equal(await lying((connection) => connection.destroy()), 3018);
  assert.equal(await lying((connection) => connection.write(frame("new_str", "8589934592"))), 3050);
  assert.equal(await lying((connection) => connection.write(frame("new_str", "-1"))), 3050);
  assert.equal(await lying((connection) => connection.write(Buffer.alloc(20, 0xff))), 3050);
});
