/**
 * Goal: an alert's active response reaches the agent that its event came from, as the peer would send it, once. Method: a manager
 * process with a response in its configuration, an agent of a second implementation; the manager is killed and started again.
 */
import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { AgentStore } from "#registry/agent-store.ts";
import { registryPaths } from "#registry/registry.ts";
import type { TestAgent } from "#testing/agent.ts";
import { FakeClock } from "#testing/clock.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import { connectedAgent } from "./agents.ts";
import { makeHome, readLog, readOutput, removeHome, type TestHome } from "./home.ts";
import { ManagerProcess } from "./manager-process.ts";
import { until } from "./until.ts";

const WAIT_MS_MAX = 30_000;
/** Of the rules that the program brings: a failed login of a user that does not exist. */
const RULE = "501011";
const EXECD = "#!-execd ";
const RESPONSES = `
  <cluster><node_name>node07</node_name><disabled>yes</disabled></cluster>
  <global><white_list>198.51.100.200</white_list></global>
  <command><name>firewall-drop</name><executable>firewall-drop</executable><extra_args>-a b</extra_args></command>
  <active-response>
    <command>firewall-drop</command><location>local</location><rules_id>${RULE}</rules_id><timeout>600</timeout>
  </active-response>
</ossec_config>`;

let home: TestHome;
let manager: ManagerProcess;
let agent: TestAgent;

before(async () => {
  home = await makeHome();
  const path = join(home.path, "etc/ossec.conf");
  writeFileSync(path, readFileSync(path, "latin1").replace("</ossec_config>", RESPONSES));
  manager = await ManagerProcess.start(home, ["--quiet"]);
  agent = await connectedAgent(home);
});

after(async () => {
  await agent.drop();
  if (manager.ended === null) await manager.kill();
  removeHome(home);
});

function reportFailure(address: string, user = "admin"): void {
  const text = `Failed password for invalid user ${user} from ${address} port 40000 ssh2`;
  agent.send(`1:/var/log/auth.log:Nov 21 10:00:01 web1 sshd[4120]: ${text}`);
}

function executions(): string[] {
  return agent.received.filter((message) => message.startsWith(EXECD));
}

function executionOf(address: string): string | undefined {
  return executions().find((message) => message.includes(`"srcip":"${address}"`));
}

/** What is sent depends on the agent's version, which it says when it connects: no keepalive was sent yet. */
async function versionKnown(): Promise<void> {
  const path = registryPaths(home.path).database;
  const needs = { clock: new FakeClock(), log: new RecordingLog(), metrics: new RecordingMetrics() };
  const store = new AgentStore({ path, ...needs });
  await until("the registry knows the agent's version", WAIT_MS_MAX, () =>
    store.list(null).some(({ info, status }) => info !== null && status === "pending"),
  );
  store.close();
}

function alertLine(address: string): string | undefined {
  return readOutput(home, "alerts", "json")
    .split("\n")
    .find((line) => line.includes(`"srcip":"${address}"`));
}

test("Manager tells the agent of an event to run the response, with the alert as it is written", async () => {
  await versionKnown();
  reportFailure("198.51.100.1");
  await until("the response", WAIT_MS_MAX, () => executionOf("198.51.100.1") !== undefined);
  const message = executionOf("198.51.100.1");
  const head =
    '{"version":1,"origin":{"name":"node07","module":"wazuh-analysisd"},"command":"firewall-drop600"';
  const alert = alertLine("198.51.100.1");
  assert.equal(message, `${EXECD}${head},"parameters":{"extra_args":["-a","b"],"alert":${alert}}}`);
});

test("Manager sends nothing for the white list and for texts that could be a command", async () => {
  reportFailure("198.51.100.200");
  reportFailure("198.51.100.2", "$(id)");
  reportFailure("198.51.100.3");
  await until("the last response", WAIT_MS_MAX, () => executionOf("198.51.100.3") !== undefined);
  assert.equal(executions().length, 2);
  await until("the warning", WAIT_MS_MAX, () => readLog(home).includes("Possible logging attack."));
  assert.match(readLog(home), /\(1272\): Invalid username '\$\(id\)'\. Possible logging attack\./);
});

test("Manager does not send a response again after it was killed", async () => {
  // Confirmed: the agent itself does not send the events again.
  await agent.keepalive();
  await manager.kill();
  await agent.closed;
  manager = await ManagerProcess.start(home, ["--quiet"]);
  await agent.connect();
  await versionKnown();
  reportFailure("198.51.100.4");
  await until("the next response", WAIT_MS_MAX, () => executionOf("198.51.100.4") !== undefined);
  const addresses = executions().map((message) => /"srcip":"([\d.]+)"/.exec(message)?.[1]);
  assert.deepEqual(addresses, ["198.51.100.1", "198.51.100.3", "198.51.100.4"]);
});

test("Manager keeps a record of each response and the names of commands for agents", () => {
  const path = join(home.path, "logs/responses/responses.json");
  const records = readFileSync(path, "latin1").trimEnd().split("\n");
  const shown = records.map((record) => {
    const { rule, srcip, responses } = JSON.parse(record);
    return [rule, srcip, responses];
  });
  const common = { executable: "firewall-drop", timeout: 600, extra_args: "-a b", target: "agent" };
  const responses = [{ command: "firewall-drop600", ...common, agent: agent.identity.id }];
  assert.deepEqual(
    shown,
    ["198.51.100.1", "198.51.100.3", "198.51.100.4"].map((address) => [RULE, address, responses]),
  );
  const arConf = join(home.path, "etc/shared/ar.conf");
  assert.match(readFileSync(arConf, "latin1"), /\nfirewall-drop600 - firewall-drop - 600\n$/);
  assert.equal(statSync(arConf).mode & 0o777, 0o640);
});
