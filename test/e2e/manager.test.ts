/**
 * Goal: what agents report is alerted on once, whatever the manager is asked to do meanwhile. Method: one manager process on a
 * home of its own, agents of a second implementation on real sockets, and the files that users read.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { AgentStore } from "#registry/agent-store.ts";
import { registryPaths } from "#registry/registry.ts";
import { enroll, TestAgent } from "#testing/agent.ts";
import { FakeClock } from "#testing/clock.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import {
  type AlertDocument,
  LOOPBACK,
  makeHome,
  readDocuments,
  readLog,
  readOutput,
  removeHome,
  type TestHome,
} from "./home.ts";
import { ManagerProcess } from "./manager-process.ts";
import { until } from "./until.ts";

const AGENTS = 100;
const FAILED_LOGINS = 4;
const OUTPUT_MS_MAX = 30_000;
/** What the manager promises. */
const STOP_MS_MAX = 10_000;
/** Of the rules that the program brings. */
const RULE_LOGIN = "501001";
const RULE_FAILED_LOGIN = "501011";
const RULE_AGENT_STOPPED = "500003";

/** Each line is told from every other by the number of its process. */
type Sent = { readonly agentId: string; readonly rule: string; readonly log: string };

let home: TestHome;
let manager: ManagerProcess;
let agents: TestAgent[] = [];
let processes = 0;
const sent: Sent[] = [];

before(async () => {
  home = await makeHome();
  manager = await ManagerProcess.start(home, ["--quiet"]);
});

after(async () => {
  await Promise.all(agents.map((agent) => agent.drop()));
  if (manager.ended === null) await manager.kill();
  removeHome(home);
});

function report(agent: TestAgent, rule: string, text: string): void {
  const log = `Nov 21 10:00:01 web1 sshd[${++processes}]: ${text}`;
  sent.push({ agentId: agent.identity.id, rule, log });
  agent.send(`1:/var/log/auth.log:${log}`);
}

function reportLogin(agent: TestAgent): void {
  report(agent, RULE_LOGIN, "Accepted publickey for alice from 192.0.2.7 port 40000 ssh2");
}

function reportFailures(agent: TestAgent): void {
  // An address for each agent: failures of one address would also be a brute force.
  const address = `198.51.100.${Number(agent.identity.id)}`;
  for (let count = 0; count < FAILED_LOGINS; count++) {
    report(
      agent,
      RULE_FAILED_LOGIN,
      `Failed password for invalid user admin from ${address} port 40000 ssh2`,
    );
  }
}

/** Alerts about what agents sent; this host's own logs are events too. */
function agentDocuments(kind: "alerts" | "archive"): AlertDocument[] {
  return readDocuments(home, kind).filter(({ agent }) => agent.id !== "000");
}

function sshdDocuments(kind: "alerts" | "archive"): AlertDocument[] {
  return agentDocuments(kind).filter((document) => document.full_log.includes("sshd["));
}

function summary(document: AlertDocument): Sent {
  return { agentId: document.agent.id, rule: document.rule?.id ?? "", log: document.full_log };
}

function byLog(a: Sent, b: Sent): number {
  return a.log < b.log ? -1 : 1;
}

function assertEachOnce(kind: "alerts" | "archive"): void {
  assert.deepEqual(sshdDocuments(kind).map(summary).sort(byLog), [...sent].sort(byLog), kind);
}

function openStore(): AgentStore {
  const path = registryPaths(home.path).database;
  const log = new RecordingLog();
  return new AgentStore({ path, clock: new FakeClock(), log, metrics: new RecordingMetrics() });
}

test("Manager serves 100 agents that enrol at once and connect right away", async () => {
  agents = await Promise.all(
    Array.from({ length: AGENTS }, async (_, index) => {
      const name = `web${index}`;
      const identity = await enroll({ host: LOOPBACK, port: home.enrollmentPort, name });
      const agent = new TestAgent({ host: LOOPBACK, port: home.agentPort, identity });
      await agent.connect();
      return agent;
    }),
  );
  const identities = agents.map(({ identity }) => identity);
  assert.equal(new Set(identities.map(({ id }) => id)).size, AGENTS);
  const lines = readFileSync(join(home.path, "etc/client.keys"), "latin1").trimEnd().split("\n");
  const expected = identities.map(({ id, name, address, key }) => `${id} ${name} ${address} ${key}`);
  assert.deepEqual(lines.toSorted(), expected.toSorted());
});

test("Manager writes exactly one alert for each event, with its agent and rule", async () => {
  for (const agent of agents) {
    reportFailures(agent);
    reportLogin(agent);
  }
  await Promise.all(agents.map((agent) => agent.keepalive()));
  await until("all alerts", OUTPUT_MS_MAX, () => sshdDocuments("alerts").length >= sent.length);
  assertEachOnce("alerts");
});

test("Manager numbers alerts in the order of the file, each number once", () => {
  let last = -1;
  for (const { id } of readDocuments(home, "alerts")) {
    const [, seconds, number] = /^(\d{10})\.(\d+)$/.exec(id) ?? [];
    assert(seconds !== undefined, id);
    assert(Number(number) > last, `${id} follows ${last}`);
    last = Number(number);
  }
});

test("Manager writes the same alerts to alerts.log and every event to the archives", async () => {
  await until("the archive", OUTPUT_MS_MAX, () => sshdDocuments("archive").length >= sent.length);
  assertEachOnce("archive");
  await until("alerts.log", OUTPUT_MS_MAX, () => {
    const logged = readOutput(home, "alerts", "log").match(/^\*\* Alert [\d.]+/gm) ?? [];
    return logged.length >= readDocuments(home, "alerts").length;
  });
  const ids = readDocuments(home, "alerts").map(({ id }) => id);
  const logged = [...readOutput(home, "alerts", "log").matchAll(/^\*\* Alert ([\d.]+):/gm)];
  assert.deepEqual(
    logged.map(([, id]) => id),
    ids,
  );
  const archive = readOutput(home, "archive", "log");
  for (const { log } of sent) assert.equal(archive.split(`${log}\n`).length, 2, log);
});

test("Manager says that an agent stopped", async () => {
  const leaver = agents.at(-1);
  assert(leaver !== undefined);
  await leaver.shutdown();
  const ofLeaver = (document: AlertDocument) =>
    document.agent.id === leaver.identity.id && document.rule?.id === RULE_AGENT_STOPPED;
  await until("the notice", OUTPUT_MS_MAX, () => agentDocuments("alerts").some(ofLeaver));
  const { name } = leaver.identity;
  const [notice] = agentDocuments("alerts").filter(ofLeaver);
  assert.equal(notice?.full_log, `ossec: Agent stopped: '${name}->any'.`);
});

test("Manager refuses a home that another one holds, and the other goes on", async () => {
  const second = await ManagerProcess.refused(home.path);
  assert.deepEqual(second.ended, { code: 1, signal: null });
  assert.match(second.stderr, new RegExp(`^cyb3rhq: [^\\n]*pid ${manager.pid} [^\\n]*\\n$`));
  await agents[0]?.keepalive();
});

test("Manager.stop() writes what was accepted and ends in time", async () => {
  const connected = agents.slice(0, -1);
  for (const agent of connected) reportLogin(agent);
  await Promise.all(connected.map((agent) => agent.keepalive()));
  const { code, signal, milliseconds } = await manager.stop();
  assert.deepEqual({ code, signal, stderr: manager.stderr }, { code: 0, signal: null, stderr: "" });
  assert(milliseconds < STOP_MS_MAX, `${milliseconds} ms`);
  assertEachOnce("alerts");
  assertEachOnce("archive");
  assert(!existsSync(join(home.path, "var/run/cyb3rhq-manager.pid")));
});

test("Manager keeps in the registry who is active and who said goodbye", () => {
  const store = openStore();
  const records = store.list(null);
  store.close();
  const leaver = agents.at(-1)?.identity.id;
  assert.equal(records.length, AGENTS);
  for (const { id, status, statusCode, info } of records) {
    const expected =
      id === leaver ? { status: "disconnected", statusCode: 3 } : { status: "active", statusCode: 0 };
    assert.deepEqual({ status, statusCode }, expected, id);
    assert.equal(info?.version, "Wazuh v4.14.7", id);
  }
});

test("Manager serves again on the same home and writes nothing twice", async () => {
  manager = await ManagerProcess.start(home, ["--quiet"]);
  await Promise.all(agents.map((agent) => agent.connect()));
  for (const agent of agents) reportLogin(agent);
  await Promise.all(agents.map((agent) => agent.keepalive()));
  await manager.stop();
  assertEachOnce("alerts");
  assertEachOnce("archive");
  const log = readLog(home);
  assert.doesNotMatch(log, / (?:ERROR|CRITICAL): /);
});
