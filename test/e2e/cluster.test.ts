/**
 * Goal: three managers are one cluster: tools, files, keys and agents. Method: manager processes on addresses of the loopback and homes of their own,
 * the command line beside them, an agent that goes from node to node.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { enroll, TestAgent } from "#testing/agent.ts";
import { freePort, LOOPBACK, makeHome, readDocuments, removeHome, type TestHome, writeInto } from "./home.ts";
import { ManagerProcess } from "./manager-process.ts";
import { until } from "./until.ts";

const LAUNCHER = fileURLToPath(new URL("../../cyb3rhq", import.meta.url));
const KEY = "c98b62a9b6169ac5f67dae55ae4a9088";
/** A check of a worker every nine seconds, and the agents' and groups' turns. */
const WAIT_MS_MAX = 60_000;
const RULE = (id: number, level: number) =>
  `<group name="local,"><rule id="${id}" level="${level}"><match>cluster marker</match><description>Found</description></rule></group>\n`;
/** What the master synchronises beside the keys, one of each kind. */
const FILES: readonly (readonly [path: string, content: string])[] = [
  ["etc/rules/local.xml", RULE(100_100, 3)],
  ["etc/decoders/local.xml", '<decoder name="own"><program_name>^own</program_name></decoder>\n'],
  ["etc/lists/own", "key:value\n"],
  ["etc/shared/servers/agent.conf", "<agent_config/>\n"],
  ["etc/shared/default/own_policy.yml", "policy:\n  id: own\n"],
];
const LOG = "Nov 21 06:44:10 host prog[1]: cluster marker";

type Node = { readonly home: TestHome; readonly name: string; readonly type: "master" | "worker" };

async function makeNode(name: string, type: Node["type"], port: number): Promise<Node> {
  const home = await makeHome();
  const place = ["--name", "test", "--node-name", name, "--type", type, "--port", String(port)];
  const args = ["cluster", "join", LOOPBACK, ...place, "--key-file", "-", "--home", home.path];
  execFileSync(LAUNCHER, args, { input: KEY });
  return { home, name, type };
}

function cyb3rhq({ home }: Node, ...args: readonly string[]): string {
  return execFileSync(LAUNCHER, [...args, "--home", home.path], { encoding: "utf8" });
}

function clusterLog({ home }: Node): string {
  return readFileSync(join(home.path, "logs/cluster.log"), "latin1");
}

function held({ home }: Node, path: string): string | null {
  const absolute = join(home.path, path);
  return existsSync(absolute) ? readFileSync(absolute, "utf8") : null;
}

const NODES_TEXT = `NAME      TYPE    VERSION  ADDRESS    
master    master  4.14.7   127.0.0.1  
worker-1  worker  4.14.7   127.0.0.1  
worker-2  worker  4.14.7   127.0.0.1  
`;

test("three managers are one cluster", async (t) => {
  const port = await freePort();
  const master = await makeNode("master", "master", port);
  const workers = [await makeNode("worker-1", "worker", port), await makeNode("worker-2", "worker", port)];
  const nodes = [master, ...workers];
  for (const { home } of nodes) t.after(() => removeHome(home));
  for (const [path, content] of FILES) writeInto(master.home.path, path, content);
  const [worker, other] = workers;
  assert(worker !== undefined && other !== undefined);
  writeInto(worker.home.path, "etc/rules/own.xml", RULE(100_200, 5));

  const managers = await Promise.all(
    nodes.map(async ({ home }) => {
      const manager = await ManagerProcess.start(home, ["--quiet"]);
      t.after(() => manager.kill());
      return manager;
    }),
  );
  await until("both workers", WAIT_MS_MAX, () => {
    const told = cyb3rhq(master, "cluster", "nodes");
    return workers.every(({ name }) => told.includes(name));
  });
  const sorted = (text: string) => text.split("\n").toSorted();
  for (const node of nodes) {
    assert.deepEqual(sorted(cyb3rhq(node, "cluster_control", "-l")), sorted(NODES_TEXT), node.name);
  }

  // An agent that enrolled at one worker reports to another; its connection lasts while rules are read again.
  const identity = await enroll({ host: LOOPBACK, port: other.home.enrollmentPort, name: "web1" });
  const isEqual = (path: string) =>
    workers.every((node) => held(node, path) !== null && held(node, path) === held(master, path));
  await until("keys and files of every kind on the workers", WAIT_MS_MAX, () =>
    ["etc/client.keys", ...FILES.map(([path]) => path)].every(isEqual),
  );
  assert.equal(held(worker, "etc/rules/own.xml"), null, "what only a worker has goes");
  const agent = new TestAgent({ host: LOOPBACK, port: worker.home.agentPort, identity });
  t.after(() => agent.drop());
  await until("the agent connects to a worker", WAIT_MS_MAX, () =>
    agent.connect().then(
      () => true,
      () => false,
    ),
  );
  const seen = () => readDocuments(worker.home, "alerts").filter(({ full_log }) => full_log === LOG);
  const untilLevel = (level: number) =>
    until(`an alert of level ${level} on the worker`, WAIT_MS_MAX, () => {
      agent.send(`1:/var/log/x:${LOG}`);
      return seen().some(({ rule }) => rule?.level === level);
    });
  await untilLevel(3);
  assert.deepEqual(seen()[0]?.cluster, { name: "test", node: "worker-1" });

  writeInto(master.home.path, "etc/rules/local.xml", RULE(100_100, 7));
  writeInto(other.home.path, "etc/rules/local.xml", RULE(100_100, 9));
  rmSync(join(other.home.path, "etc/lists/own"));
  await untilLevel(7);
  await until("the change on both workers", WAIT_MS_MAX, () =>
    ["etc/rules/local.xml", "etc/lists/own"].every(isEqual),
  );
  assert(agent.connected, "the agent was not dropped by the reload");

  await agent.keepalive();
  await until("the master knows where the agent is", WAIT_MS_MAX, () => {
    const { nodes: told } = JSON.parse(cyb3rhq(other, "cluster", "health", "--json"));
    return told["worker-1"].info.n_active_agents === 1;
  });
  const agents = cyb3rhq(other, "cluster_control", "-a", "-fn", "worker-1");
  assert.match(agents, /\n001 +web1 +127.0.0.1 +active +Wazuh v4\.14\.7 +worker-1 +\n$/);
  assert.match(cyb3rhq(master, "agents", "list"), /web1 .* active .* worker-1/);
  const [known] = JSON.parse(cyb3rhq(master, "agents", "list", "--json"));
  assert.match(`${known.lastKeepalive} ${known.os}`, /^20\S+Z Debian GNU\/Linux 12/);

  cyb3rhq(master, "groups", "add", "web");
  cyb3rhq(master, "groups", "assign", identity.id, "web");
  await until("the agent's new group on the workers", WAIT_MS_MAX, () =>
    workers.every((node) => cyb3rhq(node, "agents", "list", "--group", "web").includes("web1")),
  );
  await until("the files of the agent's two groups, by its worker", WAIT_MS_MAX, async () => {
    await agent.keepalive();
    return agent.shared?.name === "5288d400";
  });

  // A worker has the master remove it; then it is gone everywhere, and its connection too.
  cyb3rhq(other, "agents", "remove", identity.id, "--yes");
  await until("the removal on all nodes", WAIT_MS_MAX, () =>
    nodes.every((node) => !cyb3rhq(node, "agents", "list").includes("web1")),
  );
  await until("the end of its connection", WAIT_MS_MAX, () => !agent.connected);
  assert.match(clusterLog(worker), / INFO: \[Worker worker-1\] \[Integrity sync\] Files to create: /);
  assert.match(clusterLog(master), / INFO: \[Worker worker-2\] \[Integrity check\] Finished in /);
  for (const node of nodes) assert(!clusterLog(node).includes(KEY));
  await agent.drop();
  for (const ended of await Promise.all(managers.map((manager) => manager.stop()))) {
    assert(ended.milliseconds < 10_000);
    assert.equal(ended.code, 0);
  }
});
