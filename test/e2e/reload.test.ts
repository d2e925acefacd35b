/**
 * Goal: rules change under connected agents, and a mistake in them changes nothing. Method: SIGHUP to a manager with a rule file of
 * its own, the same event before and after, over one connection.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { TestAgent } from "#testing/agent.ts";
import { connectedAgent } from "./agents.ts";
import { makeHome, readDocuments, readLog, removeHome, type TestHome, writeInto } from "./home.ts";
import { ManagerProcess } from "./manager-process.ts";
import { until } from "./until.ts";

const WAIT_MS_MAX = 30_000;
const RULE_FILE = "etc/rules/local_rules.xml";

function ruleFile(ruleId: string): string {
  return `<group name="local,">
  <rule id="${ruleId}" level="5">
    <program_name>^probe$</program_name>
    <description>A line of the probe.</description>
  </rule>
</group>
`;
}

async function setUp(t: TestContext): Promise<{ home: TestHome; manager: ManagerProcess; agent: TestAgent }> {
  const home = await makeHome();
  t.after(() => removeHome(home));
  writeInto(home.path, RULE_FILE, ruleFile("100100"));
  const manager = await ManagerProcess.start(home, ["--quiet"]);
  t.after(() => manager.kill());
  const agent = await connectedAgent(home);
  t.after(() => agent.drop());
  return { home, manager, agent };
}

/** The rule that a new line raises. */
async function ruleOf(home: TestHome, agent: TestAgent, word: string): Promise<string> {
  const log = `Nov 21 10:00:01 web1 probe[1]: ${word}`;
  agent.send(`1:/var/log/syslog:${log}`);
  const find = () => readDocuments(home, "alerts").find((document) => document.full_log === log);
  await until(`the alert about ${word}`, WAIT_MS_MAX, () => find() !== undefined);
  return find()?.rule?.id ?? "";
}

test("Manager.reloadRules() keeps the running rules on an error and swaps good ones under a connected agent", async (t) => {
  const { home, manager, agent } = await setUp(t);
  assert.equal(await ruleOf(home, agent, "one"), "100100");

  writeInto(home.path, RULE_FILE, ruleFile("100200").replace("</rule>", "</role>"));
  manager.signal("SIGHUP");
  await until("the refusal", WAIT_MS_MAX, () => /ERROR: .*the one in use stays$/m.test(readLog(home)));
  assert.match(readLog(home), /ERROR: \S*etc\/rules\/local_rules\.xml:\d+:\d+: error: /);
  assert.equal(await ruleOf(home, agent, "two"), "100100");

  writeInto(home.path, RULE_FILE, ruleFile("100200"));
  manager.signal("SIGHUP");
  await until("the reload", WAIT_MS_MAX, () => /INFO: Rule set reloaded: \d+ rules in /m.test(readLog(home)));
  assert.equal(await ruleOf(home, agent, "three"), "100200");
  await agent.keepalive();
  assert(agent.connected);
  assert.equal(
    readDocuments(home, "alerts").filter(({ agent: { id } }) => id === agent.identity.id).length,
    3,
  );
});
