/**
 * Goal: with nothing but the stats socket a real HAProxy has the cluster's nodes as servers and its agents evenly, and has them
 * again after its next start. Method: HAProxy, nodes and agents on loopback; nodes that come and go, a server in drain, agents that
 * are all on one node, and a second start with the file that the helper wrote.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { configurationProblem, HaproxyProcess, NO_HAPROXY } from "./haproxy-process.ts";
import { eventually, freePort, runHelper, settled } from "./helper-run.ts";
import { SmallCluster } from "./small-cluster.ts";

const BACKEND = "cyb3rhq_reporting";
/** HAProxy is sure of a new server after some two seconds, for which the helper waits a minute of its own. */
const TIMES_QUICKER = 12;
const AGENTS = 8;

function globalSection(socket: string): string {
  const timeouts = "timeout connect 2s\n  timeout client 1m\n  timeout server 1m";
  return `global\n  stats socket ${socket} level admin\ndefaults\n  mode tcp\n  ${timeouts}\n`;
}

/** On every address HAProxy would take the place of nodes that end: they are all on this host. */
function onLoopback(file: string, copy: string): string {
  const text = readFileSync(file, "latin1");
  writeFileSync(copy, text.replace("bind :", "bind 127.0.0.1:"));
  return copy;
}

test("HaproxyHelper keeps servers and agents of a real HAProxy through its stats socket", {
  skip: NO_HAPROXY,
}, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "haproxy-helper-"));
  const socket = join(directory, "stats.sock");
  const main = join(directory, "haproxy.cfg");
  const kept = join(directory, "agents.cfg");
  writeFileSync(main, globalSection(socket));
  const agentPort = await freePort();
  const cluster = new SmallCluster(agentPort);
  await cluster.addNode("master-node", "127.0.0.2");
  const options = { mode: "runtime", socket, backendFile: kept } as const;
  let haproxy = await HaproxyProcess.start([main], socket);
  const helper = runHelper(cluster, options, agentPort, TIMES_QUICKER);
  t.after(async () => {
    await helper.stop();
    cluster.stop();
    await haproxy.stop();
    rmSync(directory, { recursive: true });
  });

  // The socket cannot make a backend: the helper writes it, the operator loads it.
  const missing = `warning Could not find Wazuh backend '${BACKEND}'`;
  await eventually(helper, "the helper says what is missing", () => helper.lines.includes(missing));
  await haproxy.stop();
  haproxy = await HaproxyProcess.start([main, onLoopback(kept, join(directory, "loaded.cfg"))], socket);
  cluster.startAgents(AGENTS, "127.0.0.1");
  await eventually(helper, "agents are connected", () => cluster.connected() === AGENTS);

  const spread = (expected: Record<string, number>) => () =>
    JSON.stringify(cluster.spread()) === JSON.stringify(expected);
  await cluster.addNode("worker1", "127.0.0.3");
  await eventually(helper, "two nodes share the agents", spread({ "master-node": 4, worker1: 4 }));

  await haproxy.ask(`set server ${BACKEND}/worker1 state drain`);
  const found = "warning Server 'worker1' was found DRAIN. Fixing it";
  await eventually(helper, "the drained server is taken back", () => helper.lines.includes(found));

  await settled(helper);
  await cluster.crowd(haproxy, BACKEND, "worker1");
  await eventually(helper, "the agents are balanced again", spread({ "master-node": 4, worker1: 4 }));
  assert(
    helper.lines.includes("info Agent imbalance detected. Waiting for agent status sync..."),
    helper.lines.join("\n"),
  );

  assert.match(readFileSync(kept, "latin1"), /^ {4}server worker1 127\.0\.0\.3:\d+ check$/m);
  assert.equal(configurationProblem([main, kept]), null);
  cluster.removeNode("worker1");
  // By itself HAProxy is sure of it after three checks, six seconds.
  await haproxy.ask(`set server ${BACKEND}/worker1 health down`);
  const servers = () => haproxy.ask(`show servers state ${BACKEND}`);
  await eventually(helper, "its server is removed", async () => !(await servers()).includes("worker1"));
  await eventually(helper, "its agents are on the other", spread({ "master-node": AGENTS }));
  assert.doesNotMatch(readFileSync(kept, "latin1"), /worker1/);
});
