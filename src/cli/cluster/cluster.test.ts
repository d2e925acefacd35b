/** Goal: the tools print what the peer's print, on a node of either kind, and hostile names stay text. Method: the texts of the peer, by hand; the daemon's own local socket. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fakeNeeds } from "#cluster/fixture.ts";
import { type LocalClient, LocalServer } from "#cluster/local/server.ts";
import { type Handler, ok, refused } from "#cluster/replies.ts";
import { ClusterException } from "#formats/wire/cluster/exceptions.ts";
import { isObject, type JsonObject, parseJson } from "#formats/wire/cluster/json-value.ts";
import { PlainResult, writeObjects } from "#formats/wire/cluster/objects.ts";
import { pythonJson } from "#formats/wire/cluster/python-json.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { FakeFiles } from "#testing/files.ts";
import { FakeLocalSockets } from "#testing/local-sockets.ts";
import { fakeProcess, runCommand } from "../environment.fixture.ts";
import { runProgram } from "../program.ts";
import { agentsText, detailedHealthText, healthText, nodesText } from "./texts.ts";

const HOME = "/home/manager";
const IN_HOME = ["--home", HOME];

async function node(commands: (client: LocalClient) => Readonly<Record<string, Handler>>) {
  const localSockets = new FakeLocalSockets();
  const needs = { ...fakeNeeds(), localSockets };
  const server = new LocalServer(HOME, needs, (client) => new Map(Object.entries(commands(client))));
  await server.start();
  return localSockets;
}

const NODES = [
  { name: "master-node", type: "master", version: "4.14.7", ip: "127.0.0.1" },
  { name: "worker1", type: "worker", version: "4.14.7", ip: "127.0.0.1" },
];
const NODES_TEXT = `NAME         TYPE    VERSION  ADDRESS    
master-node  master  4.14.7   127.0.0.1  
worker1      worker  4.14.7   127.0.0.1  
`;

const [START, END] = ["2026-11-21T06:47:50.008000Z", "2026-11-21T06:47:50.016000Z"];
const HEALTH: JsonObject = {
  n_connected_nodes: 1,
  nodes: {
    worker1: {
      info: { ...NODES[1], n_active_agents: 3 },
      status: {
        sync_integrity_free: true,
        last_check_integrity: { date_start_master: START, date_end_master: END },
        last_sync_integrity: {
          date_start_master: START,
          date_end_master: START,
          total_extra_valid: 0,
          total_files: { missing: 4, extra: 2, shared: 1 },
        },
        sync_agent_info_free: false,
        last_sync_agentinfo: {
          date_start_master: START,
          date_end_master: "2026-11-21T06:47:51.108000Z",
          n_synced_chunks: 3,
        },
        last_sync_agentgroup: { date_start: START, date_end: "n/a", n_synced_chunks: 0 },
        last_sync_full_agentgroup: { date_start: START, date_end: END, n_synced_chunks: 1 },
        last_keep_alive: "2026-11-21T06:47:57.166103Z",
      },
    },
    "master-node": { info: { ...NODES[0], n_active_agents: 0 } },
  },
};

test("nodesText() and agentsText() are tables as wide as their cells", () => {
  assert.equal(nodesText(NODES), NODES_TEXT);
  const agent = { id: "001", name: "web", ip: "any", status: "active", node_name: "worker1" };
  assert.equal(
    agentsText([agent, 7, { id: "\x1b[2J" }]),
    "ID    NAME     IP       STATUS   VERSION  NODE NAME  \n" +
      "001   web      any      active   unknown  worker1    \n" +
      "?[2J  unknown  unknown  unknown  unknown  unknown    \n",
  );
});

test("nodesText() has the columns and fields of the guides", () => {
  const guides = [
    [
      "NAME TYPE VERSION ADDRESS",
      "master-node master 4.8.0 cyb3rhq-master",
      "worker01-node worker 4.8.0 172.22.0.3",
    ],
    [
      "NAME TYPE VERSION ADDRESS",
      "cyb3rhq-server-1 master 4.8.0 10.0.0.1",
      "cyb3rhq-server-2 worker 4.8.0 10.0.0.2",
    ],
  ];
  for (const [head, ...lines] of guides) {
    const nodes = lines.map((line) => {
      const [name = "", type = "", version = "", ip = ""] = line.split(" ");
      return { name, type, version, ip };
    });
    const fields = nodesText(nodes)
      .split("\n")
      .map((line) => line.trim().split(/ +/).join(" "));
    assert.deepEqual(fields, [head, ...lines, ""]);
  }
});

test("healthText() has a line for each worker", () => {
  assert.equal(
    healthText("wazuh", HEALTH),
    `Cluster name: wazuh

Last completed synchronization for connected nodes (1):
    worker1 (127.0.0.1): Integrity check: ${END} | Integrity sync: ${START} | Agents-info: 2026-11-21T06:47:51.108000Z | Agent-groups: n/a | Agent-groups full: ${END} | Last keep alive: 2026-11-21T06:47:57.166103Z.

`,
  );
});

test("detailedHealthText() has all that is known of each node", () => {
  assert.equal(
    detailedHealthText("wazuh", HEALTH),
    `Cluster name: wazuh

Connected nodes (1):

    master-node (127.0.0.1)
        Version: 4.14.7
        Type: master
        Active agents: 0

    worker1 (127.0.0.1)
        Version: 4.14.7
        Type: worker
        Active agents: 3
        Status:
            Last keep Alive:
                Last received: 2026-11-21T06:47:57.166103Z.
            Integrity check:
                Last integrity check: 0.008s (${START} - ${END}).
                Permission to check integrity: True.
            Integrity sync:
                Last integrity synchronization: 0.001s (${START} - ${START}).
                Synchronized files: Shared: 1 | Missing: 4 | Extra: 2.
            Agents-info:
                Last synchronization: 1.1s (${START} - 2026-11-21T06:47:51.108000Z).
                Number of synchronized chunks: 3.
                Permission to synchronize agent-info: False.
            Agents-groups:
                Last synchronization: n/a (${START} - n/a).
                Number of synchronized chunks: 0.
            Agents-groups full:
                Last synchronization: 0.008s (${START} - ${END}).
                Number of synchronized chunks: 1.

`,
  );
});

test("cluster_control and 'cluster' print the same, and JSON when it is wanted", async () => {
  const asked: JsonObject[] = [];
  const localSockets = await node(() => ({
    get_nodes: (payload) => {
      const value = parseJson(payload);
      if (isObject(value)) asked.push(value);
      return ok(JSON.stringify({ items: NODES, totalItems: 2 }));
    },
    get_config: () => ok('{"name": "wazuh"}'),
    get_health: () => ok(JSON.stringify(HEALTH)),
  }));
  for (const args of [
    ["cluster", "nodes"],
    ["cluster_control", "-l"],
    ["cluster_control", "--list-nodes"],
  ]) {
    const { stdout, exitCode } = await runCommand([...args, ...IN_HOME], { localSockets });
    assert.deepEqual([stdout.text, exitCode], [NODES_TEXT, 0]);
  }
  await runCommand(["cluster_control", "-l", "-fn", "a", "b", ...IN_HOME], { localSockets });
  assert.deepEqual(asked.at(-1)?.["filter_node"], ["a", "b"]);
  const json = await runCommand(["cluster_control", "-l", "--json", ...IN_HOME], { localSockets });
  assert.deepEqual(JSON.parse(json.stdout.text).items, NODES);
  const more = await runCommand(["cluster_control", "-i", "more", ...IN_HOME], { localSockets });
  assert.equal(more.stdout.text, detailedHealthText("wazuh", HEALTH));
  const short = await runCommand(["cluster", "health", ...IN_HOME], { localSockets });
  assert.equal(short.stdout.text, healthText("wazuh", HEALTH));
});

test("cluster_control asks a worker, which asks its master", async () => {
  const localSockets = await node((client) => ({
    get_nodes: () => {
      void client.request("control_res", Buffer.from(JSON.stringify({ items: NODES, totalItems: 2 })));
      return ok("Sent request to master node");
    },
  }));
  const { stdout } = await runCommand(["cluster_control", "-l", ...IN_HOME], { localSockets });
  assert.equal(stdout.text, NODES_TEXT);
});

test("cluster_control -a asks the distributed API with its filters", async () => {
  const asked: string[] = [];
  const localSockets = await node((client) => ({
    dapi: (payload) => {
      asked.push(payload.toString());
      const items = [{ id: "001", name: "web", ip: "any", status: "active", version: "v", node_name: "w1" }];
      void client
        .sendString(Buffer.from(pythonJson(writeObjects(new PlainResult({ items, totalItems: 1 })))))
        .then((sent) => client.request("dapi_res", Buffer.from(sent.kind === "sent" ? sent.id : "")));
      return ok("Added request to API requests queue");
    },
  }));
  const args = ["cluster_control", "-a", "-fs", "active", "pending", "-fn", "w1", ...IN_HOME];
  const { stdout } = await runCommand(args, { localSockets });
  assert.equal(
    stdout.text,
    "ID   NAME  IP   STATUS  VERSION  NODE NAME  \n001  web   any  active  v        w1         \n",
  );
  assert.match(asked[0] ?? "", /"filters": \{"status": "active,pending", "node_name": "w1"\}/);
  assert.match(asked[0] ?? "", /"__qualname__": "Agent.get_agents_overview"/);
});

test("cluster_control says with the peer's exit codes what went wrong", async () => {
  const error = new ClusterException({ class: "WazuhResourceNotFound", code: 1730 });
  const localSockets = await node(() => ({ get_nodes: () => refused(error) }));
  const missing = await runCommand(["cluster_control", "-l", ...IN_HOME], { localSockets });
  assert.deepEqual([missing.stdout.text, missing.exitCode], ["ERROR: Error 1730 - Node does not exist\n", 0]);
  const own = await runCommand(["cluster", "nodes", ...IN_HOME], { localSockets });
  assert.deepEqual([own.stderr.text, own.exitCode], ["cyb3rhq: Error 1730 - Node does not exist\n", 1]);
  for (const args of [["cluster", "agents", "--status", "gone"], ["cluster"], ["cluster", "nonsense"]]) {
    assert.equal((await runCommand([...args, ...IN_HOME], { localSockets })).exitCode, 2, args.join(" "));
  }
  const stopped = await runCommand(["cluster_control", "-l", ...IN_HOME]);
  assert.deepEqual([stopped.stdout.text, stopped.exitCode], ["ERROR: Cluster is not running.\n", 1]);
  const wrong = await runCommand(["cluster_control", "-l", "-fs", "active", ...IN_HOME]);
  assert.match(wrong.stdout.text, /^ERROR: Wrong arguments\.\nUsage:\n/);
  assert.equal(wrong.exitCode, 1);
  for (const args of [["-l", "-a"], ["-x"], ["-i", "less"]]) {
    assert.equal((await runCommand(["cluster_control", ...args])).exitCode, 2, args.join(" "));
  }
  for (const args of [[], ["-h"]]) {
    const help = await runCommand(["cluster_control", ...args]);
    assert.match(help.stdout.text, /--filter-node/);
    assert.equal(help.exitCode, 0);
  }
});

test("'cluster watch' draws what each look finds", async () => {
  let looks = 0;
  const localSockets = await node(() => ({
    get_health: () => {
      const nodes = { a: { info: { n_active_agents: looks++ } }, b: { info: { n_active_agents: 2 } } };
      return ok(JSON.stringify({ n_connected_nodes: 1, nodes }));
    },
  }));
  const fake = fakeProcess(["cluster", "watch", "--looks", "2", ...IN_HOME], { localSockets });
  const running = runProgram(fake);
  // The command is imported when it is called; the second look comes with the clock.
  while (fake.stdout.text === "") await new Promise((resolve) => setImmediate(resolve));
  while (!(await finished(running))) fake.clock.advance(1000);
  assert.match(fake.stdout.text, /^2 agents on 2 nodes.*\n/);
  assert.match(fake.stdout.text, /\n3 agents on 2 nodes, 1 on average; 5 s shown\n/);
});

async function finished(running: Promise<void>): Promise<boolean> {
  const turn = new Promise<boolean>((resolve) => setImmediate(() => resolve(false)));
  return Promise.race([running.then(() => true), turn]);
}

test("clusterd tests the configuration, and says whether it runs", async () => {
  const files = new FakeFiles();
  const write = (text: string) => files.replace(`${HOME}/etc/ossec.conf`, Buffer.from(text));
  const nowhere = await runCommand(["clusterd", ...IN_HOME], { files });
  assert.deepEqual(
    [nowhere.exitCode, nowhere.stderr.text],
    [1, `cyb3rhq: ${HOME} is no home directory yet; 'cyb3rhq start' makes it\n`],
  );
  files.makeDirectory(`${HOME}/etc`);
  write("<ossec_config><cluster><key>short</key></cluster></ossec_config>");
  const bad = await runCommand(["clusterd", "-t", ...IN_HOME], { files });
  assert.equal(bad.exitCode, 1);
  assert.match(
    bad.stderr.text,
    /Error 3004 - Error in cluster configuration: Key must be 32 characters long/,
  );
  for (const off of [
    "<ossec_config/>",
    "<ossec_config><cluster><disabled>yes</disabled></cluster></ossec_config>",
  ]) {
    write(off);
    const disabled = await runCommand(["cyb3rhq-clusterd", "-f", ...IN_HOME], { files });
    assert.deepEqual([disabled.exitCode, disabled.stdout.text], [0, ""]);
  }
  write(
    `<ossec_config><cluster><key>${"a".repeat(32)}</key><nodes><node>10.0.0.1</node></nodes></cluster></ossec_config>`,
  );
  assert.equal((await runCommand(["clusterd", "-t", ...IN_HOME], { files })).exitCode, 0);
  const stopped = await runCommand(["clusterd", "-f", ...IN_HOME], { files });
  assert.deepEqual([stopped.exitCode, /does not run/.test(stopped.stdout.text)], [1, true]);
  const localSockets = await node(() => ({ get_config: () => ok("{}") }));
  assert.equal((await runCommand(["clusterd", ...IN_HOME], { files, localSockets })).exitCode, 0);
  assert.match(
    (await runCommand(["clusterd", "-V"], { files: systemFiles })).stdout.text,
    /^cyb3rhq-clusterd /,
  );
});

test("the launcher's links lead to the tools", () => {
  const launcher = readFileSync(new URL("../../../cyb3rhq", import.meta.url), "utf8");
  assert.match(launcher, /cluster_control/);
  assert.match(launcher, /clusterd "\$@"/);
});
