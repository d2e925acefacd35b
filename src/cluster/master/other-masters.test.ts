/** Goal: two masters of one cluster are told of in clear words on both, and a master that finds itself is quiet. Method: real servers on the two ends of a wire. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Hello } from "#formats/wire/cluster/commands.ts";
import { CodedError } from "#kernel/errors.ts";
import type { Connection, ConnectionHandler, Network } from "#kernel/ports/network.ts";
import { FakeConnection } from "#testing/network.ts";
import type { ClusterNode } from "../config.ts";
import { fakeNeeds, RawNode, settled, testNode, wireDialer } from "../fixture.ts";
import { KEEPALIVE_CHECK_PERIOD_MS, REQUEST_TIMEOUT_MS } from "../limits.ts";
import type { Dialer } from "../needs.ts";
import { OtherMasters } from "./other-masters.ts";
import { MasterServer } from "./server.ts";

const NOBODY: Dialer = { connect: () => Promise.reject(new CodedError("connect_failed", "refused")) };
const ADVICE = "A cluster has only one: make one of them a worker, or give it a <name> or <key> of its own.";

type Accept = (connection: Connection) => ConnectionHandler;
type Changes = { readonly node: Partial<ClusterNode>; readonly dialer?: Dialer; readonly isOwn?: boolean };

async function master(t: TestContext, { node: changes, dialer = NOBODY, isOwn = false }: Changes) {
  const needs = fakeNeeds();
  const node = testNode(changes);
  const others = new OtherMasters(node, { ...needs, dialer, isOwnAddress: async () => isOwn });
  let accept: Accept = () => assert.fail("nobody listens yet");
  const network: Network = {
    listen: (_, taken) => {
      accept = taken;
      return Promise.resolve({ local: { address: "", port: 1516 }, close: () => Promise.resolve() });
    },
    bindDatagrams: () => Promise.reject(new Error("no datagrams")),
  };
  const tasks = {
    welcomed: () => {},
    left: () => {},
    metMaster: (hello: Hello, address: string) => others.answer(hello, address),
  };
  const server = new MasterServer(node, { ...needs, network }, tasks);
  await server.start();
  others.start();
  t.after(async () => {
    others.stop();
    await server.stop();
    assert.equal(needs.clock.pendingTimers, 0);
  });
  const look = async () => {
    needs.clock.advance(KEEPALIVE_CHECK_PERIOD_MS);
    for (let turn = 0; turn < 10; turn++) await settled();
  };
  return { needs, server, look, accept: (connection: Connection) => accept(connection) };
}

test("two masters with the same key and name say so, both and again", async (t) => {
  const first = await master(t, { node: { nodeName: "m1" } });
  const second = await master(t, { node: { nodeName: "m2" }, dialer: wireDialer(first.accept) });
  for (let times = 1; times <= 2; times++) {
    await second.look();
    const at = "[Master] [Main] Another master is at 192.0.2.1, which <nodes> of this one names.";
    assert.deepEqual(second.needs.log.texts("error"), Array(times).fill(`${at} ${ADVICE}`));
    const met = "[Master] [Main] Another master, 'm2' at 192.0.2.1, has this cluster's name and key.";
    assert.deepEqual(first.needs.log.texts("error"), Array(times).fill(`${met} ${ADVICE}`));
  }
  assert.deepEqual(first.server.workers, [], "it is no worker");
  assert.equal(first.needs.metrics.get("cluster_masters_met"), 2);
});

test("two masters of the same node name are found as well", async (t) => {
  const first = await master(t, { node: {} });
  const second = await master(t, { node: {}, dialer: wireDialer(first.accept) });
  await second.look();
  assert.equal(first.needs.log.texts("error").length, 1);
  assert.equal(second.needs.log.texts("error").length, 1);
});

test("a master that finds itself, or a cluster of another name, says nothing", async (t) => {
  const itself: { accept: Accept } = { accept: () => assert.fail("not yet") };
  const alone = await master(t, { node: {}, dialer: wireDialer((connection) => itself.accept(connection)) });
  itself.accept = alone.accept;
  const neighbour = await master(t, { node: { clusterName: "b" }, dialer: wireDialer(alone.accept) });
  const own = await master(t, { node: {}, isOwn: true });
  for (const { look } of [alone, neighbour, own]) await look();
  assert.deepEqual([...alone.needs.log.texts("error").filter((text) => !text.includes("3030"))], []);
  assert.deepEqual([...neighbour.needs.log.texts("error"), ...own.needs.log.texts("error")], []);
});

test("nobody at the address, or nobody who answers, is asked again", async (t) => {
  let attempts = 0;
  const silent: Dialer = {
    connect: (host, port, handler) => {
      attempts++;
      const connection = new FakeConnection({ address: host, port });
      connection.attach(handler);
      return attempts === 1 ? NOBODY.connect(host, port, handler) : Promise.resolve(connection);
    },
  };
  const { look, needs } = await master(t, { node: {}, dialer: silent });
  await look();
  await look();
  needs.clock.advance(REQUEST_TIMEOUT_MS);
  await settled();
  await look();
  assert.equal(attempts, 3);
  assert.deepEqual(needs.log.texts("error"), []);
});

test("a master of the peer, which lets it in, is another one", async (t) => {
  const connections: FakeConnection[] = [];
  const dialer: Dialer = {
    connect: (host, port, handler) => {
      const connection = new FakeConnection({ address: host, port });
      connection.attach(handler);
      connections.push(connection);
      return Promise.resolve(connection);
    },
  };
  const { look, needs } = await master(t, { node: { nodeName: "m2" }, dialer });
  await look();
  const [connection] = connections;
  assert(connection !== undefined);
  const node = new RawNode((bytes) => connection.receive(bytes));
  const [hello] = node.read(connection.sentBytes);
  assert.equal(hello?.payload.toString(), "m2 wazuh master 4.14.7");
  node.send("ok", "Client m2 added", hello?.counter);
  await settled();
  assert.match(needs.log.texts("error").join(), /Another master is at 192\.0\.2\.1/);
  assert(connection.ended);
});
