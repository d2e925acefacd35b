/**
 * Goal: no agent is sent a package out of turn, none is called updated that is not, and a restart forgets nothing.
 * Method: the service on fakes with agents that take the package, refuse, lie about what they have, fall silent or never come back.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { agentIdOf } from "#model/agent.ts";
import { SeededRandom } from "#testing/random.ts";
import { type Misbehaviour, PACKAGE_BYTES, PACKAGES, SHA1, Site, TASK_FILE } from "./fixture.ts";
import { packagePath } from "./package-file.ts";

const NO_CANARY = { unit: "agents", value: 0 } as const;

test("begin() brings the package to an agent step by step, and the agent is updated when it is back with the new version", async () => {
  const site = new Site(1);
  const begun = await site.service.begin(site.order());
  assert.deepEqual(begun, { campaign: 1, agents: 1, version: "v4.14.7", refused: [] });
  await site.settle();
  const { said } = site.agent(1);
  assert.equal(said.length, 8, "lock, open, three chunks, close, sum, upgrade");
  assert.equal(site.states(), "i");
  site.clock.advance(10_000);
  site.agent(1).comeBack(site.nowSeconds, "Wazuh v4.9.2");
  site.clock.advance(1000);
  assert.equal(site.states(), "i", "active, but with the old version");
  await site.allComeBack();
  assert.equal(site.states(), "u");
  const summary = site.service.summary(1);
  assert.equal(summary.running, false);
  assert.equal(site.files.info(packagePath(PACKAGES, SHA1)), null, "the copy of the package is gone");
});

test("begin() speaks to agents before 4.1 in their form, byte for byte", async () => {
  const site = new Site(1);
  site.agent(1).version = "Wazuh v3.13.6";
  await site.service.begin(site.order());
  await site.settle();
  assert.equal(site.states(), "i");
  assert(PACKAGE_BYTES.length > 65_536);
  assert.deepEqual(site.agent(1).said.at(1), "com open wb wazuh_agent_v4.14.7_linux_x86_64.deb.wpk");
});

test("begin() says of each agent why it is not upgraded", async () => {
  const site = new Site(4);
  site.agent(1).version = "Wazuh v4.14.7";
  site.agent(2).active = false;
  site.agent(3).platform = "windows";
  const agents = [agentIdOf(0), ...site.order().agents, agentIdOf(9), agentIdOf(4)];
  const { refused, agents: count } = await site.service.begin(site.order({ agents }));
  assert.equal(count, 1);
  assert.deepEqual(
    refused.map(({ agentId, code }) => [agentId, code]),
    [
      ["000", 7],
      ["001", 12],
      ["002", 8],
      ["003", 9],
      ["009", 6],
    ],
  );
  const again = await site.service.begin(site.order({ agents: [agentIdOf(4)] }));
  assert.equal(again.campaign, null);
  assert.equal(again.refused[0]?.code, 10);
});

const FAILURES: readonly (readonly [Misbehaviour, number, string])[] = [
  ["locked", 18, "Send lock restart error: err Invalid timeout"],
  ["silent", 18, "Send lock restart error: not_answered"],
  ["write", 20, "Send write file error: File not opened"],
  ["lies", 22, `Send verify sha1 error: the agent has ${"0".repeat(40)}`],
  ["refuses", 23, "Send upgrade command error: 1"],
];
for (const [misbehaviour, code, message] of FAILURES) {
  test(`an agent that misbehaves (${misbehaviour}) fails with the peer's number and its own words`, async () => {
    const site = new Site(1);
    site.agent(1).misbehaves = misbehaviour;
    await site.service.begin(site.order());
    await site.settle();
    const [task] = site.service.tasks(1);
    assert.deepEqual([task?.state, task?.code, task?.message], ["failed", code, message]);
    if (misbehaviour === "lies")
      assert.equal(site.agent(1).upgraded, false, "nothing is run that was not verified");
  });
}

test("an agent whose module is not ready yet is asked again to open the file", async () => {
  const site = new Site(1);
  site.agent(1).misbehaves = "busy_once";
  await site.service.begin(site.order());
  await site.settle();
  site.clock.advance(1000);
  await site.settle();
  assert.equal(site.states(), "i");
});

test("an agent that does not come back in time has failed", async () => {
  const site = new Site(1);
  site.agent(1).misbehaves = "never_back";
  await site.service.begin(site.order({ healthSeconds: 30 }));
  await site.settle();
  site.agent(1).active = false;
  site.clock.advance(30_000);
  assert.equal(site.states(), "i");
  site.clock.advance(2000);
  assert.deepEqual(site.service.tasks(1)[0]?.code, 24);
});

test("reported() ends a task that failed on the agent, and tells the agent that we know", async () => {
  const site = new Site(2);
  await site.service.begin(site.order());
  await site.settle();
  site.service.reported(site.agent(1).id, "missing_dependency");
  site.service.reported(site.agent(1).id, "missing_dependency");
  site.service.reported(site.agent(2).id, "done");
  await site.settle();
  assert.equal(site.service.tasks(1)[0]?.code, 25);
  assert.equal(site.states(), "fi", "done, says the agent: it must be back first");
  const cleared = site.agent(1).said.filter((text) => text.includes("clear_upgrade_result"));
  assert.equal(cleared.length, 1, "asked once while the first is under way");
});

test("the version that an agent had before proves nothing: its installer must have said that it is done", async () => {
  const site = new Site(1);
  site.agent(1).version = "Wazuh v4.14.7";
  await site.service.begin(site.order({ force: true }));
  await site.settle();
  await site.allComeBack();
  assert.equal(site.states(), "i");
  site.service.reported(site.agent(1).id, "done");
  await site.allComeBack();
  assert.equal(site.states(), "u");
});

test("a canary comes first, then one wave after the other", async () => {
  const site = new Site(9);
  await site.service.begin(site.order({ canary: { unit: "percent", value: 20 }, wave: 4 }));
  await site.settle();
  assert.equal(site.states(), "iiwwwwwww");
  await site.allComeBack();
  assert.equal(site.states(), "uuiiiiwww");
  site.agent(3).misbehaves = "never_back";
  await site.allComeBack();
  assert.equal(site.states(), "uuiuuuwww", "a wave waits for all of the one before");
  site.clock.advance(601_000);
  await site.settle();
  assert.equal(site.states(), "uufuuuiii");
});

test("at most eight agents are sent a package at a time", async () => {
  const site = new Site(20);
  site.holds = true;
  await site.service.begin(site.order());
  site.clock.advance(5000);
  assert.equal(site.service.summary(1).counts.sending, 8);
  site.release();
  for (let round = 0; round < 10; round++) await site.settle();
  site.clock.advance(1000);
  for (let round = 0; round < 10; round++) await site.settle();
  assert.equal(site.states(), "i".repeat(20));
});

test("too many failures stop a campaign: who waits is left as it is, who began is brought to an end", async () => {
  const site = new Site(10);
  site.agent(1).misbehaves = "lies";
  const failuresMax = { unit: "percent", value: 5 } as const;
  await site.service.begin(site.order({ canary: { unit: "agents", value: 2 }, wave: 4, failuresMax }));
  await site.settle();
  assert.equal(site.states(), "ficccccccc");
  assert.equal(site.service.summary(1).stopped, "1 of 2 agents failed");
  await site.allComeBack();
  assert.equal(site.states(), "fucccccccc");
  assert.equal(site.service.summary(1).running, false);
  assert.deepEqual(site.agent(5).said, []);
});

test("cancel() leaves who waits as it is", async () => {
  const site = new Site(4);
  await site.service.begin(site.order({ canary: NO_CANARY, wave: 2 }));
  await site.settle();
  site.service.cancel(1);
  await site.allComeBack();
  assert.equal(site.states(), "uucc");
  assert.throws(() => site.service.cancel(9), { code: "campaign_unknown" });
});

test("a restart goes on where it was: transfers begin again, agents that install are waited for", async () => {
  const site = new Site(3);
  await site.service.begin(site.order({ wave: 2 }));
  await site.settle();
  assert.equal(site.states(), "iiw");
  await site.allComeBack();
  site.holds = true;
  site.restart();
  assert.equal(site.states(), "uui");
  const second = new Site(2);
  second.holds = true;
  await second.service.begin(second.order());
  await second.settle();
  assert.equal(second.states(), "ss");
  second.restart();
  assert.equal(second.states(), "ww");
  second.holds = false;
  second.agent(1).active = false;
  second.clock.advance(1000);
  await second.settle();
  assert.equal(second.states(), "wi", "the first is not back yet");
  second.release();
  await second.settle();
  assert.equal(second.states(), "wi", "what the old service asked for changes nothing");
  second.clock.advance(301_000);
  assert.equal(second.service.tasks(1)[0]?.code, 8);
});

test("an agent that says that it is done is not updated before it was heard again", async () => {
  const site = new Site(1);
  site.agent(1).version = "Wazuh v4.14.7";
  await site.service.begin(site.order({ force: true }));
  await site.settle();
  site.service.reported(site.agent(1).id, "done");
  site.clock.advance(5000);
  assert.equal(site.states(), "i");
  await site.allComeBack();
  assert.equal(site.states(), "u");
});

test("requests that the end of the manager breaks off are not the agent's failure", async () => {
  const site = new Site(1);
  site.holds = true;
  await site.service.begin(site.order());
  site.restart();
  site.agent(1).misbehaves = "silent";
  site.release();
  await site.settle();
  assert.equal(site.metrics.get("upgrade_tasks_failed"), 0);
  assert.equal(site.states(), "w");
});

test("a stopped campaign stays stopped after a restart", async () => {
  const site = new Site(4);
  await site.service.begin(site.order({ wave: 2 }));
  await site.settle();
  site.service.cancel(1);
  site.restart();
  assert.equal(site.states(), "iicc");
  assert.equal(site.service.summary(1).stopped, "cancelled");
});

test("a task file that is cut anywhere, or damaged, is read as far as it makes sense", async () => {
  const site = new Site(3);
  await site.service.begin(site.order());
  await site.settle();
  const whole = site.files.read(TASK_FILE);
  const random = new SeededRandom(2);
  for (let cut = 0; cut < whole.length; cut += 7) {
    site.files.replace(TASK_FILE, whole.subarray(0, cut));
    site.restart();
  }
  for (let round = 0; round < 200; round++) {
    site.files.replace(TASK_FILE, random.mutate(whole));
    site.restart();
  }
});

test("a disk that is full is said, and the campaign goes on", async () => {
  const site = new Site(1);
  await site.service.begin(site.order());
  site.files.freeSpace = 0;
  await site.settle();
  await site.allComeBack();
  assert.equal(site.states(), "u");
  assert(site.metrics.get("upgrade_tasks_unsaved") > 0);
});

test("campaigns that ended long ago are forgotten at a start", async () => {
  const site = new Site(1);
  await site.service.begin(site.order());
  await site.settle();
  await site.allComeBack();
  site.restart();
  assert.equal(site.service.summaries().length, 1);
  site.clock.jump(8 * 86_400_000);
  site.restart();
  assert.equal(site.service.summaries().length, 0);
});
