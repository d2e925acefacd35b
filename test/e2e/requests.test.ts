/**
 * Goal: the command line reaches agents through the running manager, and upgrades them. Method: a manager process, the commands as
 * processes of their own, agents of a second implementation that answer; one of them lies about the package that it got.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFileSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { enroll, TestAgent, type TestAgentIdentity } from "#testing/agent.ts";
import { frameOf, TestFrames } from "#testing/agent-link.ts";
import { issueServer, selfSigned } from "#testing/certificates.ts";
import { WebServer } from "#testing/web-server.ts";
import { LOOPBACK, makeHome, readLog, removeHome, type TestHome } from "./home.ts";
import { ManagerProcess } from "./manager-process.ts";
import { until } from "./until.ts";

const LAUNCHER = fileURLToPath(new URL("../../cyb3rhq", import.meta.url));
const VECTOR = new URL("../vectors/agent/wpk.json", import.meta.url);
const vector: {
  readonly root_ca_pem: string;
  readonly wpk_base64: string;
  readonly tampered_wpk_base64: string;
} = JSON.parse(readFileSync(VECTOR, "utf8"));
const WAIT_MS_MAX = 30_000;
const OLD = "v4.9.2";
const NEW = "v4.14.7";
const PACKAGE_NAME = `wazuh_agent_${NEW}_linux_x86_64.deb.wpk`;

/** Of agents on Debian. */
const REPOSITORY_NAME = `wazuh_agent_${NEW}_linux_amd64.deb.wpk`;

let home: TestHome;
let manager: ManagerProcess;
let package_: string;
let repository: WebServer;

type Ran = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

function cyb3rhq(...args: readonly string[]): Promise<Ran> {
  const child = spawn(LAUNCHER, [...args, "--home", home.path], { stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString("latin1");
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString("latin1");
  });
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, stdout, stderr })));
}

/** An agent that takes a package and comes back with the new version; one that lies has other bytes than it was sent. */
class UpgradableAgent {
  readonly identity: TestAgentIdentity;
  readonly #lies: boolean;
  readonly asked: string[] = [];
  #agent: TestAgent;
  #written: Buffer[] = [];

  constructor(identity: TestAgentIdentity, lies = false) {
    this.identity = identity;
    this.#lies = lies;
    this.#agent = this.#make(OLD);
  }

  get received(): readonly string[] {
    return this.#agent.received;
  }

  async connect(): Promise<void> {
    await this.#agent.connect();
    await this.#agent.keepalive();
  }

  sendRaw(event: string): void {
    this.#agent.sendRaw(event);
  }

  drop(): Promise<void> {
    return this.#agent.drop();
  }

  #make(version: string): TestAgent {
    return new TestAgent({
      host: LOOPBACK,
      port: home.agentPort,
      identity: this.identity,
      version,
      answers: (target, payload) => this.#answer(target, payload),
    });
  }

  #answer(target: string, payload: string): string | null {
    this.asked.push(`${target} ${payload.slice(0, 40)}`);
    if (target === "silent") return null;
    if (target === "agent") return `ok {"client":{"notify_time":20}}`;
    if (target === "com") return "ok ";
    const { command, parameters } = JSON.parse(payload);
    if (command === "open") this.#written = [];
    if (command === "write") this.#written.push(Buffer.from(parameters.buffer, "base64"));
    if (command === "upgrade") setImmediate(() => void this.#comeBack());
    const sum = createHash("sha1").update(Buffer.concat(this.#written)).digest("hex");
    const messages = new Map([
      ["sha1", this.#lies ? "0".repeat(40) : sum],
      ["upgrade", "0"],
    ]);
    return JSON.stringify({ error: 0, message: messages.get(command) ?? "ok", data: [] });
  }

  async #comeBack(): Promise<void> {
    await this.#agent.shutdown();
    this.#agent = this.#make(NEW);
    await this.#agent.connect();
    this.#agent.sendRaw(
      'u:upgrade_module:{"command":"upgrade_update_status","parameters":{"error":0,"message":"Upgrade was successful","status":"Done"}}',
    );
    // Until one comes that is surely later than the upgrade's beginning, to the second.
    for (let round = 0; round < 3; round++) {
      await this.#agent.keepalive();
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}

const agents: UpgradableAgent[] = [];

async function addAgent(name: string, lies = false): Promise<UpgradableAgent> {
  const identity = await enroll({ host: LOOPBACK, port: home.enrollmentPort, name, version: OLD });
  const agent = new UpgradableAgent(identity, lies);
  agents.push(agent);
  await agent.connect();
  await until("the registry knows the agent", WAIT_MS_MAX, async () => {
    const { stdout } = await cyb3rhq("agents", "list", "--json");
    const listed: { id: string; status: string; version: string | null }[] = JSON.parse(stdout);
    return listed.some(
      ({ id, status, version }) => id === identity.id && status === "active" && version !== null,
    );
  });
  return agent;
}

before(async () => {
  home = await makeHome();
  const root = await selfSigned("authority", "repository");
  repository = await WebServer.start(await issueServer(root));
  writeFileSync(join(home.path, "etc/repository.pem"), root.certificate);
  const section = `<agent-upgrade><wpk_repository>${repository.address}4.x</wpk_repository>
    <wpk_repository_ca>etc/repository.pem</wpk_repository_ca></agent-upgrade>`;
  appendFileSync(join(home.path, "etc/ossec.conf"), `<ossec_config>${section}</ossec_config>\n`);
  manager = await ManagerProcess.start(home, ["--quiet"]);
  writeFileSync(join(home.path, "etc/wpk_root.pem"), vector.root_ca_pem);
  package_ = join(home.path, PACKAGE_NAME);
  writeFileSync(package_, Buffer.from(vector.wpk_base64, "base64"));
});

after(async () => {
  for (const agent of agents) await agent.drop();
  if (manager.ended === null) await manager.kill();
  await repository.stop();
  removeHome(home);
});

test("'agents request', 'getconfig', 'restart' and 'reconnect' reach an agent", async () => {
  const agent = await addAgent("web1");
  const { id } = agent.identity;
  const config = await cyb3rhq("agents", "getconfig", id, "agent", "client", "--json");
  assert.deepEqual([config.code, config.stdout], [0, '{"client":{"notify_time":20}}\n']);
  const answer = await cyb3rhq("agents", "request", id, "agent", "getconfig", "client");
  assert.deepEqual([answer.code, answer.stdout], [0, 'ok {"client":{"notify_time":20}}\n']);
  assert.deepEqual(agent.asked.slice(0, 2), ["agent getconfig client", "agent getconfig client"]);
  assert.equal((await cyb3rhq("agents", "restart", id)).stdout, `${id}: restart asked for\n`);
  assert.equal((await cyb3rhq("agents", "reconnect", id)).code, 0);
  assert(agent.received.includes("#!-force_reconnect"));
  const unknown = await cyb3rhq("agents", "request", "009", "agent", "getstate");
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /There is no such agent/);
  assert.equal((await cyb3rhq("agents", "restart", "9")).stdout, "009: There is no such agent\n");
});

test("the peer's socket answers as the peer's does, and only its group may use it", async () => {
  const path = join(home.path, "queue/sockets/remote");
  assert.equal(statSync(path).mode & 0o777, 0o660);
  assert.equal(statSync(join(home.path, "queue/sockets/cyb3rhq")).mode & 0o777, 0o660);
  const ask = (request: string) =>
    new Promise<string>((resolve, reject) => {
      const frames = new TestFrames();
      const socket = connect(path, () => socket.write(frameOf(Buffer.from(request))));
      socket.on("data", (chunk: Buffer) => {
        for (const frame of frames.push(chunk)) resolve(frame.toString("latin1"));
      });
      socket.on("error", reject);
    });
  assert.equal(await ask("001 agent getconfig client"), 'ok {"client":{"notify_time":20}}');
  assert.equal(await ask("009 agent getstate"), "err Cannot send request");
  const statistics = JSON.parse(
    await ask('{"command":"getagentsstats","parameters":{"agents":"all","last_id":0}}'),
  );
  assert.equal(statistics.error, 0);
  assert.equal(statistics.data.agents[0].metrics.messages.received_breakdown.control_breakdown.startup, 1);
  const config = JSON.parse(await ask('{"command":"getconfig","parameters":{"section":"remote"}}'));
  assert.equal(config.data.remote[0].port, String(home.agentPort));
  const group = JSON.parse(await ask('{"command":"assigngroup","parameters":{"agent":"001","md5":"x"}}'));
  assert.deepEqual(group.data, { group: "default" });
});

test("an agent whose results of configuration assessment are not all known is asked for them", async () => {
  const [agent] = agents;
  const counts = { passed: 1, failed: 1, invalid: 0, total_checks: 2, score: 50, start_time: 1, end_time: 2 };
  const names = { name: "Own policy", policy_id: "own", file: "own.yml", hash: "h1", hash_file: "f1" };
  const texts = { description: "text", references: "ref", first_scan: 1 };
  const summary = { type: "summary", scan_id: 123, ...names, ...texts, ...counts };
  agent?.sendRaw(`p:sca:${JSON.stringify(summary)}`);
  await until("it is asked", WAIT_MS_MAX, () => agent?.received.includes("#!-sca-dump:own:1") === true);
});

test("'agents upgrade' upgrades who takes the package, says who does not, and agents are told that we know", async () => {
  await addAgent("web2");
  await addAgent("web3", true);
  const args = [
    "agents",
    "upgrade",
    "--all",
    "--wpk",
    package_,
    "--canary",
    "1",
    "--wave",
    "2",
    "--max-failures",
    "2",
  ];
  const upgrade = await cyb3rhq(...args, "--health-seconds", "60");
  assert.equal(upgrade.code, 1);
  assert.match(upgrade.stdout, /003 +failed +Wazuh v4\.9\.2 +Send verify sha1 error: the agent has 0{40}/);
  const upgrades = await cyb3rhq("agents", "upgrades", "1", "--json");
  const { counts, tasks } = JSON.parse(upgrades.stdout);
  assert.deepEqual([counts.updated, counts.failed], [2, 1]);
  assert.deepEqual(tasks[0].message, `Wazuh ${NEW}`);
  const [first] = agents;
  await until("the report is cleared", WAIT_MS_MAX, () =>
    (first?.asked ?? []).some((asked) => asked.includes("clear_upgrade_result")),
  );
  assert.match(readLog(home), /Upgrade 1 has ended: 2 agents updated, 1 failed\./);
});

test("'agents upgrade' without a package takes that of the repository, which must be signed too", async () => {
  const signed = Buffer.from(vector.wpk_base64, "base64");
  let bytes = signed;
  repository.answer = ({ url = "" }, response) => {
    const sum = createHash("sha1").update(bytes).digest("hex");
    if (url === "/4.x/linux/deb/amd64/versions") response.end(`${NEW} ${sum}\n`);
    else if (url === `/4.x/linux/deb/amd64/${REPOSITORY_NAME}`) response.end(bytes);
    else response.writeHead(404).end();
  };
  const args = ["agents", "upgrade", "001", "--force", "--canary", "0", "--health-seconds", "60"];
  const upgrade = await cyb3rhq(...args, "--json");
  const { version, refused, upgrades } = JSON.parse(upgrade.stdout);
  assert.deepEqual([upgrade.code, version, refused], [0, NEW, []]);
  assert.deepEqual([upgrades[0].file, upgrades[0].counts.updated], [REPOSITORY_NAME, 1]);
  const again = await cyb3rhq("agents", "upgrade", "001", "--to-version", "4.14.6", "--force");
  assert.equal(again.code, 1);
  assert.match(again.stdout, /^001: not upgraded: The version of the WPK does not exist in the repository/);
  bytes = Buffer.from(vector.tampered_wpk_base64, "base64");
  const tampered = await cyb3rhq(...args);
  assert.deepEqual(
    [tampered.code, tampered.stderr.split("\n").at(-2)],
    [1, "cyb3rhq: Failed to verify signature."],
  );
});

test("'agents upgrade' refuses a package that is not signed by the trusted root", async () => {
  const tampered = join(home.path, "tampered.wpk");
  writeFileSync(tampered, Buffer.from(vector.tampered_wpk_base64, "base64"));
  const { code, stderr } = await cyb3rhq("agents", "upgrade", "003", "--wpk", tampered);
  assert.deepEqual([code, stderr], [1, "cyb3rhq: Failed to verify signature.\n"]);
});

test("upgrades are known after the manager was killed, and no command reaches it meanwhile", async () => {
  await manager.kill();
  const alone = await cyb3rhq("agents", "upgrades");
  assert.equal(alone.code, 1);
  assert.match(alone.stderr, /No manager can be reached/);
  manager = await ManagerProcess.start(home, ["--quiet"]);
  const { stdout } = await cyb3rhq("agents", "upgrades");
  assert.match(stdout, /^1 .* ended +2 updated, 1 failed /);
});
