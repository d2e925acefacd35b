/**
 * Goal: what the manager does by the clock: it reads changed rules by itself, writes firewall.log, and holds events back above a
 * limit without losing one. Method: a manager with such options, events over one connection, a stop while events wait.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { TestAgent } from "#testing/agent.ts";
import { connectedAgent } from "./agents.ts";
import { makeHome, readDocuments, readLog, removeHome, type TestHome, writeInto } from "./home.ts";
import { ManagerProcess } from "./manager-process.ts";
import { until } from "./until.ts";

const WAIT_MS_MAX = 30_000;
const RULE_FILE = "etc/rules/local_rules.xml";
const EVENTS = 40;

function ruleFile(ruleId: string): string {
  return `<group name="local,"><rule id="${ruleId}" level="5"><match>probe</match><description>x</description></rule></group>\n`;
}

const DECODERS = `<decoder name="wall"><type>firewall</type><prematch>^wall </prematch></decoder>
<decoder name="wall-flow"><parent>wall</parent><type>firewall</type>
  <regex>(\\w+) (\\w+) (\\S+):(\\d+) (\\S+):(\\d+)</regex>
  <order>action, protocol, srcip, srcport, dstip, dstport</order></decoder>\n`;

async function setUp(
  t: TestContext,
  limits: string,
): Promise<{ home: TestHome; manager: ManagerProcess; agent: TestAgent }> {
  const home = await makeHome();
  t.after(() => removeHome(home));
  const config = readFileSync(join(home.path, "etc/ossec.conf"), "latin1")
    .replace("</global>", `${limits}</global>`)
    .replace("<rule_dir>", "<decoder_dir>etc/decoders</decoder_dir>\n<rule_dir>");
  writeInto(home.path, "etc/ossec.conf", config);
  writeInto(home.path, "etc/local_internal_options.conf", "analysisd.reload_on_change=1\n");
  writeInto(home.path, "etc/decoders/wall.xml", DECODERS);
  writeInto(home.path, RULE_FILE, ruleFile("100100"));
  const manager = await ManagerProcess.start(home, ["--quiet"]);
  t.after(() => manager.kill());
  const agent = await connectedAgent(home);
  t.after(() => agent.drop());
  return { home, manager, agent };
}

/** The rules that alerted about a message. */
function rulesOf(home: TestHome, message: string): (string | undefined)[] {
  return readDocuments(home, "alerts")
    .filter(({ full_log }) => full_log === message)
    .map(({ rule }) => rule?.id);
}

test("Manager reads changed rules by itself and writes firewall.log", async (t) => {
  const { home, agent } = await setUp(t, "");
  agent.send("1:/var/log/wall:wall deny tcp 10.0.0.1:40000 192.0.2.7:443");
  agent.send("1:/var/log/wall:wall of text");
  agent.send("1:/var/log/app:probe 1");
  await until("the alert", WAIT_MS_MAX, () => rulesOf(home, "probe 1").length > 0);
  const firewall = readFileSync(join(home.path, "logs/firewall/firewall.log"), "latin1");
  assert.match(
    firewall,
    /^.* \(web1\) \S+->\/var\/log\/wall DROP tcp 10\.0\.0\.1:40000->192\.0\.2\.7:443\n$/,
  );

  writeInto(home.path, RULE_FILE, ruleFile("100200"));
  await until("the reload", WAIT_MS_MAX, () => /INFO: Rule set reloaded: /.test(readLog(home)));
  agent.send("1:/var/log/app:probe 2");
  await until("the alert", WAIT_MS_MAX, () => rulesOf(home, "probe 2").length > 0);
  assert.deepEqual([rulesOf(home, "probe 1"), rulesOf(home, "probe 2")], [["100100"], ["100200"]]);
});

test("Manager holds events back above the limit of events per second, and none is lost at a stop", async (t) => {
  const limits = "<limits><eps><maximum>10</maximum><timeframe>1</timeframe></eps></limits>";
  const { home, manager, agent } = await setUp(t, limits);
  for (let number = 0; number < EVENTS; number++) agent.send(`1:/var/log/app:probe ${number}`);
  await until("the limit", WAIT_MS_MAX, () => readLog(home).includes("WARNING: The EPS limit is reached"));
  assert(readDocuments(home, "alerts").length < EVENTS);
  assert.equal((await manager.stop()).code, 0);
  const again = await ManagerProcess.start(home, ["--quiet"]);
  t.after(() => again.kill());
  const missing = () =>
    Array.from({ length: EVENTS }, (_, number) => `probe ${number}`).filter(
      (message) => rulesOf(home, message).length !== 1,
    );
  await until("all alerts", WAIT_MS_MAX, () => missing().length === 0);
});
