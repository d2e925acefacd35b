/**
 * Goal: what `cluster up` would start fits together: no port twice, configurations that load, balancers that name every node. Method: plans
 * of all sizes, read back by the readers of the manager; what NGINX says of itself in its variants; calls that must be refused.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CONNECTIONS_PER_ADDRESS_MAX } from "#cluster/limits.ts";
import { readManagerConfig } from "#config/manager-config.ts";
import { Secret } from "#model/secret.ts";
import { FakeFiles } from "#testing/files.ts";
import { runCommand } from "../../environment.fixture.ts";
import { streamModule } from "./balancer.ts";
import {
  haproxyConfig,
  NODES_MAX,
  nginxConfig,
  nodeConfig,
  PORT_BASE_MAX,
  parseChoice,
  type TrialChoice,
  trialPlan,
} from "./plan.ts";
import { summary, summaryJson } from "./summary.ts";

const KEY = new Secret("0123456789abcdef0123456789abcdef");
const CHOICE: TrialChoice = { nodes: 3, balancer: "haproxy", portBase: 15_140 };

test("a trial cluster has no more workers than a master takes of one address", () => {
  assert.equal(NODES_MAX, 1 + CONNECTIONS_PER_ADDRESS_MAX);
});

test("trialPlan() gives no port twice and none that there is not", () => {
  for (let nodes = 1; nodes <= NODES_MAX; nodes++) {
    const plan = trialPlan("/t", { nodes, balancer: "none", portBase: PORT_BASE_MAX });
    const ports = [plan.front, ...plan.nodes].flatMap(({ agentPort, enrollmentPort }) => [
      agentPort,
      enrollmentPort,
    ]);
    ports.push(plan.clusterPort);
    assert.equal(new Set(ports).size, ports.length);
    assert(Math.max(...ports) <= 65_535);
    assert.deepEqual(
      plan.nodes.map(({ type }) => type),
      ["master", ...Array(nodes - 1).fill("worker")],
    );
  }
});

test("nodeConfig() is a configuration without problems, of one cluster", () => {
  const plan = trialPlan("/t", CHOICE);
  for (const node of plan.nodes) {
    const { config, problems } = readManagerConfig(nodeConfig(plan, node, KEY), "etc/ossec.conf");
    assert.deepEqual(problems, []);
    assert.equal(config.remote.secure?.port, node.agentPort);
    assert.equal(config.auth.port, node.enrollmentPort);
    const { nodeName, nodeType, port, disabled, key } = config.cluster;
    assert.deepEqual([nodeName, nodeType, port, disabled], [node.name, node.type, plan.clusterPort, false]);
    assert.equal(key.reveal(), KEY.reveal());
  }
});

test("haproxyConfig() and nginxConfig() have a line for each node and listen at the front", () => {
  const plan = trialPlan("/t", CHOICE);
  const haproxy = haproxyConfig(plan);
  const nginx = nginxConfig(plan, "/m.so");
  for (const { name, agentPort, enrollmentPort } of plan.nodes) {
    assert(haproxy.includes(`server ${name} 127.0.0.1:${agentPort} check\n`));
    assert(haproxy.includes(`server ${name} 127.0.0.1:${enrollmentPort} check\n`));
    assert(nginx.includes(`server 127.0.0.1:${agentPort};`));
  }
  assert.match(haproxy, /bind 127\.0\.0\.1:15140 .*bind\n/);
  assert.match(nginx, /^load_module \/m\.so;\n[\s\S]*listen 127\.0\.0\.1:15141;/);
  assert.doesNotMatch(nginxConfig(plan, null), /load_module/);
});

test("parseChoice() reads back what was kept, and nothing else", () => {
  assert.deepEqual(parseChoice(JSON.stringify(CHOICE)), CHOICE);
  const wrong = ["", "[]", "null", '{"nodes":3}', JSON.stringify({ ...CHOICE, nodes: NODES_MAX + 1 })];
  wrong.push(JSON.stringify({ ...CHOICE, portBase: 1.5 }), JSON.stringify({ ...CHOICE, balancer: "sh" }));
  for (const text of wrong) assert.equal(parseChoice(text), null, text);
});

test("streamModule() finds the module where it is built in, where it is a file, and where it is not", () => {
  assert.deepEqual(streamModule("configure arguments: --with-stream --with-threads"), { path: null });
  const dynamic = "configure arguments: --modules-path=/usr/lib/nginx/modules --with-stream=dynamic";
  assert.deepEqual(streamModule(dynamic), { path: "/usr/lib/nginx/modules/ngx_stream_module.so" });
  assert.equal(streamModule("configure arguments: --with-stream_ssl_module"), null);
});

test("summary() names every way in and never the key", () => {
  for (const balancer of ["haproxy", "none"] as const) {
    const plan = trialPlan("/t", { ...CHOICE, balancer });
    const pids = new Map(plan.nodes.map(({ name }, at) => [name, at + 1]));
    const facts = { plan, pids, balancerPid: 9 };
    const text = summary(facts, false);
    const servers = text.match(/<server>/g)?.length;
    assert.equal(servers, balancer === "none" ? 3 : 1);
    assert.match(text, /cyb3rhq cluster down --dir \/t\n$/);
    assert.doesNotMatch(summary(facts, true), /cluster down/);
    assert.doesNotMatch(text + JSON.stringify(summaryJson(facts)), new RegExp(KEY.reveal()));
  }
});

async function up(files: FakeFiles, ...args: readonly string[]) {
  const { exitCode, stderr } = await runCommand(["cluster", "up", "--dir", "/trial", ...args], { files });
  return [exitCode, stderr.text];
}

function filesWith(...paths: readonly (readonly [string, string])[]): FakeFiles {
  const files = new FakeFiles();
  for (const [path, text] of paths) {
    files.makeDirectory(path.slice(0, path.lastIndexOf("/")));
    files.replace(path, Buffer.from(text));
  }
  return files;
}

test("cluster up refuses what it could not do, and starts nothing", async () => {
  const [code, text] = await up(new FakeFiles());
  assert.equal(code, 1);
  assert.match(String(text), /no program haproxy on this machine; install the package haproxy .*--balancer/);

  const [full, fullText] = await up(filesWith(["/trial/notes", ""]), "--balancer", "none");
  assert.deepEqual(
    [full, fullText],
    [1, "cyb3rhq: /trial holds other things; choose an empty folder with --dir\n"],
  );

  const other = filesWith(["/trial/cluster.json", JSON.stringify(CHOICE)]);
  const [different, differentText] = await up(other, "2", "--balancer", "none");
  assert.equal(different, 1);
  assert.match(
    String(differentText),
    /has a cluster of 3 nodes, balancer haproxy, .*'cyb3rhq cluster down --remove/,
  );

  assert.deepEqual((await up(new FakeFiles(), "0"))[0], 2);
  assert.deepEqual((await up(new FakeFiles(), "--balancer", "ipvs"))[0], 2);
});

test("cluster down where nothing is says so", async () => {
  const { exitCode, stdout } = await runCommand(["cluster", "down", "--dir", "/trial", "--remove"]);
  assert.deepEqual([exitCode, stdout.text], [0, "No cluster of 'cyb3rhq cluster up' is in /trial\n"]);
});
