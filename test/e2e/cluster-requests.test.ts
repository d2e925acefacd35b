/**
 * Goal: what a worker cannot do itself its master does: agents enrol, groups change, agents of any node are told. Method: a master and a worker as
 * processes, asked through the enrollment port and the local sockets.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { newRequest } from "#cluster/dapi/request.ts";
import type { JsonObject } from "#formats/wire/cluster/json-value.ts";
import { SystemClock } from "#kernel/platform/clock.ts";
import { systemLocalSockets } from "#kernel/platform/local-sockets.ts";
import { askCluster } from "#local-sockets/cluster-client.ts";
import { enroll, TestAgent } from "#testing/agent.ts";
import { freePort, LOOPBACK, makeHome, removeHome, type TestHome } from "./home.ts";
import { ManagerProcess } from "./manager-process.ts";
import { until } from "./until.ts";

const LAUNCHER = fileURLToPath(new URL("../../cyb3rhq", import.meta.url));
const KEY = "c98b62a9b6169ac5f67dae55ae4a9088";
const RULES =
  '<group name="own,"><rule id="100001" level="3"><description>Own.</description></rule></group>\n';
const WAIT_MS_MAX = 60_000;

async function makeNode(name: string, type: "master" | "worker", port: number): Promise<TestHome> {
  const home = await makeHome();
  const cluster = `<ossec_config><cluster><node_name>${name}</node_name><node_type>${type}</node_type><key>${KEY}</key>
    <port>${port}</port><bind_addr>${LOOPBACK}</bind_addr><nodes><node>${LOOPBACK}</node></nodes></cluster></ossec_config>\n`;
  appendFileSync(join(home.path, "etc/ossec.conf"), cluster);
  return home;
}

/** `agent.get_agents`: module and name. */
async function api(
  home: TestHome,
  name: string,
  values: JsonObject,
  type: "local_any" | "local_master" | "distributed_master",
) {
  const [module = "", plainName = ""] = name.split(".");
  const path = join(home.path, "queue/cluster/c-internal.sock");
  const request = newRequest({ module: `wazuh.${module}`, function: plainName, arguments: values, type });
  const needs = { localSockets: systemLocalSockets, clock: new SystemClock(), path };
  const answer = await askCluster(needs, "dapi", request);
  assert(answer.kind === "ok", answer.kind === "failed" ? answer.error.text : "");
  const value = JSON.parse(answer.payload.toString());
  return value.__wazuh_result__?.__object__ ?? value;
}

test("agents of a worker enrol at its master, and requests go where they belong", async (t) => {
  const port = await freePort();
  const master = await makeNode("em", "master", port);
  const worker = await makeNode("w1", "worker", port);
  for (const home of [master, worker]) t.after(() => removeHome(home));
  mkdirSync(join(master.path, "etc/shared/web"), { recursive: true });
  mkdirSync(join(master.path, "etc/rules"), { recursive: true });
  writeFileSync(join(master.path, "etc/rules/local_rules.xml"), RULES);
  const atMaster = await ManagerProcess.start(master, ["--quiet"]);
  t.after(() => atMaster.kill());
  const atWorker = await ManagerProcess.start(worker, ["--quiet"]);
  t.after(() => atWorker.kill());
  const identity = await enroll({
    host: LOOPBACK,
    port: worker.enrollmentPort,
    name: "web1",
    groups: "web",
  });
  const again = enroll({ host: LOOPBACK, port: worker.enrollmentPort, name: "web2", groups: "nowhere" });
  await assert.rejects(again, /ERROR: Invalid Group\(s\) Name\(s\)\. Unable to add agent/);

  const agent = new TestAgent({ host: LOOPBACK, port: worker.agentPort, identity });
  t.after(() => agent.drop());
  await until("its key came to the worker", WAIT_MS_MAX, () =>
    agent.connect().then(
      () => true,
      () => false,
    ),
  );
  await agent.keepalive();
  await until("the master knows that it is there", WAIT_MS_MAX, async () => {
    const { affected_items: items } = await api(
      worker,
      "agent.get_agents",
      { agent_list: [identity.id] },
      "local_master",
    );
    return items[0].node_name === "w1" && items[0].status === "active" && items[0].group.join() === "web";
  });
  const groups = (...args: readonly string[]) =>
    execFileSync(LAUNCHER, ["groups", ...args, "--home", worker.path], { encoding: "utf8", stdio: "pipe" });
  assert.equal(groups("add", "db"), "Group 'db' created.\n");
  assert(existsSync(join(master.path, "etc/shared/db/agent.conf")), "the group is the master's");
  assert.equal(groups("assign", identity.id, "db"), `Agent '${identity.id}' added to 'db'.\n`);
  assert.equal(
    groups("unassign", identity.id, "web"),
    `Agent '${identity.id}' removed from 'web'. It is in db now.\n`,
  );
  assert.throws(() => groups("add", "db"), /Error 1711 - The group already exists/);
  const told = await api(
    master,
    "agent.reconnect_agents",
    { agent_list: [identity.id, "777"] },
    "distributed_master",
  );
  assert.deepEqual([told.affected_items, told.failed_items_values], [[identity.id], [["777"]]]);
  await until("it was told to connect again", WAIT_MS_MAX, () =>
    agent.received.some((text) => text.includes("force_reconnect")),
  );
  const restarted = await api(
    worker,
    "agent.restart_agents",
    { agent_list: [identity.id] },
    "distributed_master",
  );
  assert.deepEqual(restarted.affected_items, [identity.id]);
  await until("it was told to restart", WAIT_MS_MAX, () =>
    agent.received.some(
      (text) => text.startsWith("#!-execd ") && text.includes('"command": "restart-wazuh0"'),
    ),
  );
  await until("the worker lists the master's own rule", WAIT_MS_MAX, async () => {
    const own = { relative_dirname: "etc/rules", select: ["id", "status"] };
    const { affected_items: rules } = await api(worker, "rule.get_rules", own, "local_any");
    return JSON.stringify(rules) === '[{"id":100001,"status":"enabled"}]';
  });
  const valid = await api(master, "manager.validation", {}, "distributed_master");
  assert.deepEqual(valid.affected_items, [
    { name: "em", status: "OK" },
    { name: "w1", status: "OK" },
  ]);
  await api(
    worker,
    "agent.delete_agents",
    { agent_list: [identity.id], filters: { older_than: "0s" }, purge: true },
    "local_master",
  );
  const gone = await api(worker, "agent.get_agents", { agent_list: [identity.id] }, "local_master");
  assert.equal(gone.total_failed_items, 1);
  await Promise.all([atMaster.stop(), atWorker.stop()]);
});
