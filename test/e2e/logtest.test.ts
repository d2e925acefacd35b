/**
 * Goal: the peer's tools find the log test where they look for it, and what they do there touches no agent. Method: a manager with a
 * rule file of its own, spoken to through the socket in its home.
 */
import assert from "node:assert/strict";
import { appendFileSync, existsSync, statSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { makeHome, readDocuments, readLog, removeHome, type TestHome, writeInto } from "./home.ts";
import { ManagerProcess } from "./manager-process.ts";
import { until } from "./until.ts";

const WAIT_MS_MAX = 30_000;
const STOP_MS_MAX = 10_000;
const RULE_FILE = "etc/rules/local_rules.xml";
const LOG = "Nov 21 10:00:01 web1 probe[1]: hello";

function ruleFile(ruleId: string): string {
  return `<group name="local,">
  <rule id="${ruleId}" level="5"><program_name>^probe$</program_name><description>Probe.</description></rule>
</group>
`;
}

const socketOf = (home: TestHome) => join(home.path, "queue/sockets/logtest");

async function setUp(t: TestContext): Promise<{ home: TestHome; manager: ManagerProcess }> {
  const home = await makeHome();
  t.after(() => removeHome(home));
  writeInto(home.path, RULE_FILE, ruleFile("100100"));
  const manager = await ManagerProcess.start(home, ["--quiet"]);
  t.after(() => manager.kill());
  return { home, manager };
}

type Answer = {
  readonly message?: string;
  readonly error: number;
  readonly data?: {
    readonly messages?: readonly string[];
    readonly token?: string;
    readonly output?: { readonly rule?: { readonly id: string } };
    readonly alert?: boolean;
    readonly codemsg?: number;
  };
};

/** What came until the end of the connection, behind its length; null when nothing came. */
function ask(home: TestHome, payload: string): Promise<Answer | null> {
  return new Promise((resolve, reject) => {
    const received: Buffer[] = [];
    const socket = connect(socketOf(home), () => {
      const header = Buffer.alloc(4);
      header.writeUInt32LE(Buffer.byteLength(payload));
      socket.write(Buffer.concat([header, Buffer.from(payload)]));
    });
    socket.on("data", (chunk: Buffer) => received.push(chunk));
    socket.on("error", reject);
    socket.on("close", () => {
      const bytes = Buffer.concat(received);
      resolve(bytes.length === 0 ? null : JSON.parse(bytes.toString("utf8", 4)));
    });
  });
}

function request(command: string, parameters: Readonly<Record<string, unknown>>): string {
  const origin = { name: "test", module: "e2e" };
  return JSON.stringify({ version: 1, origin, command, parameters });
}

const process = (home: TestHome, parameters: Readonly<Record<string, unknown>> = {}) =>
  ask(
    home,
    request("log_processing", { location: "stdin", log_format: "syslog", event: LOG, ...parameters }),
  );

test("cyb3rhq start serves the log test on its socket: new sessions see changed files, old ones keep theirs", async (t) => {
  const { home, manager } = await setUp(t);
  assert.equal(statSync(socketOf(home)).mode & 0o777, 0o660);
  const first = await process(home);
  const token = first?.data?.token;
  assert.equal(first?.data?.output?.rule?.id, "100100");
  assert.equal(first.data.alert, true);

  writeInto(home.path, RULE_FILE, ruleFile("100200"));
  assert.equal((await process(home))?.data?.output?.rule?.id, "100200");
  assert.equal((await process(home, { token }))?.data?.output?.rule?.id, "100100");

  writeInto(home.path, RULE_FILE, ruleFile("100300").replace("</rule>", "</role>"));
  const broken = await process(home);
  assert.equal(broken?.data?.codemsg, -1);
  assert.match(
    broken.data.messages?.[0] ?? "",
    /^ERROR: \(1226\): Error reading XML file 'etc\/rules\/local_rules.xml': /,
  );
  assert.equal(broken.data.messages?.at(-1), "ERROR: (7311): Failure to initializing session");
  assert.equal((await process(home, { token }))?.data?.output?.rule?.id, "100100");

  const removed = await ask(home, request("remove_session", { token }));
  assert.deepEqual(removed?.data, {
    messages: [`INFO: (7206): The session '${token}' was closed successfully`],
    codemsg: 0,
  });
  assert.ok(readDocuments(home, "alerts").every(({ full_log }) => full_log !== LOG));
  assert.equal(manager.ended, null);
});

test("cyb3rhq start outlives hostile clients of the log test, and stops with silent ones on it", async (t) => {
  const { home, manager } = await setUp(t);
  const hostile = [
    "{",
    "[".repeat(65_535),
    "\xff\xfe",
    "x".repeat(65_536),
    "",
    '{"parameters":{},"command":7}',
  ];
  for (const payload of hostile) assert.notEqual((await ask(home, payload))?.error, 0);
  const silent = Array.from({ length: 100 }, () => connect(socketOf(home)).on("error", () => {}));
  t.after(() => {
    for (const socket of silent) socket.destroy();
  });
  assert.equal((await process(home))?.error, 0);
  const { code, milliseconds } = await manager.stop();
  assert.equal(code, 0);
  assert.ok(milliseconds < STOP_MS_MAX, `${milliseconds} ms`);
  assert.ok(!existsSync(socketOf(home)));
});

test("cyb3rhq start serves no log test that the configuration forbids, and starts without one that cannot be had", async (t) => {
  const home = await makeHome();
  t.after(() => removeHome(home));
  writeInto(home.path, "queue/sockets/logtest", "in the way");
  const manager = await ManagerProcess.start(home, ["--quiet"]);
  t.after(() => manager.kill());
  await until("the refusal", WAIT_MS_MAX, () =>
    /ERROR: The log test cannot be served: .* is no socket$/m.test(readLog(home)),
  );
  await manager.stop();

  appendFileSync(
    join(home.path, "etc/ossec.conf"),
    "<ossec_config><rule_test><enabled>no</enabled></rule_test></ossec_config>\n",
  );
  const disabled = await ManagerProcess.start(home, ["--quiet"]);
  t.after(() => disabled.kill());
  assert.match(readLog(home), /INFO: \(7201\): Logtest disabled$/m);
});
