/**
 * Goal: programs that ask the peer's daemons for their configuration, have it tested, or have the rule set read again get the peer's answers
 * from a running manager. Method: a manager process, and a client of the sockets that knows nothing of its code.
 */
import assert from "node:assert/strict";
import { appendFileSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { makeHome, readLog, removeHome, type TestHome, writeInto } from "./home.ts";
import { ManagerProcess } from "./manager-process.ts";

const RULE =
  '<group name="x,"><rule id="100100" level="3"><match>zz</match><description>z</description></rule></group>';

let home: TestHome;
let manager: ManagerProcess;

before(async () => {
  home = await makeHome();
  writeInto(home.path, "etc/local_internal_options.conf", "monitord.day_wait=11\n");
  writeInto(home.path, "etc/rules/local_rules.xml", RULE);
  manager = await ManagerProcess.start(home, ["--quiet"]);
});

after(async () => {
  if (manager.ended === null) await manager.kill();
  removeHome(home);
});

/** As the peer's programs ask: the length, the text, and an answer of the same form. */
function ask(socket: string, text: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const chunks: Buffer[] = [];
  const client = connect(join(home.path, "queue/sockets", socket), () => {
    const head = Buffer.alloc(4);
    head.writeUInt32LE(Buffer.byteLength(text));
    client.write(Buffer.concat([head, Buffer.from(text)]));
  });
  client.on("data", (chunk: Buffer) => chunks.push(chunk));
  client.on("error", reject);
  client.on("close", () => {
    const answer = Buffer.concat(chunks);
    assert.equal(answer.readUInt32LE(0), answer.length - 4);
    resolve(answer.toString("latin1", 4));
  });
  return promise;
}

function analysis(command: string, parameters: object = {}): Promise<string> {
  return ask("analysis", JSON.stringify({ version: 1, origin: { module: "api" }, command, parameters }));
}

test("Manager tells on the sockets of the peer's daemons what is configured", async () => {
  for (const socket of ["com", "analysis", "logcollector", "monitor", "wmodules"])
    assert.equal(statSync(join(home.path, "queue/sockets", socket)).mode & 0o777, 0o660, socket);
  assert.match(await ask("monitor", "getconfig internal"), /^ok \{"monitord":\{"day_wait":11,/);
  const responses = 'ok  {"active-response":{"disabled":"no"}}';
  assert.equal(await ask("com", "getconfig active-response"), responses);
  const none = "err Unable to connect with socket. The component might be disabled";
  assert.equal(await ask("com", "getconfig cluster"), none);
  assert.match(await ask("logcollector", "getconfig socket"), /^ok \{"socket":\[\{"name":"agent",/);
  assert.match(await ask("wmodules", "getconfig wmodules"), /^ok \{"wmodules":\[\{"agent-upgrade":\{/);
  const alerts = { email_alert_level: 12, log_alert_level: 3, use_geoip: "no" };
  assert.deepEqual(JSON.parse(await analysis("getconfig", { section: "alerts" })), {
    error: 0,
    message: "ok",
    data: { alerts },
  });
  const { data } = JSON.parse(await analysis("getconfig", { section: "rules" }));
  assert(data.rules.includes("etc/rules/local_rules.xml"));
});

test("Manager tests its configuration and rule set as a start would, while it runs on", async () => {
  const config = join(home.path, "etc/ossec.conf");
  const written = readFileSync(config, "utf8");
  const check = async () => JSON.parse(await ask("com", "check-manager-configuration"));
  assert.deepEqual(await check(), { error: 0, message: "ok" });

  writeFileSync(config, written.replace(/<port>[0-9]+</, "<port>x<"));
  const { error, message } = await check();
  assert.equal(error, 1);
  // The peer's API looks for these.
  const found = message
    .split("\n")
    .map((line: string) => /^.*(?:ERROR: |CRITICAL: )(?:\[.*\] )?(.*)$/.exec(line)?.[1]);
  assert.match(found[0], /^\(1235\): Invalid value for element 'port': x\. \(.*ossec\.conf:[0-9]+:[0-9]+/);
  assert.equal(found.at(-1), "(1202): Configuration error at 'etc/ossec.conf'.");
  writeFileSync(config, written);

  writeInto(home.path, "etc/rules/bad.xml", '<group name="x"><rule id="100100" level="99"/></group>');
  const ruleset = await check();
  assert.equal(ruleset.error, 1);
  assert.match(ruleset.message, /^[0-9/]+ [0-9:]+ cyb3rhq-managerd: ERROR: .*bad\.xml/);
  const due = JSON.parse(await analysis("reload-ruleset"));
  assert.deepEqual([due.error, due.message], [1, "due"]);
  assert.match(due.data[0], /bad\.xml/);
  writeInto(home.path, "etc/rules/bad.xml", RULE.replace("100100", "100101"));
  assert.deepEqual(JSON.parse(await analysis("reload-ruleset")), { error: 0, message: "ok", data: [] });
});

test("Manager takes orders of upgrades on the peer's sockets", async () => {
  const order = (command: string, agents: readonly number[]) =>
    JSON.stringify({ version: 1, origin: { module: "api" }, command, parameters: { agents } });
  assert.deepEqual(JSON.parse(await ask("../tasks/upgrade", order("upgrade", [0, 42]))), {
    error: 0,
    data: [
      { error: 7, message: "Action not available for Manager (agent 000)", agent: 0 },
      { error: 6, message: "Agent information not found in database", agent: 42 },
    ],
    message: "Success",
  });
  assert.deepEqual(JSON.parse(await ask("../tasks/task", order("upgrade_result", [42]))), {
    error: 0,
    data: [{ error: 3, message: "No task in DB", agent: 42 }],
    message: "Success",
  });
});

test("Manager is not restarted while a program holds that off", async () => {
  assert.equal(await ask("com", "lock_restart -1"), "ok ");
  assert.equal(await ask("com", "restart"), "ok ");
  assert.match(readLog(home), /cyb3rhq-execd: INFO: Agent auto-restart locked for 600 seconds\./);
  assert.equal(manager.ended, null);
  appendFileSync(join(home.path, "etc/ossec.conf"), "<nonsense/>");
  assert.equal(await ask("com", "lock_restart 0"), "ok ");
  assert.equal(await ask("com", "restart"), "err Cannot execute restart process");
  assert.match(readLog(home), /ERROR: The manager cannot be restarted: The manager would not start again/);
});
