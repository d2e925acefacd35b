/**
 * Goal: while another process holds the registry's database, agents enrol, connect and report; what could not be written is made good
 * afterwards. And the manager's own notices and state files are there. Method: a manager process, a second process with an exclusive lock.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { makeCertificate } from "#enrollment/certificate.ts";
import { systemRandom } from "#kernel/platform/random.ts";
import { AgentStore } from "#registry/agent-store.ts";
import { registryPaths } from "#registry/registry.ts";
import { enroll, TestAgent } from "#testing/agent.ts";
import { FakeClock } from "#testing/clock.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import { LOOPBACK, makeHome, readDocuments, readLog, removeHome, type TestHome, writeInto } from "./home.ts";
import { ManagerProcess } from "./manager-process.ts";
import { until } from "./until.ts";

const WAIT_MS_MAX = 30_000;
const DAY_MS = 86_400_000;
/** That of the manager's certificates. */
const VALID_DAYS = 3650;
const LOCKER = `
const { DatabaseSync } = require("node:sqlite");
const database = new DatabaseSync(process.argv[1]);
database.exec("BEGIN EXCLUSIVE");
console.log("locked");
process.stdin.on("data", () => { database.exec("COMMIT"); process.exit(0); });
`;

let home: TestHome;
let manager: ManagerProcess;

before(async () => {
  home = await makeHome();
  const nowMs = Date.now() - (VALID_DAYS - 3) * DAY_MS + 3_600_000;
  const { certificate, key } = await makeCertificate(
    { hostName: "m", addresses: [LOOPBACK], nowMs },
    systemRandom,
  );
  writeInto(home.path, "etc/sslmanager.cert", certificate);
  writeInto(home.path, "etc/sslmanager.key", key);
  writeFileSync(
    join(home.path, "etc/local_internal_options.conf"),
    "analysisd.state_interval=1\nremoted.state_interval=1\n",
  );
  manager = await ManagerProcess.start(home, ["--quiet"]);
});

after(async () => {
  if (manager.ended === null) await manager.kill();
  removeHome(home);
});

async function lock(): Promise<ChildProcess> {
  const child = spawn(process.execPath, ["-e", LOCKER, registryPaths(home.path).database]);
  await once(child.stdout, "data");
  return child;
}

function stored(): string[] {
  const needs = { clock: new FakeClock(), log: new RecordingLog(), metrics: new RecordingMetrics() };
  const store = new AgentStore({ path: registryPaths(home.path).database, ...needs });
  const rows = store.list(null).map(({ id, status, info }) => `${id} ${status} ${info?.os.platform ?? "-"}`);
  store.close();
  return rows;
}

test("Manager serves agents while another process holds the registry, and stores afterwards what it learned", async () => {
  const locker = await lock();
  const identity = await enroll({ host: LOOPBACK, port: home.enrollmentPort, name: "web1" });
  const agent = new TestAgent({ host: LOOPBACK, port: home.agentPort, identity });
  try {
    await agent.connect();
    agent.send("1:/var/log/x:while it is locked");
    await agent.keepalive();
    await until("the event", WAIT_MS_MAX, () =>
      readDocuments(home, "archive").some(({ full_log }) => full_log === "while it is locked"),
    );
    assert.match(readFileSync(join(home.path, "etc/client.keys"), "latin1"), /^001 web1 any [0-9a-f]{64}\n$/);
    const said = () => readLog(home).split("Unable to write the agent registry").length - 1;
    assert.equal(said(), 1);
    locker.stdin?.write("go\n");
    await once(locker, "exit");
    await until("the registry is written", WAIT_MS_MAX, () =>
      readLog(home).includes("registry is written again"),
    );
    // The same as before: told whole, because the registry has forgotten it.
    await agent.keepalive();
    await until("the agent's row", WAIT_MS_MAX, () => stored()[0] === "001 active debian");
    assert.equal(said(), 1);
  } finally {
    locker.kill();
    await agent.drop();
  }
});

test("Manager tells as an alert that its certificate expires", async () => {
  await until("the alert", WAIT_MS_MAX, () =>
    readDocuments(home, "alerts").some(
      ({ rule, full_log }) => rule?.id === "500301" && full_log.includes("3 days left"),
    ),
  );
});

test("Manager keeps the peer's state files", async () => {
  const state = (daemon: string) => readFileSync(join(home.path, `var/run/${daemon}.state`), "latin1");
  await until("the counters", WAIT_MS_MAX, () => !state("wazuh-analysisd").includes("events_received='0'"));
  await until("the counters", WAIT_MS_MAX, () => /^evt_count='[1-9]/m.test(state("wazuh-remoted")));
});
