/**
 * Goal: behind HAProxy a node that dies costs no event and its agents little time. Method: the files of deploy/haproxy in a real HAProxy
 * before three managers. Its checks, connections that say nothing, a thousand of them.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { readLog } from "../e2e/home.ts";
import { Balancer, NO_HAPROXY } from "./balancers.ts";
import { TestCluster } from "./cluster-processes.ts";
import { nodeDies } from "./node-death.ts";

test(
  "behind HAProxy a node dies: its agents go on elsewhere and every event is an alert",
  { skip: NO_HAPROXY },
  (t) =>
    nodeDies(t, { balancer: (directory, network) => Balancer.haproxy(directory, network), agentsEachMin: 2 }),
);

const PROBES = 500;
const SLOTS = ["agent_connections", "agent_connections_unauthenticated", "enrollment_clients"];
const FREE_MS_MAX = 10_000;

test("a thousand checks of a balancer leave no line in the log and take no slot", async (t) => {
  const cluster = await TestCluster.make({ workers: 0 });
  t.after(() => cluster.stop());
  await cluster.start();
  const { address: host, home } = cluster.master;
  const log = readLog(home);
  const { agentPort, enrollmentPort } = cluster.network;
  for (let probe = 0; probe < PROBES; probe++) {
    for (const port of [agentPort, enrollmentPort]) {
      const socket = connect({ host, port });
      await once(socket, "connect");
      socket.destroy();
    }
  }
  await cluster.eventually("no slot is taken", FREE_MS_MAX, async () => {
    const status = JSON.stringify(await cluster.master.ask("status"));
    return SLOTS.every((slot) => status.includes(`"${slot}":0`));
  });
  assert.equal(readLog(home), log);
});
