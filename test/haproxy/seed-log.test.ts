/**
 * Goal: a master that starts beside HAProxy writes the very lines of cluster.log that the manual shows. Method: the cluster daemon
 * with a clock that stands still, its log at debug level 2, the stand-in of the Data Plane API over a real HAProxy; the clock is moved
 * where the manual's does.
 */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { ClusterDaemon } from "#daemons/cluster/daemon.ts";
import { homePaths } from "#daemons/home.ts";
import { readSettings } from "#daemons/settings.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { Registry, registryPaths } from "#registry/registry.ts";
import { FakeClock } from "#testing/clock.ts";
import { until } from "../e2e/until.ts";
import { DataPlaneStandIn } from "./data-plane.ts";
import { NO_HAPROXY } from "./haproxy-process.ts";
import { freePort } from "./helper-run.ts";

const SEED_LINES = `
2024/04/05 19:23:06 DEBUG: [Cluster] [Main] Removing '/var/ossec/queue/cluster/'.
2024/04/05 19:23:06 DEBUG: [Cluster] [Main] Removed '/var/ossec/queue/cluster/'.
2024/04/05 19:23:06 INFO: [Local Server] [Main] Serving on /var/ossec/queue/cluster/c-internal.sock
2024/04/05 19:23:06 DEBUG: [Local Server] [Keep alive] Calculating.
2024/04/05 19:23:06 DEBUG: [Local Server] [Keep alive] Calculated.
2024/04/05 19:23:06 INFO: [Master] [Main] Serving on ('0.0.0.0', 1516)
2024/04/05 19:23:06 DEBUG: [Master] [Keep alive] Calculating.
2024/04/05 19:23:06 DEBUG: [Master] [Keep alive] Calculated.
2024/04/05 19:23:06 INFO: [Master] [Local integrity] Starting.
2024/04/05 19:23:06 INFO: [Master] [Local agent-groups] Sleeping 30s before starting the agent-groups task, waiting for the workers connection.
2024/04/05 19:23:06 INFO: [HAPHelper] [Main] Proxy was initialized
2024/04/05 19:23:06 INFO: [HAPHelper] [Main] Ensuring only exists one HAProxy process. Sleeping 12s before start...
2024/04/05 19:23:06 INFO: [Master] [Local integrity] Finished in 0.090s. Calculated metadata of 34 files.
2024/04/05 19:23:14 INFO: [Master] [Local integrity] Starting.
2024/04/05 19:23:14 INFO: [Master] [Local integrity] Finished in 0.005s. Calculated metadata of 34 files.
2024/04/05 19:23:18 DEBUG2: [HAPHelper] [Proxy] Obtained proxy backends
2024/04/05 19:23:18 DEBUG2: [HAPHelper] [Proxy] Obtained proxy frontends
2024/04/05 19:23:18 INFO: [HAPHelper] [Main] Starting HAProxy Helper
2024/04/05 19:23:18 DEBUG2: [HAPHelper] [Proxy] Obtained proxy servers
`
  .trim()
  .split("\n");
const SEED_START = new Date(2024, 3, 5, 19, 23, 6).getTime();
const SEED_FILES = 34;
/** How long the manual's first and second look at the files took. */
const LOOKS_MS = [90, 5];
const BACKEND = "cyb3rhq_reporting";
const FRONTEND = "cyb3rhq_reporting_front";
/** Longer than the cluster waits for its helper when it stops. */
const STOP_MS = 10_000;
const STEP_MS_MAX = 15_000;

function configuration(port: number, dataPlanePort: number, agentPort: number): string {
  return `<ossec_config>
  <cluster>
    <name>cyb3rhq</name>
    <node_name>master-node</node_name>
    <node_type>master</node_type>
    <key>9d273b53510fef702b54a92e9cffc82e</key>
    <port>${port}</port>
    <bind_addr>127.0.0.1</bind_addr>
    <nodes><node>127.0.0.1</node></nodes>
    <hidden>no</hidden>
    <disabled>no</disabled>
    <haproxy_helper>
      <haproxy_disabled>no</haproxy_disabled>
      <haproxy_address>127.0.0.1</haproxy_address>
      <haproxy_port>${dataPlanePort}</haproxy_port>
      <haproxy_user>haproxyuser</haproxy_user>
      <haproxy_password>haproxypass</haproxy_password>
    </haproxy_helper>
  </cluster>
  <remote><connection>secure</connection><port>${agentPort}</port></remote>
</ossec_config>
`;
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** A home whose nodes have as many files in common as the manual's. */
function makeHome(home: string, config: string): void {
  write(join(home, "etc/ossec.conf"), config);
  write(join(home, "etc/local_internal_options.conf"), "wazuh_clusterd.debug=2\n");
  write(join(home, "etc/client.keys"), "");
  for (let index = 1; index < SEED_FILES; index++) write(join(home, `etc/rules/${index}.xml`), "<group/>\n");
  for (const directory of ["queue/db", "queue/cluster", "logs"])
    mkdirSync(join(home, directory), { recursive: true });
}

test("cluster.log of a master with the HAProxy helper has the lines of the manual", {
  skip: NO_HAPROXY,
}, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "seed-log-"));
  const credentials = { user: "haproxyuser", password: "haproxypass" };
  const [port, agentPort] = [await freePort(), await freePort()];
  const standIn = await DataPlaneStandIn.start({
    ...{ directory, ...credentials, bindAddress: "127.0.0.1" },
    model: {
      global: { daemon: "enabled", maxconn: 400, hard_stop_after: 12_000 },
      backends: [{ name: BACKEND, mode: "tcp", balance: { algorithm: "leastconn" } }],
      frontends: [{ name: FRONTEND, mode: "tcp", default_backend: BACKEND }],
      binds: { [FRONTEND]: [{ name: "1514", port: agentPort }] },
    },
  });
  const home = join(directory, "home");
  makeHome(home, configuration(port, standIn.port, agentPort));

  const clock = new FakeClock(SEED_START);
  const lines = () => readFileSync(join(home, "logs/cluster.log"), "latin1").trim().split("\n");
  const looks = [...LOOKS_MS];
  const metrics = { add: () => {}, set: () => {} };
  const registry = new Registry({
    files: systemFiles,
    clock,
    log: { write: () => {} },
    metrics,
    paths: registryPaths(home),
  });
  registry.start();
  const settings = readSettings(systemFiles, homePaths(home));
  const daemon = await ClusterDaemon.start({
    settings,
    home,
    clock,
    metrics,
    agents: registry.agents.sync,
    activeAgents: () => new Map(),
    reloadRules: () => {},
    services: {
      home,
      hostname: "cyb3rhq-master",
      registry,
      askEnrollment: async () => null,
      askConnection: async () => null,
      askTasks: () => Buffer.alloc(0),
      agentWork: {
        restart: async () => null,
        reconnect: async () => null,
        respond: async () => null,
        knowsResponse: () => false,
      },
      restart: async () => null,
      validate: async () => [],
      rulesetFiles: () => {
        throw new Error("nobody asks for rules here");
      },
    },
    echo: (_, line) => {
      if (line.endsWith("[Local integrity] Starting.\n")) clock.advance(looks.shift() ?? 0);
    },
  });
  t.after(async () => {
    const stopped = daemon?.stop();
    await delay(0);
    clock.advance(STOP_MS);
    await stopped;
    registry.stop();
    await standIn.stop();
    rmSync(directory, { recursive: true });
  });
  /** The line is written, this often or more. */
  const said = (text: string, times = 1) =>
    until(text, STEP_MS_MAX, () => lines().filter((line) => line.includes(text)).length >= times);

  await said("Calculated metadata of");
  await said("Sleeping 12s before start");
  clock.advance(8000);
  await said("Calculated metadata of", 2);
  clock.advance(4000);
  await said("Obtained proxy servers");

  const written = lines().map((line) =>
    line.replace(home, "/var/ossec").replace(`('127.0.0.1', ${port})`, "('0.0.0.0', 1516)"),
  );
  // There are more, such as those about other front ends; but these in this order.
  let at = -1;
  const missing = SEED_LINES.filter((line) => {
    const next = written.indexOf(line, at + 1);
    if (next >= 0) at = next;
    return next < 0;
  });
  assert.deepEqual(missing, [], written.join("\n"));
});
