/**
 * Goal: with the master's helper on, HAProxy has the nodes that the cluster has, and agents are spread over them. Method: a real HAProxy
 * with a stats socket, three managers, the helper at its quickest; the third node joins late and dies.
 */
import assert from "node:assert/strict";
import { createConnection } from "node:net";
import { test } from "node:test";
import { BALANCER_AT, Balancer, NO_HAPROXY } from "./balancers.ts";
import { ROUTES_NEED, TestCluster } from "./cluster-processes.ts";
import { Fleet, nodesOf } from "./fleet.ts";
import { locatedAgents } from "./node-death.ts";

const AGENTS = 6;
const BACKEND = "cyb3rhq_reporting";
/** A look of the helper at the cluster, HAProxy's checks of a server, agents that settle, and a busy machine. */
const CHANGED_MS_MAX = 50_000;

function helperOf(directory: string): string {
  return `<haproxy_helper>
      <haproxy_disabled>no</haproxy_disabled>
      <haproxy_mode>runtime</haproxy_mode>
      <haproxy_socket>${directory}/balancer/stats.sock</haproxy_socket>
      <frequency>10</frequency>
      <agent_reconnection_time>0</agent_reconnection_time>
      <agent_reconnection_stability_time>10</agent_reconnection_stability_time>
      <remove_disconnected_node_after>0</remove_disconnected_node_after>
    </haproxy_helper>`;
}

function servers(socketPath: string): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = createConnection(socketPath, () => socket.write(`show servers state ${BACKEND}\n`));
    socket.on("data", (chunk) => {
      answer += chunk;
    });
    socket.on("error", reject);
    socket.on("close", () =>
      resolve([...answer.matchAll(/^\d+ \S+ \d+ (\S+)/gm)].map(([, name = ""]) => name).sort()),
    );
  });
}

test("HaproxyHelper adds a node that joins, brings agents to it, and removes it when it is gone", {
  skip: NO_HAPROXY || ROUTES_NEED,
}, async (t) => {
  const cluster = await TestCluster.make({ workers: 2, agents: AGENTS, helper: helperOf, hasRoutes: true });
  t.after(() => cluster.stop());
  const [third, first] = [cluster.node("worker2"), cluster.node("worker1")];
  await cluster.master.start();
  await first.start();
  const folder = cluster.path("balancer");
  // HAProxy knows two; the helper is to find the third.
  const haproxy = await Balancer.haproxy(folder, cluster.network, (text) =>
    text.replaceAll(/^ *server worker2 .*:\d+ check\n/gm, ""),
  );
  t.after(() => haproxy.stop());
  const host = cluster.network.address(BALANCER_AT);
  const fleet = new Fleet(
    cluster.identities.map((identity) => ({
      identity,
      servers: [{ host, port: cluster.network.agentPort }],
      maxRetries: 5,
    })),
  );
  t.after(() => fleet.stop());
  const eventually = (what: string, condition: () => boolean | Promise<boolean>) =>
    cluster.eventually(what, CHANGED_MS_MAX, condition);
  const spread = () => {
    const nodes = [...nodesOf(cluster).values()];
    return cluster.nodes.map(({ name }) => nodes.filter((node) => node === name).length);
  };
  const known = async () => (await locatedAgents(cluster)).every(({ status }) => status === "active");
  await eventually("the master knows where all agents are", known);
  assert.deepEqual(spread(), [3, 3, 0]);

  const socket = `${folder}/stats.sock`;
  await third.start();
  await eventually("the third is a server", async () => (await servers(socket)).includes("worker2"));
  await eventually("agents are on all three", () => String(spread()) === "2,2,2");

  await third.kill();
  await eventually("it is no server any more", async () => !(await servers(socket)).includes("worker2"));
  await eventually("its agents are on the others", () => spread()[2] === 0 && fleet.connected);
  assert.deepEqual(await servers(socket), ["master", "worker1"], cluster.state);
});
