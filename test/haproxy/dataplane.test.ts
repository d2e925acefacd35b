/**
 * Goal: through the Data Plane API a real HAProxy has the cluster's nodes as servers and its agents evenly. Method: the stand-in of
 * the API over HAProxy, with the user of the shipped settings; nodes and agents on loopback, nodes that come and go, a drained server,
 * agents on one node only.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { Secret } from "#model/secret.ts";
import { DataPlaneStandIn } from "./data-plane.ts";
import { NO_HAPROXY } from "./haproxy-process.ts";
import { eventually, freePort, runHelper, settled } from "./helper-run.ts";
import { SmallCluster } from "./small-cluster.ts";

/** Who may use the API stands there. */
const SETTINGS = new URL("../../deploy/haproxy/dataplaneapi.yml", import.meta.url);
const BACKEND = "cyb3rhq_reporting";
const TIMES_QUICKER = 50;
const AGENTS = 12;

test("HaproxyHelper keeps servers and agents of a real HAProxy through the Data Plane API", {
  skip: NO_HAPROXY,
}, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "haproxy-helper-"));
  const [{ name: user, password: secret }] = parse(readFileSync(SETTINGS, "utf8")).dataplaneapi.user;
  const credentials = { user, password: secret };
  const standIn = await DataPlaneStandIn.start({ directory, ...credentials, bindAddress: "127.0.0.1" });
  const agentPort = await freePort();
  const cluster = new SmallCluster(agentPort);
  await cluster.addNode("master-node", "127.0.0.2");
  await cluster.addNode("worker1", "127.0.0.3");
  cluster.startAgents(AGENTS, "127.0.0.1");
  const options = { address: "127.0.0.1", port: standIn.port, user: credentials.user };
  const password = new Secret(credentials.password);
  const helper = runHelper(cluster, { ...options, password }, agentPort, TIMES_QUICKER);
  t.after(async () => {
    await helper.stop();
    cluster.stop();
    await standIn.stop();
    rmSync(directory, { recursive: true });
  });

  const spread = (expected: Record<string, number>) => () =>
    JSON.stringify(cluster.spread()) === JSON.stringify(expected);
  await eventually(helper, "two nodes share the agents", spread({ "master-node": 6, worker1: 6 }));

  await cluster.addNode("worker2", "127.0.0.4");
  await eventually(
    helper,
    "three nodes share the agents",
    spread({ "master-node": 4, worker1: 4, worker2: 4 }),
  );

  // While agents are held the helper drains and takes back servers itself.
  await settled(helper);
  await standIn.haproxy.ask(`set server ${BACKEND}/worker1 state drain`);
  const found = "warning Server 'worker1' was found DRAIN. Fixing it";
  await eventually(helper, "the drained server is taken back", () => helper.lines.includes(found));

  await settled(helper);
  await cluster.crowd(standIn.haproxy, BACKEND, "worker1");
  const even = spread({ "master-node": 4, worker1: 4, worker2: 4 });
  await eventually(helper, "the agents are balanced again", even);
  assert(
    helper.lines.includes("info Agent imbalance detected. Waiting for agent status sync..."),
    helper.lines.join("\n"),
  );

  cluster.removeNode("worker2");
  await eventually(helper, "its server is removed", () => !standIn.serverNames(BACKEND).includes("worker2"));
  await eventually(helper, "its agents are on the others", spread({ "master-node": 6, worker1: 6 }));
  assert.deepEqual(
    helper.lines.filter((line) => /^(?:error|critical)/.test(line)),
    [],
  );
});
