/** Goal: a balancer's word counts for its own connections and nobody else's. Method: a fake network between scripted peers and a service that records. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Connection } from "#kernel/ports/network.ts";
import { type IpNetwork, parseIpNetwork } from "#model/address.ts";
import { FakeClock } from "#testing/clock.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import { FakeNetwork } from "#testing/network.ts";
import { behindBalancers, HEADER_MS_MAX, WAITING_MAX } from "./proxied-network.ts";

const PORT = 1514;
const BALANCER = "10.0.0.5";
const HEADER = "PROXY TCP4 192.0.2.77 10.0.0.9 40000 1514\r\n";

type Served = { readonly connection: Connection; data: string; closed: boolean };

async function listen(networks: readonly string[] = [`${BALANCER}/32`, "2001:db8:1::/64"]) {
  const network = new FakeNetwork();
  const clock = new FakeClock();
  const log = new RecordingLog();
  const metrics = new RecordingMetrics();
  const served: Served[] = [];
  const balancers = networks.map(parseIpNetwork).filter((value): value is IpNetwork => value !== null);
  const proxied = behindBalancers({ network, clock, log, metrics }, balancers);
  const listener = await proxied.listen({ host: "0.0.0.0", port: PORT, backlog: 1 }, (connection) => {
    const entry: Served = { connection, data: "", closed: false };
    served.push(entry);
    return {
      data: (chunk) => {
        entry.data += chunk.toString("latin1");
      },
      closed: () => {
        entry.closed = true;
      },
    };
  });
  return { network, clock, log, metrics, served, proxied, listener };
}

test("behindBalancers() changes nothing without balancers", async () => {
  const { network, proxied } = await listen([]);
  assert.equal(proxied, network);
});

test("ProxiedNetwork gives the client that the header names, and what follows the header", async () => {
  const { network, served } = await listen();
  const socket = network.connect(PORT, BALANCER);
  assert.equal(served.length, 0, "nobody is served before the header");
  for (const char of `${HEADER}first`) socket.receive(Buffer.from(char));
  socket.receive(Buffer.from(" second"));
  assert.equal(served.length, 1);
  assert.deepEqual(served[0]?.connection.remote, { address: "192.0.2.77", port: 40_000 });
  assert.equal(served[0]?.data, "first second");
  served[0]?.connection.write(Buffer.from("answer"));
  assert.equal(socket.sentBytes.toString(), "answer");
  socket.hangUp();
  assert.equal(served[0]?.closed, true);
});

test("ProxiedNetwork gives an IPv6 client in the form that a socket gives", async () => {
  const { network, served } = await listen();
  const socket = network.connect(PORT, "2001:db8:1::9");
  socket.receive(Buffer.from("PROXY TCP6 2001:DB8:0:0:0::7 2001:db8::1 1 2\r\n"));
  assert.deepEqual(served[0]?.connection.remote, { address: "2001:db8::7", port: 1 });
});

test("ProxiedNetwork leaves the balancer's own connections to the balancer", async () => {
  const { network, served } = await listen();
  network.connect(PORT, BALANCER).receive(Buffer.from("PROXY UNKNOWN\r\n#ping"));
  assert.equal(served[0]?.connection.remote.address, BALANCER);
  assert.equal(served[0]?.data, "#ping");
});

test("ProxiedNetwork believes nobody else: a stranger's header is the stranger's data", async () => {
  const { network, served } = await listen();
  network.connect(PORT, "10.0.0.6").receive(Buffer.from(HEADER));
  assert.equal(served[0]?.connection.remote.address, "10.0.0.6");
  assert.equal(served[0]?.data, HEADER);
});

test("ProxiedNetwork refuses a balancer without a header, and says so once a second", async () => {
  const { network, clock, log, metrics, served } = await listen();
  for (let count = 0; count < 10; count++) {
    const socket = network.connect(PORT, BALANCER);
    socket.receive(Buffer.from("#ping"));
    assert.equal(socket.ended, true);
  }
  const silent = network.connect(PORT, BALANCER);
  clock.advance(HEADER_MS_MAX - 1);
  assert.equal(silent.ended, false);
  clock.advance(1);
  assert.equal(silent.ended, true);
  assert.equal(served.length, 0);
  assert.equal(metrics.get("proxied_connections_refused"), 11);
  assert.deepEqual(log.texts("warning"), [
    "Connection of balancer 10.0.0.5 without a PROXY header: no_header",
    "Connection of balancer 10.0.0.5 without a PROXY header: none within 5 s (10 such since the last line)",
  ]);
});

test("ProxiedNetwork says nothing of a check that only connects, and keeps no timer for who was introduced", async () => {
  const { network, clock, log, served } = await listen();
  network.connect(PORT, BALANCER).hangUp();
  network.connect(PORT, BALANCER).receive(Buffer.from(HEADER));
  clock.advance(10 * HEADER_MS_MAX);
  assert.equal(served[0]?.closed, false);
  assert.deepEqual(log.texts("warning"), []);
});

test("ProxiedNetwork waits for no header when it stops listening", async () => {
  const { network, log, listener } = await listen();
  const socket = network.connect(PORT, BALANCER);
  await listener.close();
  assert.equal(socket.ended, true);
  assert.deepEqual(log.texts("warning"), []);
});

test("ProxiedNetwork holds a bounded number of connections without a header", async () => {
  const { network, served } = await listen();
  const sockets = Array.from({ length: WAITING_MAX + 2 }, () => network.connect(PORT, BALANCER));
  assert.equal(sockets.filter(({ ended }) => ended).length, 2);
  assert.deepEqual([sockets[0]?.ended, sockets[2]?.ended], [true, false]);
  sockets.at(-1)?.receive(Buffer.from(HEADER));
  assert.equal(served.length, 1);
});
