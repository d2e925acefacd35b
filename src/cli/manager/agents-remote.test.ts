/** Goal: commands ask the manager what they were told and show what it says. Method: the whole program; the manager's socket in memory. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { CodedError } from "#kernel/errors.ts";
import type { ControlCommands } from "#local-sockets/control.ts";
import type { JsonObject } from "#local-sockets/json.ts";
import { type FakeProcess, fakeProcess } from "../environment.fixture.ts";
import { runProgram } from "../program.ts";
import { HOME, socketsOf } from "./control.fixture.ts";

/** Runs a command against a manager that knows these commands; time passes while it waits. */
async function run(
  args: readonly string[],
  commands: ControlCommands,
  terminal = false,
): Promise<FakeProcess> {
  const localSockets = await socketsOf(commands);
  const fake = fakeProcess(["agents", ...args, "--home", HOME], { localSockets, terminal });
  let ended = false;
  const running = runProgram(fake).then(() => {
    ended = true;
  });
  while (!ended) {
    await new Promise((resolve) => setImmediate(resolve));
    fake.clock.advance(1000);
  }
  await running;
  return fake;
}

test("agents request sends bytes and prints bytes, without what moves a terminal's cursor", async () => {
  const asked: unknown[] = [];
  const commands: ControlCommands = {
    "agents.request": (parameters) => {
      asked.push(parameters);
      return { answer: "ok \u00e9\u001b[2J" };
    },
  };
  const args = ["request", "001", "com", "getconfig", "\u00fc"];
  const { stdout, exitCode } = await run(args, commands);
  assert.deepEqual(asked, [{ agent: "001", target: "com", payload: "getconfig \u00c3\u00bc" }]);
  assert.deepEqual([stdout.text, exitCode], ["ok \u00e9\u001b[2J\n", 0]);
  assert.equal((await run(args, commands, true)).stdout.text, "ok \u00e9?[2J\n");
});

test("agents request and getconfig fail when the agent says no or cannot be asked", async () => {
  const says = (answer: string): ControlCommands => ({ "agents.request": () => ({ answer }) });
  assert.equal((await run(["request", "001", "com", "x"], says("err Unrecognized command"))).exitCode, 1);
  const config = await run(["getconfig", "001", "com", "x"], says("err Could not get requested section"));
  assert.deepEqual(
    [config.exitCode, config.stderr.text],
    [1, "cyb3rhq: err Could not get requested section\n"],
  );
  assert.equal((await run(["getconfig", "001", "com", "x"], says("ok  {"))).exitCode, 1);
  const shown = await run(["getconfig", "001", "com", "x"], says('ok  {"a":"\u00c3\u00bc"}'));
  assert.deepEqual([shown.exitCode, shown.stdout.text], [0, '{\n  "a": "\u00c3\u00bc"\n}\n']);
  const silent = await run(["request", "001", "com", "x"], {
    "agents.request": () =>
      Promise.reject(new CodedError("not_answered", "The agent did not answer in time")),
  });
  assert.deepEqual([silent.exitCode, silent.stderr.text], [1, "cyb3rhq: The agent did not answer in time\n"]);
  const odd = await run(["request", "001", "com", "x"], { "agents.request": () => null });
  assert.equal(odd.exitCode, 1);
});

test("agents commands fill up short ids", async () => {
  const asked: unknown[] = [];
  const note = (parameters: JsonObject) => asked.push(parameters["agents"] ?? parameters["agent"]) && [];
  await run(["restart", "1", "02", "1000"], { "agents.restart": note });
  await run(["request", "7", "com", "x"], { "agents.request": note });
  assert.deepEqual(asked, [["001", "002", "1000"], "007"]);
});

test("agents restart tells of each agent", async () => {
  const outcomes = [
    { agentId: "001", ok: true, message: "ok" },
    { agentId: "002", ok: false, message: "The agent is not connected" },
  ];
  const { stdout, exitCode } = await run(["restart", "001", "002"], { "agents.restart": () => outcomes });
  assert.deepEqual([stdout.text, exitCode], ["001: restart asked for\n002: The agent is not connected\n", 1]);
});

const COUNTS = { waiting: 0, sending: 0, installing: 0, updated: 2, failed: 1, cancelled: 0 };
const TASKS = [
  {
    agentId: "001",
    state: "updated",
    sinceMs: 0,
    fromVersion: "Wazuh v4.9.2",
    code: 0,
    message: "Wazuh v4.14.7",
  },
  {
    agentId: "003",
    state: "failed",
    sinceMs: 0,
    fromVersion: "Wazuh v4.9.2",
    code: 8,
    message: "Agent is not active",
  },
];

function upgrading(begun: object, orders: JsonObject[] = []): ControlCommands {
  let looks = 0;
  return {
    "upgrade.begin": (parameters) => {
      orders.push(parameters);
      return { campaign: 1, agents: 3, version: "v4.14.7", refused: [], ...begun };
    },
    "upgrade.summary": () => {
      looks++;
      const counts = looks < 3 ? { ...COUNTS, waiting: 3, updated: 0, failed: 0 } : COUNTS;
      return {
        campaign: 1,
        createdMs: 0,
        file: "a.wpk",
        version: null,
        running: looks < 4,
        stopped: null,
        counts,
      };
    },
    "upgrade.tasks": () => TASKS,
    "upgrade.list": () => [],
  };
}

test("agents upgrade orders what it was told, shows progress, and fails when an agent did", async () => {
  const orders: JsonObject[] = [];
  const { stdout, stderr, exitCode } = await run(
    ["upgrade", "001", "002", "003", "--wpk", "/tmp/a.wpk", "--canary", "1", "--max-failures", "20%"],
    upgrading({}, orders),
  );
  assert.deepEqual(orders, [
    {
      agents: ["001", "002", "003"],
      path: "/tmp/a.wpk",
      version: null,
      installer: null,
      force: false,
      canary: "1",
      wave: 50,
      failuresMax: "20%",
      healthSeconds: 600,
    },
  ]);
  assert.equal(stderr.text, "3 waiting\n2 updated, 1 failed\n");
  assert.match(
    stdout.text,
    /^Upgrade 1 of 3 agents to v4\.14\.7;.*\n003 +failed +Wazuh v4\.9\.2 +Agent is not active\n$/,
  );
  assert.equal(exitCode, 1);
});

test("agents upgrade ends at once when nobody is upgraded, or in the background", async () => {
  const refused = [{ agentId: "001", code: 8, message: "Agent is not active" }];
  const nobody = await run(["upgrade", "--all", "--wpk", "a.wpk"], upgrading({ campaign: null, refused }));
  assert.equal(nobody.stdout.text, "001: not upgraded: Agent is not active\nNo agent is upgraded\n");
  assert.equal(nobody.exitCode, 1);
  const background = ["upgrade", "--group", "web", "--wpk", "a.wpk", "--background", "--json"];
  const begun = await run(background, upgrading({}));
  assert.deepEqual([begun.exitCode, JSON.parse(begun.stdout.text).campaign], [0, 1]);
});

test("agents upgrade wants exactly one way to choose agents", async () => {
  for (const chosen of [[], ["001", "--all"], ["--all", "--group", "web"]])
    assert.equal((await run(["upgrade", ...chosen, "--wpk", "a.wpk"], upgrading({}))).exitCode, 2);
  const both = ["--wpk", "a.wpk", "--repository", "https://mirror/"];
  assert.equal((await run(["upgrade", "--all", ...both], upgrading({}))).exitCode, 2);
  assert.equal((await run(["upgrade", "--all", "--package-type", "msi"], upgrading({}))).exitCode, 2);
  assert.equal((await run(["upgrade", "--all", "--wpk", "a", "--canary", "x"], upgrading({}))).exitCode, 2);
});

test("agents upgrade without a package has those of the repository fetched, and upgrades with each", async () => {
  const orders: JsonObject[] = [];
  const fetched = {
    version: "v4.14.7",
    packages: [
      { path: "/var/upgrade/a.wpk", agents: ["001"] },
      { path: "/var/upgrade/b.wpk", agents: ["002"] },
    ],
    refused: [{ agentId: "003", code: 9, message: "The WPK for this platform is not available" }],
  };
  const commands = {
    ...upgrading({}, orders),
    "upgrade.fetching": () => ({ name: "a.wpk", bytes: 5, totalBytes: null }),
    "upgrade.fetch": (parameters: JsonObject) => {
      orders.push(parameters);
      return fetched;
    },
  };
  const args = [
    "upgrade",
    "--all",
    "--repository",
    "mirror/wpk",
    "--http",
    "--package-type",
    "deb",
    "--json",
  ];
  const { stdout, exitCode } = await run(args, commands);
  assert.deepEqual(orders[0], {
    all: true,
    repository: "mirror/wpk",
    useHttp: true,
    version: null,
    packageType: "deb",
    force: false,
  });
  assert.deepEqual(
    orders.slice(1).map(({ path, agents, version }) => [path, agents, version]),
    [
      ["/var/upgrade/a.wpk", ["001"], "v4.14.7"],
      ["/var/upgrade/b.wpk", ["002"], "v4.14.7"],
    ],
  );
  const { refused, upgrades } = JSON.parse(stdout.text);
  assert.deepEqual([exitCode, refused, upgrades.length], [1, fetched.refused, 2]);
  const none = await run(["upgrade", "003"], { "upgrade.fetch": () => ({ ...fetched, packages: [] }) });
  assert.equal(
    none.stdout.text,
    "003: not upgraded: The WPK for this platform is not available\nNo agent is upgraded\n",
  );
});

test("agents upgrades lists upgrades, and the agents of one", async () => {
  assert.equal((await run(["upgrades"], upgrading({}))).stdout.text, "No upgrades yet\n");
  const one = await run(["upgrades", "1", "--json"], upgrading({}));
  assert.equal(JSON.parse(one.stdout.text).tasks.length, 2);
  assert.equal((await run(["upgrades", "--cancel"], upgrading({}))).exitCode, 2);
});
