/**
 * Goal: a manager that cannot start says why, in lines that lead to the place, and leaves nothing behind. Method: give it one
 * thing it cannot start with, and look at its exit code, its words, its ports and its haste.
 */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { freePort, isListening, LOOPBACK, makeHome, removeHome, type TestHome, writeInto } from "./home.ts";
import { ManagerProcess } from "./manager-process.ts";

/** A part that waits for another that failed shows as the 10 s after which the manager ends what has not stopped. */
const HASTE_MS_MAX = 9000;

type Refusal = { readonly stderr: string; readonly portsSeen: readonly number[] };

async function temporaryHome(t: TestContext): Promise<TestHome> {
  const home = await makeHome();
  t.after(() => removeHome(home));
  return home;
}

/** Runs the manager to its end and looks all the time whether one of the ports is served. */
async function refusal(home: TestHome): Promise<Refusal> {
  const begun = performance.now();
  const manager = ManagerProcess.launch(home.path);
  const portsSeen = new Set<number>();
  while (manager.ended === null) {
    for (const port of [home.agentPort, home.enrollmentPort]) {
      if (await isListening(port)) portsSeen.add(port);
    }
  }
  assert.deepEqual(manager.ended, { code: 1, signal: null });
  assert.equal(manager.stdout, "");
  const milliseconds = performance.now() - begun;
  assert(milliseconds < HASTE_MS_MAX, `${milliseconds} ms`);
  return { stderr: manager.stderr, portsSeen: [...portsSeen] };
}

function occupy(port: number): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.listen(port, LOOPBACK, () => resolve(server));
  });
}

function insertBefore(path: string, mark: string, text: string): void {
  const before = readFileSync(path, "latin1");
  assert(before.includes(mark));
  writeFileSync(path, before.replace(mark, `${text}${mark}`), "latin1");
}

for (const name of ["agentPort", "enrollmentPort"] as const) {
  test(`Manager refuses to start when its ${name} is taken, and says which it is`, async (t) => {
    const home = await temporaryHome(t);
    const server = await occupy(home[name]);
    t.after(() => server.close());
    const { stderr } = await refusal(home);
    assert.equal(stderr, `cyb3rhq: Port ${home[name]} is taken on ${LOOPBACK}\n`);
    const other = name === "agentPort" ? home.enrollmentPort : home.agentPort;
    assert(!(await isListening(other)));
  });
}

test("Manager names every error of ossec.conf by line and column and opens no port", async (t) => {
  const home = await temporaryHome(t);
  const path = join(home.path, "etc/ossec.conf");
  insertBefore(path, "  <remote>", "  <alerts>\n    <log_alert_level>many</log_alert_level>\n  </alerts>\n");
  insertBefore(path, "  <ruleset>", "  <auth>\n    <port>70000</port>\n  </auth>\n");
  const { stderr, portsSeen } = await refusal(home);
  const lines = stderr
    .replace(/^cyb3rhq: /, "")
    .trimEnd()
    .split("\n");
  const text = readFileSync(path, "latin1").split("\n");
  const places = ["many", "70000"].map((value) => {
    const line = text.findIndex((content) => content.includes(value));
    return `${path}:${line + 1}:${(text[line] ?? "").indexOf(value) + 1}: error: `;
  });
  assert.equal(lines.length, places.length, stderr);
  for (const [index, place] of places.entries())
    assert(lines[index]?.startsWith(place), `${stderr}\n${place}`);
  assert.deepEqual(portsSeen, []);
});

test("Manager names every error of a rule file by line and column and opens no port", async (t) => {
  const home = await temporaryHome(t);
  const rules = `<group name="local,">
  <rule id="100100" level="many">
    <description>A level that is none.</description>
  </rule>
  <rule id="100101" level="three">
    <description>Another one.</description>
  </rule>
</group>
`;
  writeInto(home.path, "etc/rules/local_rules.xml", rules);
  const { stderr, portsSeen } = await refusal(home);
  const lines = stderr
    .replace(/^cyb3rhq: /, "")
    .trimEnd()
    .split("\n");
  const places = lines.map((line) => /\betc\/rules\/local_rules\.xml:(\d+):\d+: error: ./.exec(line)?.[1]);
  assert.deepEqual([...new Set(places)], ["2", "5"], stderr);
  assert.deepEqual(portsSeen, []);
});

test("Manager says in cluster.log too what is wrong with the cluster's configuration", async (t) => {
  const home = await temporaryHome(t);
  const cluster = "<cluster><key>short</key><nodes><node>10.0.0.1</node></nodes></cluster>\n";
  insertBefore(join(home.path, "etc/ossec.conf"), "</ossec_config>", cluster);
  const { stderr, portsSeen } = await refusal(home);
  const text = "Error 3004 - Error in cluster configuration: Key must be 32 characters long";
  assert(stderr.includes(text));
  const log = readFileSync(join(home.path, "logs/cluster.log"), "latin1");
  assert.match(log, new RegExp(`^[0-9/]{10} [0-9:]{8} ERROR: \\[Cluster\\] \\[Main\\] ${text}`));
  assert.deepEqual(portsSeen, []);
});

test("Manager refuses to start when the cluster's port is taken, and says which it is", async (t) => {
  const home = await temporaryHome(t);
  const port = await freePort();
  const server = await occupy(port);
  t.after(() => server.close());
  const cluster = `<cluster><key>${"k".repeat(32)}</key><port>${port}</port><bind_addr>${LOOPBACK}</bind_addr>
    <nodes><node>10.0.0.1</node></nodes></cluster>\n`;
  insertBefore(join(home.path, "etc/ossec.conf"), "</ossec_config>", cluster);
  const manager = await ManagerProcess.refused(home.path);
  assert.match(manager.stderr, new RegExp(`cyb3rhq: Port ${port} is taken on ${LOOPBACK}\n$`));
  const log = readFileSync(join(home.path, "logs/cluster.log"), "latin1");
  assert.match(
    log,
    new RegExp(` ERROR: \\[Cluster\\] \\[Main\\] Could not start master: Port ${port} is taken`),
  );
});

test("Manager says what to do when the home cannot be written", async (t) => {
  const home = await temporaryHome(t);
  // Nobody may make a folder below a file, not even root.
  const path = join(home.path, "etc/ossec.conf/home");
  const { stderr } = await refusal({ ...home, path });
  assert.match(stderr, /^cyb3rhq: The home directory [^\n]* cannot be written [^\n]*--home[^\n]*\n$/);
  assert(stderr.includes(path));
});

test("Manager says what is wrong with a journal that cannot be used", async (t) => {
  const home = await temporaryHome(t);
  writeInto(home.path, "queue/journal/0000000000000000.seg", "");
  mkdirSync(join(home.path, "queue/journal/epoch"));
  const { stderr, portsSeen } = await refusal(home);
  assert.match(stderr, /^cyb3rhq: [^\n]+\n$/);
  assert.deepEqual(portsSeen, []);
});
