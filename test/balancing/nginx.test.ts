/**
 * Goal: as haproxy.test.ts, behind NGINX; over UDP as well. Method: the files of deploy/nginx in a real NGINX before three managers, and
 * over UDP also before one of three.
 */
import { test } from "node:test";
import { BALANCER_AT, Balancer, NO_NGINX } from "./balancers.ts";
import { TestCluster } from "./cluster-processes.ts";
import { Fleet, faults } from "./fleet.ts";
import { AGENTS_FROM, nodeDies } from "./node-death.ts";

test(
  "behind NGINX a node dies: its agents go on elsewhere and every event is an alert",
  { skip: NO_NGINX },
  (t) =>
    // Agents are spread by their addresses, which are few here.
    nodeDies(t, {
      balancer: (directory, network) => Balancer.nginx(directory, network, "stream.conf"),
      agentsEachMin: 0,
    }),
);

/** NGINX finds out only when it has ended a session that a node refused its datagrams. */
const quicker = (text: string) => text.replace("proxy_timeout 30s", "proxy_timeout 1s");

test(
  "behind NGINX a node dies: its agents over UDP go on elsewhere and what it had accepted is an alert",
  { skip: NO_NGINX },
  (t) =>
    nodeDies(t, {
      balancer: (directory, network) => Balancer.nginx(directory, network, "stream-udp.conf", quicker),
      agentsEachMin: 0,
      protocol: "udp",
    }),
);

/** Servers that are not there are found out datagram by datagram. */
const UDP_MS_MAX = 30_000;

test("behind NGINX agents report over UDP to the node that there is", { skip: NO_NGINX }, async (t) => {
  const cluster = await TestCluster.make({ workers: 0, agents: 3 });
  t.after(() => cluster.stop());
  await cluster.start();
  const nginx = await Balancer.nginx(cluster.path("balancer"), cluster.network, "stream-udp.conf", quicker);
  t.after(() => nginx.stop());
  const { address, agentPort: port } = cluster.network;
  const servers = [{ host: address(BALANCER_AT), port, protocol: "udp" as const }];
  const fleet = new Fleet(
    cluster.identities.map((identity, at) => ({
      ...{ identity, servers, maxRetries: 5, localAddress: address(AGENTS_FROM + at) },
    })),
  );
  t.after(() => fleet.stop());
  await cluster.eventually("all are connected", UDP_MS_MAX, () => fleet.connected);
  await cluster.eventually("something is confirmed", UDP_MS_MAX, () => fleet.confirmed().length > 10);
  await fleet.fallSilent();
  const wrong = () => faults(cluster, fleet.sent(), []);
  await cluster.eventually("every event is an alert", UDP_MS_MAX, () => wrong().length === 0);
});
