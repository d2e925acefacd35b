/** Goal: what decides about upgrades decides as it is described. Method: tables; damaged records and answers with a seeded generator. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type AgentId, parseAgentId } from "#model/agent.ts";
import { SeededRandom } from "#testing/random.ts";
import { dialogueFor, readTextAnswer } from "./dialogue.ts";
import { refusalOf } from "./eligibility.ts";
import type { UpgradableAgent } from "./needs.ts";
import { atLeast, atMost, formatShare, parseShare } from "./share.ts";
import { type Campaign, formatRecord, parseRecord, type TaskRecord, type UpgradeTask } from "./tasks.ts";
import { compareVersions, parseVersion, versionInName } from "./versions.ts";
import { failsTooOften, openedBy } from "./waves.ts";

function idOf(text: string): AgentId {
  const id = parseAgentId(text);
  assert(id !== null);
  return id;
}

test("parseShare() reads numbers and percents, and nothing else", () => {
  for (const text of ["0", "5", "999999", "0%", "10%", "100%"]) {
    const share = parseShare(text);
    assert(share !== null, text);
    assert.equal(formatShare(share), text);
  }
  for (const text of ["", "%", "-1", "1.5", "101%", "1000000", "5 %", "1e3", "0x1"])
    assert.equal(parseShare(text), null, text);
});

test("atLeast() rounds up and ends at all, atMost() rounds down", () => {
  const ten = { unit: "percent", value: 10 } as const;
  assert.deepEqual(
    [1, 5, 10, 11].map((total) => atLeast(ten, total)),
    [1, 1, 1, 2],
  );
  assert.deepEqual(
    [1, 5, 10, 11, 20].map((total) => atMost(ten, total)),
    [0, 0, 1, 1, 2],
  );
  assert.equal(atLeast({ unit: "agents", value: 7 }, 3), 3);
  assert.equal(atMost({ unit: "agents", value: 7 }, 3), 7);
  assert.equal(atLeast({ unit: "percent", value: 0 }, 3), 0);
});

test("openedBy() opens the canary, then a wave when all before it have ended", () => {
  const plan = { total: 12, canary: 2, wave: 5 };
  const opened = Array.from({ length: 13 }, (_, ended) => openedBy(plan, ended));
  assert.deepEqual(opened, [2, 2, 7, 7, 7, 7, 7, 12, 12, 12, 12, 12, 12]);
  assert.deepEqual(
    [0, 4, 5].map((ended) => openedBy({ total: 7, canary: 0, wave: 5 }, ended)),
    [5, 5, 7],
  );
  assert.equal(openedBy({ total: 1, canary: 3, wave: 5 }, 0), 1);
  assert.deepEqual(
    [0, 5, 6].map((ended) => openedBy({ total: 10, canary: 6, wave: 2 }, ended)),
    [6, 6, 8],
  );
});

test("failsTooOften() counts failures among those that began", () => {
  const five = { unit: "percent", value: 5 } as const;
  assert.equal(failsTooOften(0, 10, five), false);
  assert.equal(failsTooOften(1, 10, five), true);
  assert.equal(failsTooOften(3, 60, five), false);
  assert.equal(failsTooOften(4, 60, five), true);
  assert.equal(failsTooOften(2, 2, { unit: "agents", value: 2 }), false);
});

test("parseVersion() and compareVersions() order versions by their numbers", () => {
  const ordered = ["v3.13.6", "Wazuh v4.9.2", "4.14.0", "v4.14.7-rc1", "v4.14.10", "v5.0.0"].map(
    parseVersion,
  );
  for (const [index, version] of ordered.entries()) {
    const before = index === 0 ? null : (ordered[index - 1] ?? null);
    assert(version !== null);
    if (before !== null) assert(compareVersions(before, version) < 0, String(version));
    assert.equal(compareVersions(version, version), 0);
  }
  for (const text of ["", "v4", "v4.14", "Wazuh", "x4.1.2"]) assert.equal(parseVersion(text), null, text);
  assert.equal(versionInName("wazuh_agent_v4.14.7_linux_x86_64.deb.wpk"), "v4.14.7");
  assert.equal(versionInName("wazuh_agent_4.14.7_windows.wpk"), "v4.14.7");
  assert.equal(versionInName("my.wpk"), null);
});

const LINUX: UpgradableAgent = {
  id: idOf("001"),
  active: true,
  version: "Wazuh v4.9.2",
  platform: "ubuntu",
  architecture: "x86_64",
  lastKeepaliveSeconds: 0,
};
const AIM = {
  package: { name: "w.wpk", sha1: "a".repeat(40), bytes: 1, scripts: ["upgrade.sh"] },
  version: "v4.14.7",
  installer: null,
  force: false,
};

test("refusalOf() refuses with the peer's reasons", () => {
  const cases = [
    ["001", LINUX, AIM, null],
    ["000", LINUX, AIM, "manager_itself"],
    ["001", null, AIM, "agent_unknown"],
    ["001", { ...LINUX, active: false }, AIM, "not_active"],
    ["001", { ...LINUX, version: null }, AIM, "not_active"],
    ["001", { ...LINUX, version: "Wazuh v2.9.9" }, AIM, "version_too_old"],
    ["001", { ...LINUX, version: "Wazuh v3.0.0" }, AIM, null],
    ["001", { ...LINUX, platform: "darwin", version: "Wazuh v4.2.9" }, AIM, "version_too_old"],
    ["001", { ...LINUX, platform: "windows" }, AIM, "wrong_platform"],
    ["001", LINUX, { ...AIM, installer: "own.sh" }, "wrong_platform"],
    ["001", { ...LINUX, version: "Wazuh v4.14.7" }, AIM, "already_new"],
    ["001", { ...LINUX, version: "Wazuh v4.14.7" }, { ...AIM, force: true }, null],
    ["001", LINUX, { ...AIM, version: "v4.15.0" }, "above_manager"],
    ["001", LINUX, { ...AIM, version: "v4.15.0", force: true }, null],
    ["001", LINUX, { ...AIM, version: null }, null],
  ] as const;
  for (const [id, agent, aim, expected] of cases)
    assert.equal(refusalOf(id, agent, aim, "v4.14.7"), expected, JSON.stringify([id, agent, aim]));
});

test("dialogueFor() speaks to the upgrade module from 4.1 on and to com before", () => {
  const module = dialogueFor("Wazuh v4.1.0");
  assert.equal(
    String(module.open("w.wpk")),
    'upgrade {"command":"open","parameters":{"mode":"wb","file":"w.wpk"}}',
  );
  const write = module.write("w.wpk", Buffer.of(0, 0xff));
  assert.equal(
    String(write),
    'upgrade {"command":"write","parameters":{"buffer":"AP8=","length":2,"file":"w.wpk"}}',
  );
  assert.equal(String(module.close("w.wpk")), 'upgrade {"command":"close","parameters":{"file":"w.wpk"}}');
  assert.equal(String(module.sha1("w.wpk")), 'upgrade {"command":"sha1","parameters":{"file":"w.wpk"}}');
  const upgrade = 'upgrade {"command":"upgrade","parameters":{"file":"w.wpk","installer":"upgrade.sh"}}';
  assert.equal(String(module.upgrade("w.wpk", "upgrade.sh")), upgrade);
  const com = dialogueFor("Wazuh v4.0.4");
  const said = [
    com.open("w"),
    com.write("w", Buffer.of(0, 0xff)),
    com.close("w"),
    com.sha1("w"),
    com.upgrade("w", "i"),
  ];
  assert.deepEqual(
    said.map((payload) => payload.toString("latin1")),
    ["com open wb w", "com write 2 w \0\xff", "com close w", "com sha1 w", "com upgrade w i"],
  );
});

test("the answers of both forms are read, cut and cleaned", () => {
  const read = (text: string) => dialogueFor("v4.14.0").read(Buffer.from(text));
  assert.deepEqual(read('{"error":0,"message":"ok","data":[]}'), { ok: true, text: "ok" });
  assert.deepEqual(read('{"error":10,"message":"Cannot write file","data":[]}'), {
    ok: false,
    text: "Cannot write file",
  });
  for (const text of ["err Disconnected", "", "{", "null", '{"error":"0","message":"x"}', '{"error":0}'])
    assert.equal(read(text).ok, false, text);
  assert.equal(read(`{"error":1,"message":"${"x".repeat(9000)}"}`).text.length, 200);
  assert.equal(read('{"error":1,"message":"a\\u001b[31mb\\nc"}').text, "a [31mb c");
  assert.deepEqual(readTextAnswer(Buffer.from("ok ")), { ok: true, text: "" });
  assert.deepEqual(readTextAnswer(Buffer.from("ok abc")), { ok: true, text: "abc" });
  assert.deepEqual(readTextAnswer(Buffer.from("okay")), { ok: false, text: "okay" });
  assert.deepEqual(readTextAnswer(Buffer.from("err Invalid timeout")), {
    ok: false,
    text: "err Invalid timeout",
  });
});

const CAMPAIGN: Campaign = {
  number: 3,
  createdMs: 1_700_000_000_000,
  ...AIM,
  fromRepository: true,
  canary: 1,
  wave: 50,
  failuresMax: { unit: "percent", value: 5 },
  healthSeconds: 600,
};
const TASK: UpgradeTask = {
  campaign: 3,
  number: 12,
  agentId: idOf("001"),
  state: "failed",
  sinceMs: 1_700_000_000_001,
  error: "verify_sha1",
  detail: "the agent has \u00e9",
  fromVersion: "Wazuh v4.9.2",
  reportedDone: false,
};
const RECORDS: readonly TaskRecord[] = [
  { kind: "campaign", campaign: CAMPAIGN },
  { kind: "task", task: TASK },
  { kind: "stopped", campaign: 3, reason: "cancelled" },
];

test("parseRecord() reads what formatRecord() writes, and no line that is cut", () => {
  for (const record of RECORDS) {
    const line = formatRecord(record);
    assert(!line.includes("\n"));
    assert.deepEqual(parseRecord(line), record);
    for (let cut = 0; cut < line.length; cut++) assert.equal(parseRecord(line.slice(0, cut)), null);
  }
});

test("parseRecord() takes damaged lines without harm", () => {
  const random = new SeededRandom(9);
  for (let round = 0; round < 2000; round++) {
    const line = random.mutate(Buffer.from(formatRecord(random.pick(RECORDS)))).toString("utf8");
    const record = parseRecord(line);
    if (record?.kind === "task") assert(parseAgentId(record.task.agentId) !== null);
    if (record?.kind === "campaign") assert(record.campaign.wave > 0);
  }
});
