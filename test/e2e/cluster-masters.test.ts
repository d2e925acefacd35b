/**
 * Goal: a node of a cluster is seen where it should be, and not where it should not: hidden, disabled, or a second master. Method: manager processes on
 * addresses of the loopback, the command line beside them.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { connectedAgent } from "./agents.ts";
import { freePort, LOOPBACK, makeHome, readDocuments, removeHome, type TestHome, writeInto } from "./home.ts";
import { ManagerProcess } from "./manager-process.ts";
import { until } from "./until.ts";

const LAUNCHER = fileURLToPath(new URL("../../cyb3rhq", import.meta.url));
const KEY = "c98b62a9b6169ac5f67dae55ae4a9088";
const OTHER_LOOPBACK = "127.0.0.2";
const WAIT_MS_MAX = 30_000;
const RULE =
  '<group name="local,"><rule id="100100" level="3"><match>cluster marker</match><description>Found</description></rule></group>\n';
const LOG = "Nov 21 06:44:10 host prog[1]: cluster marker";

type Place = {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly more?: string;
};

async function makeMaster({ name, address, port, more = "" }: Place): Promise<TestHome> {
  const home = await makeHome();
  const cluster = `<ossec_config><cluster><node_name>${name}</node_name><key>${KEY}</key><port>${port}</port>
    <bind_addr>${address}</bind_addr><nodes><node>${LOOPBACK}</node></nodes>${more}</cluster></ossec_config>\n`;
  appendFileSync(join(home.path, "etc/ossec.conf"), cluster);
  return home;
}

function cyb3rhq({ path }: TestHome, ...args: readonly string[]) {
  const { status, stdout } = spawnSync(LAUNCHER, [...args, "--home", path], { encoding: "utf8" });
  return { status, stdout };
}

function clusterLog({ path }: TestHome): string {
  return readFileSync(join(path, "logs/cluster.log"), "latin1");
}

test("two masters say so, and a hidden node is in no alert but in the list", async (t) => {
  const port = await freePort();
  const first = await makeMaster({ name: "first", address: LOOPBACK, port, more: "<hidden>yes</hidden>" });
  const second = await makeMaster({ name: "second", address: OTHER_LOOPBACK, port });
  writeInto(first.path, "etc/rules/local.xml", RULE);
  for (const home of [first, second]) {
    t.after(() => removeHome(home));
    const manager = await ManagerProcess.start(home, ["--quiet"]);
    t.after(() => manager.kill());
  }
  const agent = await connectedAgent(first);
  t.after(() => agent.drop());
  agent.send(`1:/var/log/x:${LOG}`);
  await agent.keepalive();
  const alert = () => readDocuments(first, "alerts").find(({ full_log }) => full_log === LOG);
  await until("the alert", WAIT_MS_MAX, () => alert() !== undefined);
  assert.equal(alert()?.cluster, undefined);
  assert.match(cyb3rhq(first, "cluster_control", "-l").stdout, /^first +master +4\.14\.7 +127\.0\.0\.1 *$/m);

  await until("both masters say so", WAIT_MS_MAX, () =>
    [first, second].every((home) => clusterLog(home).includes("Another master")),
  );
  assert.match(
    clusterLog(first),
    / ERROR: \[Master\] \[Main\] Another master, 'second' at 127\.0\.0\.\d, has this cluster's name and key\. A cluster has only one/,
  );
  assert.match(
    clusterLog(second),
    / ERROR: \[Master\] \[Main\] Another master is at 127\.0\.0\.1, which <nodes> of this one names\. A cluster has only one/,
  );
  assert(!cyb3rhq(first, "cluster_control", "-l").stdout.includes("second"));
});

test("a node that is disabled listens nowhere, and its daemon has nothing to do", async (t) => {
  const port = await freePort();
  const place = { name: "off", address: LOOPBACK, port, more: "<disabled>yes</disabled>" };
  const home = await makeMaster(place);
  t.after(() => removeHome(home));
  const manager = await ManagerProcess.start(home, ["--quiet"]);
  t.after(() => manager.kill());
  const refusal = await new Promise<string | undefined>((resolve) => {
    const socket = connect({ host: LOOPBACK, port });
    socket.once("connect", () => resolve("connected"));
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code));
  });
  assert.equal(refusal, "ECONNREFUSED");
  assert(!existsSync(join(home.path, "queue/cluster/c-internal.sock")));
  assert.equal(cyb3rhq(home, "clusterd", "-f").status, 0);
  assert.deepEqual(cyb3rhq(home, "cluster_control", "-l"), {
    status: 1,
    stdout: "ERROR: Cluster is not running.\n",
  });
});
