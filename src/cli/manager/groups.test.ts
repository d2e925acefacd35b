/**
 * Goal: groups are made, filled, emptied and removed, and what may not be is refused. Method: the commands on a temporary home with its
 * registry, one after the other as a user would.
 */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { fakeNeeds } from "#cluster/fixture.ts";
import { type LocalClient, LocalServer } from "#cluster/local/server.ts";
import { ok } from "#cluster/replies.ts";
import { homePaths, prepareHome } from "#daemons/home.ts";
import { PlainResult, writeObjects } from "#formats/wire/cluster/objects.ts";
import { pythonJson } from "#formats/wire/cluster/python-json.ts";
import { SystemClock } from "#kernel/platform/clock.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { FakeLocalSockets } from "#testing/local-sockets.ts";
import { fakeProcess, type Given, runCommand } from "../environment.fixture.ts";
import { runProgram } from "../program.ts";

const HOME = mkdtempSync(join(tmpdir(), "cyb3rhq-groups-"));
after(() => rmSync(HOME, { recursive: true, force: true }));

type Answer = { readonly code: number; readonly text: string; readonly complaint: string };

async function cyb3rhq(...args: readonly string[]): Promise<Answer> {
  return await run({}, ...args);
}

async function run(given: Given, ...args: readonly string[]): Promise<Answer> {
  const fake = fakeProcess([...args, "--home", HOME], { files: systemFiles, ...given });
  // The registry waits for an edited file to settle: time must pass.
  const environment = { ...fake, clock: new SystemClock() };
  await runProgram(environment);
  return { code: environment.exitCode, text: fake.stdout.text, complaint: fake.stderr.text };
}

async function json(...args: readonly string[]): Promise<unknown> {
  const { code, text, complaint } = await cyb3rhq(...args, "--json");
  assert.equal(code, 0, complaint);
  return JSON.parse(text);
}

/** The groups of each agent. */
async function members(): Promise<unknown> {
  const agents = (await json("agents", "list")) as { readonly id: string; readonly groups: string[] }[];
  return Object.fromEntries(agents.map(({ id, groups }) => [id, groups.join(",")]));
}

async function refused(text: RegExp, ...args: readonly string[]): Promise<void> {
  const { code, complaint } = await cyb3rhq(...args);
  assert.equal(code, 1, args.join(" "));
  assert.match(complaint, text);
}

function share(path: string, text: string): void {
  const place = join(HOME, "etc/shared", path);
  mkdirSync(join(place, ".."), { recursive: true });
  writeFileSync(place, text);
}

beforeEach(() => {
  rmSync(HOME, { recursive: true, force: true });
  prepareHome(systemFiles, homePaths(HOME));
});

test("groups add makes a folder with an agent.conf, the template's where there is one", async () => {
  assert.deepEqual(await cyb3rhq("groups", "add", "web"), {
    code: 0,
    text: "Group 'web' created.\n",
    complaint: "",
  });
  assert.match(readFileSync(join(HOME, "etc/shared/web/agent.conf"), "utf8"), /^<agent_config>\n/);
  share("agent-template.conf", "<agent_config/>");
  await cyb3rhq("groups", "add", "db");
  assert.equal(readFileSync(join(HOME, "etc/shared/db/agent.conf"), "utf8"), "<agent_config/>");
  await refused(/There is a group 'web' already/, "groups", "add", "web");
  for (const name of ["..", ".", "all", "a/b", "a b", "a,b", "x".repeat(256)])
    await refused(/is no group name/, "groups", "add", name);
});

test("groups assign and unassign keep the order of an agent's groups, and default for who has no other", async () => {
  for (const name of ["web1", "db1"]) await cyb3rhq("agents", "add", name);
  for (const group of ["web", "db"]) await cyb3rhq("groups", "add", group);
  assert.equal((await cyb3rhq("groups", "assign", "001", "web")).text, "Agent '001' added to 'web'.\n");
  await cyb3rhq("groups", "assign", "001", "db");
  await cyb3rhq("groups", "assign", "002", "default");
  assert.deepEqual(await members(), { "001": "web,db", "002": "default" });
  const { text } = await cyb3rhq("groups", "list");
  assert.match(text, /^GROUP +AGENTS +MERGED SUM\ndb +1 +-\ndefault +1 +-\nweb +1 +-\n$/);

  await refused(/belongs to group 'web' already/, "groups", "assign", "001", "web");
  await refused(/There is no group 'other'/, "groups", "assign", "001", "other");
  await refused(/There is no agent '009'/, "groups", "assign", "009", "web");
  await refused(/is no agent id/, "groups", "assign", "x", "web");
  await refused(/does not belong to group 'web'/, "groups", "unassign", "002", "web");
  await refused(/cannot be taken out of it/, "groups", "unassign", "002", "default");

  await cyb3rhq("groups", "assign", "001", "db", "--single");
  assert.deepEqual(await members(), { "001": "db", "002": "default" });
  assert.deepEqual(await json("groups", "unassign", "001", "db"), {
    agent: "001",
    removed: "db",
    groups: ["default"],
  });
  assert.deepEqual(await members(), { "001": "default", "002": "default" });
});

test("groups remove takes every agent out of the group and the folder away", async () => {
  for (const name of ["web1", "web2", "db1"]) await cyb3rhq("agents", "add", name);
  for (const group of ["web", "db"]) await cyb3rhq("groups", "add", group);
  for (const [id, group] of [
    ["001", "web"],
    ["002", "web"],
    ["002", "db"],
    ["003", "db"],
  ])
    await cyb3rhq("groups", "assign", id ?? "", group ?? "");
  assert.deepEqual(await json("groups", "remove", "web"), { removed: "web", agents: ["001", "002"] });
  assert.deepEqual(await members(), { "001": "default", "002": "db", "003": "db" });
  assert(!existsSync(join(HOME, "etc/shared/web")));
  await refused(/cannot be removed/, "groups", "remove", "default");
  await refused(/There is no group 'web'/, "groups", "remove", "web");
  await refused(/is no group name/, "groups", "remove", "..");
  assert(existsSync(join(HOME, "etc/shared/default")));
});

test("an agent is in 128 groups at most", async () => {
  await cyb3rhq("agents", "add", "web1");
  for (let number = 0; number < 129; number++) mkdirSync(join(HOME, `etc/shared/g${number}`));
  const groups = Array.from({ length: 128 }, (_, number) => ["--group", `g${number}`]).flat();
  await cyb3rhq("agents", "add", "web2", ...groups);
  await refused(/in 128 groups at most/, "groups", "assign", "002", "g128");
});

test("groups show tells the files of merged.mg and the agents", async () => {
  await cyb3rhq("agents", "add", "web1", "--group", "default");
  share("default/merged.mg", "#default\n!3 a.txt\nabc!0 sub/b\n");
  assert.deepEqual(await json("groups", "show", "default"), {
    name: "default",
    mergedSum: "7306924397c165711e4a3cece4d4fbd0",
    files: [
      { path: "a.txt", bytes: 3 },
      { path: "sub/b", bytes: 0 },
    ],
    agents: [{ id: "001", name: "web1", groups: ["default"], groupConfigStatus: "not synced" }],
  });
  const { text } = await cyb3rhq("groups", "show", "default");
  assert.match(
    text,
    /^group default: 1 agents, merged\.mg [0-9a-f]{32}\n +3 {2}a\.txt\n +0 {2}sub\/b\n {2}001 +web1/,
  );
  await refused(/There is no group 'web'/, "groups", "show", "web");
});

test("groups check says every problem with its place, and answers with its exit code", async () => {
  share("default/agent.conf", "<agent_config/>");
  share("web/agent.conf", "<agent_config>\n <global/>\n</agent_config>");
  mkdirSync(join(HOME, "etc/shared/empty"));
  const all = await cyb3rhq("groups", "check");
  assert.equal(all.code, 1);
  assert.match(
    all.text,
    /\/etc\/shared\/web\/agent\.conf:2:2: error: \(1230\).*\n2 files: 1 errors, 0 warnings\n$/,
  );
  assert.deepEqual(await json("groups", "check", "default", "empty"), {
    errors: 0,
    warnings: 0,
    problems: [],
  });
  await refused(/There is no group 'other'/, "groups", "check", "other");
  const file = join(HOME, "etc/shared/web/agent.conf");
  const { exitCode } = await runCommand(["groups", "check", "--file", file], { files: systemFiles });
  assert.equal(exitCode, 1);
});

test("on a worker the master is asked, and told which functions are asynchronous in its version", async () => {
  const asked: [string, boolean][] = [];
  const dapi = (client: LocalClient) => (payload: Buffer) => {
    const { f, is_async } = JSON.parse(payload.toString());
    asked.push([f.__callable__.__name__, is_async]);
    const answer = Buffer.from(pythonJson(writeObjects(new PlainResult({ message: "done" }))));
    const tell = (id: string) => client.request("dapi_res", Buffer.from(id));
    void client.sendString(answer).then((sent) => tell(sent.kind === "sent" ? sent.id : ""));
    return ok("Added request to API requests queue");
  };
  const localSockets = new FakeLocalSockets();
  const commands = (client: LocalClient) => new Map([["dapi", dapi(client)]]);
  await new LocalServer(HOME, { ...fakeNeeds(), localSockets }, commands).start();
  const key = "0".repeat(32);
  const version = "<announced_version>4.12.0</announced_version>";
  const expected = (isAsync: boolean) => [
    ["create_group", false],
    ["assign_agents_to_group", isAsync],
    ["remove_agent_from_group", isAsync],
    ["get_agents", false],
  ];
  for (const [written, isAsync] of [["", true] as const, [version, false] as const]) {
    const cluster = `<cluster><disabled>no</disabled><node_type>worker</node_type><key>${key}</key><nodes><node>10.0.0.9</node></nodes>${written}</cluster>`;
    writeFileSync(join(HOME, "etc/ossec.conf"), `<ossec_config>${cluster}</ossec_config>`);
    asked.length = 0;
    for (const args of [
      ["add", "web"],
      ["assign", "001", "web"],
      ["unassign", "001", "web"],
    ]) {
      const { code, complaint } = await run({ localSockets }, "groups", ...args);
      assert.equal(code, 0, complaint);
    }
    assert.deepEqual(asked, expected(isAsync));
  }
});
