/**
 * Goal: a master whose helper speaks to the Data Plane API over TLS, each side with a certificate, gives HAProxy the nodes that the cluster
 * has and spreads agents over them. Method: three managers, the stand-in of the API over a real HAProxy that is empty at first, the
 * helper at its quickest; the third node joins late and dies.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { issue, issueServer, selfSigned } from "#testing/certificates.ts";
import { freePort } from "../e2e/home.ts";
import { DataPlaneStandIn } from "../haproxy/data-plane.ts";
import { BALANCER_AT, NO_HAPROXY } from "./balancers.ts";
import { ROUTES_NEED, TestCluster } from "./cluster-processes.ts";
import { Fleet, nodesOf } from "./fleet.ts";
import { locatedAgents } from "./node-death.ts";

const AGENTS = 3;
const BACKEND = "cyb3rhq_reporting";
const CREDENTIALS = { user: "haproxyuser", password: "pass,word" };
/** A look of the helper, agents held on each node for ten seconds, agents that settle, and a busy machine. */
const CHANGED_MS_MAX = 90_000;

/** An API that takes clients with a certificate only; `options` are what the helper needs for it. */
async function startApi(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), "helper-dataplane-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const authority = await selfSigned("authority", "api");
  const api = await issueServer(authority);
  const clients = await selfSigned("authority", "clients");
  const client = await issue(clients);
  const file = (name: string, content: string) => {
    writeFileSync(join(directory, name), content);
    return join(directory, name);
  };
  const tls = { cert: api.certificate, key: api.key, ca: clients.certificate };
  const options = `<haproxy_protocol>https</haproxy_protocol>
      <haproxy_cert>${file("api-ca.pem", authority.certificate)}</haproxy_cert>
      <client_cert>${file("client.pem", client.certificate)}</client_cert>
      <client_cert_key>${file("client.key", client.key)}</client_cert_key>`;
  return { directory, tls, options };
}

function helperBlock(port: number, tlsOptions: string): string {
  return `<haproxy_helper>
      <haproxy_disabled>no</haproxy_disabled>
      <haproxy_address>127.0.0.1</haproxy_address>
      <haproxy_port>${port}</haproxy_port>
      <haproxy_user>${CREDENTIALS.user}</haproxy_user>
      <haproxy_password>${CREDENTIALS.password}</haproxy_password>
      ${tlsOptions}
      <frequency>10</frequency>
      <agent_reconnection_time>0</agent_reconnection_time>
      <agent_reconnection_stability_time>10</agent_reconnection_stability_time>
      <remove_disconnected_node_after>0</remove_disconnected_node_after>
    </haproxy_helper>`;
}

test("HaproxyHelper of a master keeps HAProxy's servers through the Data Plane API over TLS, and moves agents", {
  skip: NO_HAPROXY || ROUTES_NEED,
}, async (t) => {
  const { directory, tls, options } = await startApi(t);
  const port = await freePort();
  const cluster = await TestCluster.make({
    ...{ workers: 2, agents: AGENTS, hasRoutes: true },
    helper: () => helperBlock(port, options),
  });
  t.after(() => cluster.stop());
  const { address, agentPort } = cluster.network;
  const bindAddress = address(BALANCER_AT);
  const model = { global: { maxconn: 400, hard_stop_after: 5000 } };
  const api = await DataPlaneStandIn.start({ directory, ...CREDENTIALS, bindAddress, port, tls, model });
  t.after(() => api.stop());
  const third = cluster.node("worker2");
  await cluster.master.start();
  await cluster.node("worker1").start();
  const eventually = (what: string, condition: () => boolean | Promise<boolean>) =>
    cluster.eventually(what, CHANGED_MS_MAX, condition);
  const said = (line: string) => () => cluster.master.clusterLog().includes(`[HAPHelper] [Main] ${line}`);
  await eventually("two nodes are servers", () => String(api.serverNames(BACKEND)) === "master,worker1");
  await eventually("HAProxy is settled", said("Load balancer backend is balanced"));

  const servers = [{ host: bindAddress, port: agentPort }];
  const fleet = new Fleet(cluster.identities.map((identity) => ({ identity, servers, maxRetries: 5 })));
  t.after(() => fleet.stop());
  const known = async () => (await locatedAgents(cluster)).every(({ status }) => status === "active");
  await eventually("the master knows where all agents are", known);
  const spread = () => {
    const nodes = [...nodesOf(cluster).values()];
    return cluster.nodes.map(({ name }) => nodes.filter((node) => node === name).length);
  };
  assert.deepEqual(spread().toSorted(), [0, 1, 2]);

  await third.start();
  await eventually("the third is a server", () => api.serverNames(BACKEND).includes("worker2"));
  await eventually("agents are on all three", () => String(spread()) === "1,1,1" && fleet.connected);
  assert(said("Balancing exceeding connections after changes on the Wazuh backend")(), cluster.state);

  await third.kill();
  await eventually("it is no server any more", () => !api.serverNames(BACKEND).includes("worker2"));
  await eventually("its agent is on another", () => spread()[2] === 0 && fleet.connected);
  assert.deepEqual(api.serverNames(BACKEND), ["master", "worker1"]);
  assert.deepEqual(
    cluster
      .node("worker1")
      .clusterLog()
      .match(/.*\[HAPHelper\].*/g)
      ?.map((line) => line.slice(20)),
    ["INFO: [HAPHelper] [Main] This node is a worker; the helper runs on the master only"],
  );
  const lines = cluster.master.clusterLog().split("\n");
  assert.deepEqual(
    lines.filter((line) => / (?:ERROR|CRITICAL): \[HAPHelper\]/.test(line)),
    [],
  );
});
