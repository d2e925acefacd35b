/**
 * Goal: agents get the files of their groups, whoever changes them, while the manager runs. Method: a manager process on a home of its
 * own, an agent that takes files with code of its own, the command line beside them, and the files that users edit.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { enroll, TestAgent } from "#testing/agent.ts";
import { LOOPBACK, makeHome, readLog, removeHome, type TestHome, writeInto } from "./home.ts";
import { ManagerProcess } from "./manager-process.ts";
import { until } from "./until.ts";

const LAUNCHER = fileURLToPath(new URL("../../cyb3rhq", import.meta.url));
const WAIT_MS_MAX = 30_000;
const CONF = '<agent_config><labels><label key="a">b</label></labels></agent_config>\n';
const UNC =
  "<agent_config><localfile><log_format>syslog</log_format><location>\\\\host\\x</location></localfile></agent_config>\n";

function cyb3rhq(home: TestHome, ...args: readonly string[]): string {
  return execFileSync(LAUNCHER, [...args, "--home", home.path], { encoding: "utf8" });
}

/** Keepalives until the agent's files are so. */
async function untilShared(agent: TestAgent, what: string, holds: () => boolean): Promise<void> {
  const due = { ms: 0 };
  await until(what, WAIT_MS_MAX, () => {
    if (holds()) return true;
    if (Date.now() > due.ms) {
      due.ms = Date.now() + 300;
      agent.keepalive().catch(() => {});
    }
    return false;
  });
}

function groupStatus(home: TestHome): string {
  const shown: { readonly agents: readonly { readonly groupConfigStatus: string }[] } = JSON.parse(
    cyb3rhq(home, "groups", "show", "default", "--json"),
  );
  return shown.agents[0]?.groupConfigStatus ?? "";
}

/** `group` has a configuration of its own. */
async function managerWithAgent(t: TestContext, group: string) {
  const home = await makeHome();
  t.after(() => removeHome(home));
  writeInto(home.path, "etc/local_internal_options.conf", "remoted.shared_reload=1\n");
  writeInto(home.path, `etc/shared/${group}/agent.conf`, CONF);
  const manager = await ManagerProcess.start(home, ["--quiet"]);
  t.after(() => manager.kill());
  const identity = await enroll({ host: LOOPBACK, port: home.enrollmentPort, name: "web1" });
  const agent = new TestAgent({ host: LOOPBACK, port: home.agentPort, identity });
  t.after(() => agent.drop());
  await agent.connect();
  return { home, manager, agent, identity };
}

test("Manager sends agents the files of their groups and every change of them", async (t) => {
  const { home, manager, agent } = await managerWithAgent(t, "default");
  const file = (path: string) => agent.shared?.files.get(path);

  await untilShared(agent, "the files of default", () => agent.shared !== null);
  assert.equal(agent.shared?.name, "default");
  assert.equal(file("agent.conf"), CONF);
  assert.match(file("ar.conf") ?? "", /^restart-ossec0 - /);
  const merged = readFileSync(join(home.path, "etc/shared/default/merged.mg"));
  assert.equal(agent.shared?.sum, createHash("md5").update(merged).digest("hex"));
  await untilShared(agent, "the state of the agent", () => groupStatus(home) === "synced");
  assert.match(cyb3rhq(home, "groups", "list"), new RegExp(`\\ndefault +1 +${agent.shared?.sum}\\n`));

  writeInto(home.path, "etc/shared/default/agent.conf", UNC);
  await until("the refusal", WAIT_MS_MAX, () => readLog(home).includes("A path of another host is not sent"));
  await agent.keepalive();
  assert.equal(file("agent.conf"), CONF);
  // Larger than one turn of the sender, and events go on meanwhile.
  const list = "0123456789abcde\n".repeat(20_000);
  writeInto(home.path, "etc/shared/default/list.txt", list);
  writeInto(home.path, "etc/shared/default/agent.conf", `${CONF}<!-- 2 -->\n`);
  await untilShared(agent, "the change", () => file("agent.conf")?.endsWith("<!-- 2 -->\n") === true);
  await untilShared(agent, "the list", () => file("list.txt") === list);

  cyb3rhq(home, "groups", "add", "web");
  cyb3rhq(home, "groups", "assign", "001", "web");
  await untilShared(agent, "the files of two groups", () => agent.shared?.name === "5288d400");
  const ofWeb = readFileSync(join(home.path, "etc/shared/web/agent.conf"), "utf8");
  const sources = ["default", "web"].map((group) => `<!-- Source file: ${group}/agent.conf -->\n`);
  assert.equal(file("agent.conf"), `${sources[0]}${CONF}<!-- 2 -->\n${sources[1]}${ofWeb}`);
  assert(existsSync(join(home.path, "var/multigroups/5288d400/merged.mg")));

  const before = agent.filesTaken;
  cyb3rhq(home, "groups", "remove", "web");
  await untilShared(agent, "the files of one group", () => agent.shared?.name === "default");
  assert.equal(agent.filesTaken, before + 1, "each file is sent once");
  await agent.drop();
  assert.doesNotMatch(readLog(home), /Unable to make|\(1246\)/);
  const { milliseconds } = await manager.stop();
  assert(milliseconds < 10_000);
});

test("Manager puts agents into the groups that files.yml names", async (t) => {
  const { home, agent, identity } = await managerWithAgent(t, "web");
  await untilShared(agent, "the files of default", () => agent.shared?.name === "default");
  writeInto(home.path, "etc/shared/files.yml", `agents:\n  ${identity.id}: web\n`);
  await untilShared(agent, "the files of web", () => agent.shared?.name === "web");
  assert.equal(agent.shared?.files.get("agent.conf"), CONF);
  assert.match(readLog(home), /Agent '001' is in 'web' now, as etc\/shared\/files\.yml says/);
});
