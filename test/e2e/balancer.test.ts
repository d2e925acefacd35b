/**
 * Goal: behind a balancer an agent keeps the address that it has. Method: a real HAProxy between a test agent and the running manager,
 * with both versions of the PROXY protocol; the agent comes from another address of loopback than HAProxy does.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { connect } from "node:tls";
import { TestAgent, type TestAgentIdentity } from "#testing/agent.ts";
import { isListening, LOOPBACK, makeHome, readLog, removeHome, type TestHome } from "./home.ts";
import { ManagerProcess } from "./manager-process.ts";
import { until } from "./until.ts";

/** Where the agent's connections come from; HAProxy's come from 127.0.0.1. */
const AGENT_ADDRESS = "127.0.0.77";
const HAS_HAPROXY = spawnSync("haproxy", ["-v"]).status === 0;
const HAPROXY_MS_MAX = 10_000;

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, LOOPBACK, () => {
      const local = server.address();
      server.close(() => resolve(local !== null && typeof local === "object" ? local.port : 0));
    });
  });
}

function believeBalancer(home: TestHome): void {
  const path = join(home.path, "etc/ossec.conf");
  const option = `<proxy_protocol_from>${LOOPBACK}</proxy_protocol_from>`;
  const text = readFileSync(path, "latin1")
    .replace("</remote>", `${option}</remote>`)
    .replace("</auth>", `${option}<use_source_ip>yes</use_source_ip></auth>`);
  writeFileSync(path, text, "latin1");
}

async function startBalancer(t: TestContext, home: TestHome, send: string) {
  const agentPort = await freePort();
  const enrollmentPort = await freePort();
  const path = join(home.path, "haproxy.cfg");
  const proxied = (name: string, port: number, behind: number) => `
listen ${name}
  bind ${LOOPBACK}:${port}
  server manager ${LOOPBACK}:${behind} check inter 100 ${send}`;
  const text = `
defaults
  mode tcp
  timeout connect 5s
  timeout client 30s
  timeout server 30s
${proxied("register", enrollmentPort, home.enrollmentPort)}
${proxied("report", agentPort, home.agentPort)}
`;
  writeFileSync(path, text);
  const child: ChildProcess = spawn("haproxy", ["-db", "-q", "-f", path], { stdio: "ignore" });
  t.after(() => child.kill("SIGKILL"));
  await until("HAProxy listens", HAPROXY_MS_MAX, () => isListening(enrollmentPort));
  return { agentPort, enrollmentPort };
}

function enroll(port: number, name: string): Promise<TestAgentIdentity> {
  return new Promise((resolve, reject) => {
    const from = { host: LOOPBACK, port, localAddress: AGENT_ADDRESS, rejectUnauthorized: false };
    const socket = connect(from, () => socket.write(`OSSEC A:'${name}' V:'v4.14.7'\n`));
    let answer = "";
    socket.on("data", (chunk) => {
      answer += chunk;
    });
    socket.on("error", reject);
    socket.on("close", () => {
      const [, id = "", agent = "", address = "", key = ""] =
        /^OSSEC K:'(\S+) (\S+) (\S+) (\S+)'$/.exec(answer) ?? [];
      if (id === "") reject(new Error(`no key: ${answer}`));
      else resolve({ id, name: agent, address, key });
    });
  });
}

for (const send of ["send-proxy", "send-proxy-v2"]) {
  const skip = !HAS_HAPROXY && "no haproxy program: the manager was not tried behind a real balancer";
  test(`Manager knows agents behind HAProxy by their own address (${send})`, { skip }, async (t) => {
    const home = await makeHome();
    believeBalancer(home);
    const manager = await ManagerProcess.start(home, ["--quiet"]);
    t.after(async () => {
      await manager.stop();
      removeHome(home);
    });
    const { agentPort, enrollmentPort } = await startBalancer(t, home, send);

    const identity = await enroll(enrollmentPort, "behind");
    assert.equal(identity.address, AGENT_ADDRESS);
    assert.match(readLog(home), /Received request for a new agent \(behind\) from: 127\.0\.0\.77/);

    // Its key is for its address: HAProxy's would be refused, and so would another client of HAProxy.
    const stranger = new TestAgent({ host: LOOPBACK, port: agentPort, identity, answerTimeoutMs: 2000 });
    await assert.rejects(stranger.connect());
    await until("the refusal is said", HAPROXY_MS_MAX, () => readLog(home).includes("from '127.0.0.1'"));

    const agent = new TestAgent({ host: LOOPBACK, port: agentPort, identity, localAddress: AGENT_ADDRESS });
    await agent.connect();
    await agent.shutdown();
    assert.doesNotMatch(readLog(home), /without a PROXY header/);
  });
}
