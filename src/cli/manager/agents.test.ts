/**
 * Goal: agents are registered, imported, listed and removed, by our own command and by the peer's, and nobody loses a place by it.
 * Method: the commands on a temporary home with its registry, one after the other as a user would; answers come from stdin.
 */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { fakeNeeds } from "#cluster/fixture.ts";
import { type LocalClient, LocalServer } from "#cluster/local/server.ts";
import { homePaths, prepareHome } from "#daemons/home.ts";
import { CodedError } from "#kernel/errors.ts";
import { SystemClock } from "#kernel/platform/clock.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import type { Files } from "#kernel/ports/files.ts";
import { FakeLocalSockets } from "#testing/local-sockets.ts";
import { fakeProcess, type Given } from "../environment.fixture.ts";
import { runProgram } from "../program.ts";

const HOME = mkdtempSync(join(tmpdir(), "cyb3rhq-agents-"));
const KEY = "0123456789abcdef".repeat(4);
after(() => rmSync(HOME, { recursive: true, force: true }));

type Answer = { readonly code: number; readonly text: string; readonly complaint: string };

async function run(given: Given, ...args: readonly string[]): Promise<Answer> {
  const fake = fakeProcess([...args, "--home", HOME], { files: systemFiles, ...given });
  // The registry waits for an edited file to settle: time must pass.
  const environment = { ...fake, clock: new SystemClock() };
  await runProgram(environment);
  return { code: environment.exitCode, text: fake.stdout.text, complaint: fake.stderr.text };
}

async function cyb3rhq(...args: readonly string[]): Promise<Answer> {
  return await run({}, ...args);
}

async function done(...args: readonly string[]): Promise<string> {
  const { code, text, complaint } = await cyb3rhq(...args);
  assert.equal(code, 0, complaint);
  return text;
}

async function refused(text: RegExp, ...args: readonly string[]): Promise<void> {
  const { code, complaint } = await cyb3rhq(...args);
  assert.equal(code, 1, args.join(" "));
  assert.match(complaint, text);
}

function keys(): string {
  return readFileSync(join(HOME, "etc/client.keys"), "latin1").replace(/[0-9a-f]{64}/g, "KEY");
}

beforeEach(() => {
  rmSync(HOME, { recursive: true, force: true });
  prepareHome(systemFiles, homePaths(HOME));
});

test("agents add, import and remove change nothing for a user who may only read the home", async () => {
  await done("agents", "add", "web1");
  const files: Files = {
    ...systemFiles,
    open: (path, mode) => {
      if (mode !== "update") return systemFiles.open(path, mode);
      throw new CodedError("file_access_denied", `EACCES: ${path}`);
    },
  };
  const exported = (await done("agents", "key", "001")).trim();
  for (const args of [
    ["agents", "add", "web2"],
    ["agents", "import", exported, "--force"],
    ["agents", "remove", "001", "--yes"],
    ["manage_agents", "-a", "any", "-n", "web2"],
  ]) {
    const { code, complaint } = await run({ files }, ...args);
    assert.equal(code, 1, args.join(" "));
    assert.match(
      complaint,
      /^cyb3rhq: No right to change .*: call this as root or as the user of its manager\n$/,
    );
  }
  assert.equal((await run({ files }, "agents", "list")).code, 0);
  assert.equal(keys(), "001 web1 any KEY\n");
});

test("agents add gives the next id or the one that is named, and refuses what is taken or none", async () => {
  assert.match(await done("agents", "add", "web1"), /^Agent added with ID 001\./);
  await done("agents", "add", "web2", "--ip", "10.0.0.0/8", "--id", "007", "--key", KEY);
  assert.match(await done("agents", "add", "web3", "--ip", "10.0.0.3"), /ID 008/);
  assert.equal(keys(), "001 web1 any KEY\n007 web2 10.0.0.0/8 KEY\n008 web3 10.0.0.3 KEY\n");
  await refused(/An agent 'web1' exists already\n/, "agents", "add", "web1");
  await refused(/address '10.0.0.3' exists already\n/, "agents", "add", "web4", "--ip", "10.0.0.3");
  await refused(/id '007' exists already\n/, "agents", "add", "web4", "--id", "007");
  await refused(/the manager itself/, "agents", "add", "web4", "--id", "000");
  await refused(/the manager's own name/, "agents", "add", "manager.example");
  await refused(/no agent name/, "agents", "add", "..");
  await refused(/no address/, "agents", "add", "web4", "--ip", "10.0.0");
  assert.equal((await cyb3rhq("agents", "add")).code, 2);
});

test("agents add --force replaces who has the name, the address or the id, when its times have passed", async () => {
  await done("agents", "add", "web1", "--ip", "10.0.0.1");
  const young = /exists already: .*doesn't comply with the registration time/;
  await refused(young, "agents", "add", "web1", "--registered-for", "3600");
  await done("agents", "add", "web1", "--registered-for", "0");
  assert.equal(keys(), "002 web1 any KEY\n001 !web1 10.0.0.1 KEY\n");
  await done("agents", "add", "web9", "--id", "002", "--force");
  assert.equal(keys(), "002 web9 any KEY\n001 !web1 10.0.0.1 KEY\n");
});

test("agents key and agents import carry an agent from one manager to another", async () => {
  await done("agents", "add", "web1", "--ip", "10.0.0.1", "--id", "042", "--key", KEY);
  const exported = (await done("agents", "key", "042")).trim();
  assert.equal(Buffer.from(exported, "base64").toString(), `042 web1 10.0.0.1 ${KEY}`);
  await refused(/id '042' exists already/, "agents", "import", exported);
  prepareHome(systemFiles, homePaths(HOME));
  rmSync(join(HOME, "etc/client.keys"));
  await done("agents", "import", exported);
  assert.equal(readFileSync(join(HOME, "etc/client.keys"), "latin1"), `042 web1 10.0.0.1 ${KEY}\n`);
  for (const wrong of ["", "x", Buffer.from("1 2 3").toString("base64"), `${exported}=AAAA`.slice(4)])
    assert.equal((await cyb3rhq("agents", "import", wrong)).code, 1, wrong);
});

test("agents add --file does every line that it can and says the others", async () => {
  const file = join(HOME, "list.csv");
  writeFileSync(file, "any,web1\n10.0.0.2, web2\n\nnowhere,web3\nany,web1\n10.0.0.0/8,web4");
  const { code, complaint } = await cyb3rhq("agents", "add", "--file", file);
  assert.equal(code, 1);
  assert.deepEqual(
    complaint.split("\n").map((line) => line.replace(file, "")),
    ["cyb3rhq: :4: 'nowhere' is no address or network", "cyb3rhq: :5: An agent 'web1' exists already", ""],
  );
  assert.equal(keys(), "001 web1 any KEY\n002 web2 10.0.0.2 KEY\n003 web4 10.0.0.0/8 KEY\n");
});

test("agents add, key and remove, and groups assign fill up short ids", async () => {
  assert.match(await done("agents", "add", "web1", "--id", "7"), /ID 007/);
  await refused(/id '007' exists already/, "agents", "add", "web2", "--id", "07");
  await done("groups", "add", "linux");
  await done("groups", "assign", "7", "linux");
  assert.equal(await done("agents", "key", "7"), await done("agents", "key", "007"));
  // An id that somebody wrote without zeros is another one: on the wire too.
  await done("agents", "import", Buffer.from(`8 web8 any ${KEY}`).toString("base64"));
  await done("agents", "remove", "8");
  await done("agents", "remove", "7");
  assert.equal(keys(), "8 !web8 any KEY\n007 !web1 any KEY\n");
});

test("agents list keeps its columns when an address is long", async () => {
  await done("agents", "add", "web1", "--ip", "2001:db8::1/64");
  await done("agents", "add", "web2", "--ip", "10.0.0.1");
  const lines = (await done("agents", "list")).trimEnd().split("\n");
  const [head = "", ...rows] = lines;
  for (const row of rows) assert.equal(row.indexOf("never_connected"), head.indexOf("STATE"), row);
});

test("agents remove asks on a terminal", async () => {
  await done("agents", "add", "web1");
  const no = await run({ terminal: true, stdin: ["n\n"] }, "agents", "remove", "001");
  assert.deepEqual([no.code, keys()], [1, "001 web1 any KEY\n"]);
  assert.match(no.text, /^Remove agent '001' \(web1\)\? \[y\/N\]: Nothing was removed\.\n$/);
  const yes = await run({ terminal: true, stdin: ["y\n"] }, "agents", "remove", "001");
  assert.deepEqual([yes.code, keys()], [0, "001 !web1 any KEY\n"]);
  await done("agents", "add", "web2");
  assert.equal((await run({ terminal: true }, "agents", "remove", "002", "--yes", "--purge")).code, 0);
  assert.equal(keys(), "001 !web1 any KEY\n");
});

test("agents list filters by state, group and name", async () => {
  for (const name of ["web1", "web2", "db1"]) await done("agents", "add", name);
  await done("groups", "add", "linux");
  await done("groups", "assign", "003", "linux");
  const listed = async (...args: readonly string[]): Promise<unknown> => {
    const agents: readonly { readonly id: string }[] = JSON.parse(
      await done("agents", "list", "--json", ...args),
    );
    return agents.map(({ id }) => id);
  };
  assert.deepEqual(await listed(), ["001", "002", "003"]);
  assert.deepEqual(await listed("--name", "web"), ["001", "002"]);
  assert.deepEqual(await listed("--group", "linux"), ["003"]);
  assert.deepEqual(await listed("--status", "never_connected", "--name", "1"), ["001", "003"]);
  assert.equal(await done("agents", "list", "--status", "active"), "No such agents\n");
  const wrong = await cyb3rhq("agents", "list", "--status", "on");
  assert.equal(wrong.code, 2);
  assert.match(wrong.complaint, /no state of agents: never_connected, pending, active, disconnected/);
  await refused(/No manager|ENOENT/, "agents", "list", "--statistics");
});

test("manage_agents does by its options what the peer's does, in its words", async () => {
  assert.equal(await done("manage_agents", "-a", "any", "-n", "web1"), "Agent added with ID 001.\n");
  assert.equal(
    await done("manage_agents", "-j", "-a", "10.0.0.2", "-n", "web2"),
    '{"error":0,"data":{"id":"002","message":"Agent added"}}\n',
  );
  const list =
    "\nAvailable agents: \n   ID: 001, Name: web1, IP: any\n   ID: 002, Name: web2, IP: 10.0.0.2\n\n";
  assert.equal(await done("manage_agents", "-l"), list);
  const exported = (await done("agents", "key", "001")).trim();
  assert.equal(
    await done("manage_agents", "-e", "001"),
    `\nAgent key information for '001' is: \n${exported}\n`,
  );
  assert.equal(await done("manage_agents", "-j", "-e", "001"), `{"error":0,"data":"${exported}"}\n`);
  assert.equal(await done("manage_agents", "-r", "001"), "Agent '001' removed.\n");
  await refused(/There is no agent '001'/, "manage_agents", "-e", "001");
  for (const [error, ...args] of [
    [75, "-a", "any", "-n", "web2"],
    [76, "-a", "any", "-n", "."],
    [77, "-a", "nowhere", "-n", "web3"],
    [79, "-a", "10.0.0.2", "-n", "web3"],
    [78, "-e", "009"],
    [78, "-r", "x"],
    [71, "-f", "/nowhere"],
  ] as const) {
    const { code, text } = await cyb3rhq("manage_agents", "-j", ...args);
    assert.deepEqual([code, JSON.parse(text).error], [1, error], args.join(" "));
  }
  assert.equal(
    await done("manage_agents", "-F", "0", "-a", "10.0.0.2", "-n", "web3"),
    "Agent added with ID 003.\n",
  );
  const key = Buffer.from(`050 old any ${KEY}`).toString("base64");
  const imported = await run({ stdin: ["y\n"] }, "manage_agents", "-i", key);
  assert.match(
    imported.text,
    /^Agent information:\n {3}ID:050\n {3}Name:old\n {3}IP Address:any\n\n.*: Added\.\n$/s,
  );
  assert.equal(keys(), "003 web3 10.0.0.2 KEY\n001 !web1 any KEY\n002 !web2 10.0.0.2 KEY\n050 old any KEY\n");
});

test("manage_agents sends who asks a worker of a cluster to the master", async () => {
  const key = "0".repeat(32);
  const cluster = `<cluster><disabled>no</disabled><node_type>worker</node_type><key>${key}</key><nodes><node>10.0.0.9</node></nodes></cluster>`;
  writeFileSync(join(HOME, "etc/ossec.conf"), `<ossec_config>${cluster}</ossec_config>`);
  assert.match(await done("manage_agents", "-a", "any", "-n", "web1"), /master node: 10\.0\.0\.9\.\n$/);
  assert.equal(existsSync(join(HOME, "etc/client.keys")), false);
});

test("agents add and remove on a worker of a cluster are the master's to do", async () => {
  await done("agents", "add", "web1");
  const cluster = `<cluster><disabled>no</disabled><node_type>worker</node_type><key>${"0".repeat(32)}</key><nodes><node>10.0.0.9</node></nodes></cluster>`;
  writeFileSync(join(HOME, "etc/ossec.conf"), `<ossec_config>${cluster}</ossec_config>`);
  assert.match(await done("agents", "list"), /LAST KEEPALIVE +NODE +REASON\n001 .* never +-$/m);
  const before = keys();
  await refused(/registered on the master, 10\.0\.0\.9/, "agents", "add", "web2");
  await refused(/Cluster is not running/, "agents", "remove", "001");

  const localSockets = new FakeLocalSockets();
  const asked: string[] = [];
  const answers = ['{"error":0,"data":"deleted"}', '{"error":9011,"message":"Agent ID not found"}'];
  const sendsync = (client: LocalClient) => (payload: Buffer) => {
    asked.push(payload.toString());
    void client.request("ok", Buffer.from(answers.shift() ?? ""));
    return null;
  };
  const commands = (client: LocalClient) => new Map([["sendsync", sendsync(client)]]);
  await new LocalServer(HOME, { ...fakeNeeds(), localSockets }, commands).start();
  const removed = await run({ localSockets }, "agents", "remove", "001", "--purge");
  assert.deepEqual([removed.text, removed.complaint], ["Agent '001' removed.\n", ""]);
  const message = '{"arguments": {"id": "001", "purge": true}, "function": "remove"}';
  assert.deepEqual(asked, [`{"daemon_name": "authd", "message": ${message}}`]);
  const refusal = await run({ localSockets }, "agents", "remove", "001");
  assert.match(refusal.complaint, /The master did not remove '001': Agent ID not found/);
  assert.equal(keys(), before, "they go with the next synchronisation");
});

test("manage_agents has the menu, for answers on stdin and in variables", async () => {
  const answers = ["A\nweb1\nany\n", "y\nL\nE\n001\nR\n001\nn\nA\n..\nany\ny\nz\nQ\n"];
  const { code, text } = await run({ stdin: answers }, "manage_agents");
  assert.equal(code, 0);
  for (const shown of [
    "Agent added with ID 001.",
    "ID: 001, Name: web1, IP: any",
    "Agent key information",
    "** '..' is no agent name",
  ])
    assert(text.includes(shown), shown);
  assert(text.endsWith("Choose your action: A,E,L,R or Q: manage_agents: Exiting.\n"));
  assert.equal(keys(), "001 web1 any KEY\n");
  const variables = { OSSEC_ACTION: "r", OSSEC_AGENT_ID: "001", OSSEC_ACTION_CONFIRMED: "y" };
  assert.equal((await run({ variables }, "manage_agents")).code, 0);
  assert.equal(keys(), "001 !web1 any KEY\n");
  assert.equal(
    (await run({ stdin: ["A\nweb2\n"] }, "manage_agents")).code,
    0,
    "the end of stdin ends the menu",
  );
});

test("agent_groups does what the peer's does, in its words, and asks first", async () => {
  await done("agents", "add", "web1");
  const cancelled = await run({ stdin: ["n\n"] }, "agent_groups", "-a", "-g", "linux");
  assert.equal(cancelled.text, "Do you want to create the group 'linux'? [y/N]: Cancelled.\n");
  assert.equal(await done("agent_groups", "-a", "-g", "linux", "-q"), "Group 'linux' created.\n");
  const assigned = await run({ stdin: ["y\n"] }, "agent_groups", "-a", "-i", "001", "-g", "linux");
  assert.match(assigned.text, /agent '001'\? \[y\/N\]: Group 'linux' added to agent '001'\.\n$/);
  assert.equal(
    await done("agent_groups", "-l"),
    "Groups (2):\n  default (0)\n  linux (1)\nUnassigned agents: 0.\n",
  );
  assert.equal(
    await done("agent_groups", "-l", "-g", "linux"),
    "1 agent(s) in group 'linux':\n  ID: 001  Name: web1.\n",
  );
  assert.equal(await done("agent_groups", "-l", "-g", "default"), "No agents found in group 'default'.\n");
  assert.match(
    await done("agent_groups", "-c", "-g", "linux"),
    /^1 files for 'linux' group:\n {2}agent\.conf {2}\[[0-9a-f]{32}\]\n$/,
  );
  const of = "The agent 'web1' with ID '001' belongs to groups: linux.\n";
  assert.equal(await done("agent_groups", "-s", "-i", "001"), of);
  assert.equal(await done("agent_groups", "-S", "-i", "001"), "Agent '001' is not synchronized. \n");
  assert.equal(
    await done("agent_groups", "-r", "-i", "001", "-g", "linux", "-q"),
    "Agent '001' removed from linux.\n",
  );
  assert.equal(await done("agent_groups", "-r", "-g", "linux", "-q"), "Group linux removed.\n");
  await refused(/^Invalid options: Bad argument combination\.\n/, "agent_groups", "-l", "-s");
  await refused(/Error 1701: Agent does not exist/, "agent_groups", "-s", "-i", "009");
});
