/** Goal: the peer's program names work, the manager runs in the background by one of them. Method: the links of bin/ as processes, a home of its own. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { enroll, TestAgent } from "#testing/agent.ts";
import { LOOPBACK, makeHome, removeHome, temporaryDirectory, writeInto } from "./home.ts";

const BIN = fileURLToPath(new URL("../../bin", import.meta.url));

function run(
  name: string,
  ...args: readonly string[]
): { readonly code: number | null; readonly text: string } {
  const { status, stdout, stderr } = spawnSync(join(BIN, name), args, { encoding: "latin1" });
  return { code: status, text: stdout + stderr };
}

test("every link of bin/ runs the command of its name", () => {
  const commands = new Map([
    ["agent-auth", "agent-auth"],
    ["agent_groups", "agent_groups"],
    ["cluster_control", "cluster_control"],
    ["cyb3rhq-authd", "authd"],
    ["cyb3rhq-clusterd", "clusterd"],
    ["cyb3rhq-control", "control"],
    ["manage_agents", "manage_agents"],
    ["ossec-authd", "authd"],
  ]);
  assert.deepEqual(readdirSync(BIN).sort(), [...commands.keys()]);
  for (const [name, command] of commands) {
    const { code, text } = run(name, "--help");
    assert.equal(code, 0, text);
    assert.match(text, new RegExp(`^Usage: cyb3rhq ${command}[ |]`), name);
  }
  const folder = temporaryDirectory();
  symlinkSync(join(BIN, "cyb3rhq-control"), join(folder, "wazuh-control"));
  const { stdout } = spawnSync(join(folder, "wazuh-control"), ["info", "-v"], { encoding: "latin1" });
  assert.equal(stdout, "v4.14.7\n");
  rmSync(folder, { recursive: true });
});

test("cyb3rhq-control runs the manager in the background, manage_agents and agents find each other", async () => {
  const home = await makeHome();
  const control = (...args: readonly string[]) => run("cyb3rhq-control", ...args, "--home", home.path);
  try {
    assert.deepEqual(control("status"), { code: 1, text: "cyb3rhq-managerd not running...\n" });
    assert.deepEqual(control("start"), { code: 0, text: "Started cyb3rhq-managerd...\nCompleted.\n" });
    assert.equal(control("status").text, "cyb3rhq-managerd is running...\n");
    assert.equal(
      control("start", "-j").text,
      '{"error":0,"data":[{"daemon":"cyb3rhq-managerd","status":"running"}]}\n',
    );
    const identity = await enroll({ host: LOOPBACK, port: home.enrollmentPort, name: "web1" });
    const { id } = identity;
    const agent = new TestAgent({ host: LOOPBACK, port: home.agentPort, identity });
    await agent.connect();
    agent.send("1:/var/log/x:hello");
    await agent.keepalive();
    const launcher = fileURLToPath(new URL("../../cyb3rhq", import.meta.url));
    const list = ["agents", "list", "--statistics", "--json", "--home", home.path];
    const [listed] = JSON.parse(spawnSync(launcher, list, { encoding: "latin1" }).stdout);
    await agent.drop();
    assert.deepEqual([listed.id, listed.statistics.events, listed.statistics.lost], [id, 1, 0]);
    assert.match(listed.statistics.lastMessage, /^\d{4}-\d\d-\d\dT/);
    assert.match(run("manage_agents", "-l", "--home", home.path).text, new RegExp(`ID: ${id}, Name: web1`));
    const pid = () => readFileSync(join(home.path, "var/run/cyb3rhq-manager.pid"), "latin1");
    const before = pid();
    assert.equal(control("restart").code, 0);
    assert.notEqual(pid(), before);
  } finally {
    assert.equal(control("stop").code, 0);
    const node = `<cluster><key>${"k".repeat(32)}</key><nodes><node>10.0.0.1</node></nodes></cluster>`;
    writeInto(home.path, "etc/ossec.conf", `<ossec_config>${node}</ossec_config>`);
    const status = "cyb3rhq-clusterd not running...\ncyb3rhq-managerd not running...\n";
    assert.deepEqual(control("status"), { code: 1, text: status });
    writeInto(home.path, "etc/ossec.conf", "<ossec_config><auth><port>x</port></auth></ossec_config>");
    const { code, text } = control("start");
    assert.equal(code, 1);
    assert.match(text, /Invalid value for element 'port'/);
    removeHome(home);
  }
});
