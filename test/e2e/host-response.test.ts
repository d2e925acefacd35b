/**
 * Goal: an alert bans its address on the manager's own host, for the time that the configuration says, whatever becomes of the manager; and
 * people can see, run and undo that. Method: a manager process in a network namespace of its own, so that the host's packet filter is
 * not touched; without the right to make one, dry runs only.
 */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { appendFileSync, chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { homePaths } from "#daemons/home.ts";
import { CodedError } from "#kernel/errors.ts";
import { systemLocalSockets } from "#kernel/platform/local-sockets.ts";
import { askManager } from "#local-sockets/control-client.ts";
import { makeHome, readLog, removeHome, type TestHome, writeInto } from "./home.ts";
import { ManagerProcess } from "./manager-process.ts";
import { until } from "./until.ts";

const LAUNCHER = fileURLToPath(new URL("../../cyb3rhq", import.meta.url));
const WAIT_MS_MAX = 30_000;
/** Long enough for a look at what is in force on a busy machine. */
const TIMEOUT_SECONDS = 6;
/** Of the rules that the program brings: a failed login of a user that does not exist. */
const RULE = "501011";
const RESPONSES = `
  <command><name>drop</name><executable>firewall-drop</executable></command>
  <command><name>note</name><executable>note</executable></command>
  <active-response>
    <command>drop</command><location>server</location><rules_id>${RULE}</rules_id><timeout>${TIMEOUT_SECONDS}</timeout>
  </active-response>
  <active-response>
    <command>note</command><location>local</location><rules_id>${RULE}</rules_id><timeout>0</timeout>
  </active-response>
  <localfile><log_format>syslog</log_format><location>HOME/own.log</location></localfile>
</ossec_config>`;
const NOTE = '#!/bin/sh\nread -r line; echo "$line" >> logs/noted\n';
/** The namespace has nothing but a loopback, which is down at first. */
const WITHIN = ["unshare", "-n", "sh", "-c", 'ip link set lo up; exec "$@"', "sh"];

const commands = ["nft", "ip", "unshare", "nsenter"];
const hasCommands = commands.every((name) => spawnSync("sh", ["-c", `command -v ${name}`]).status === 0);
const canBan = process.getuid?.() === 0 && hasCommands && spawnSync("unshare", ["-n", "true"]).status === 0;
const skip = canBan ? false : "needs root, nft, ip, and a network namespace";

let home: TestHome;
let manager: ManagerProcess;

const start = () => ManagerProcess.start(home, ["--quiet"], canBan ? WITHIN : []);

before(async () => {
  home = await makeHome();
  const path = join(home.path, "etc/ossec.conf");
  const responses = RESPONSES.replace("HOME", home.path);
  writeFileSync(path, readFileSync(path, "latin1").replace("</ossec_config>", responses));
  writeInto(home.path, "active-response/bin/note", NOTE);
  for (const name of ["", "/bin", "/bin/note"]) chmodSync(join(home.path, `active-response${name}`), 0o755);
  writeFileSync(join(home.path, "own.log"), "");
  manager = await start();
});

after(async () => {
  if (manager.ended === null) await manager.kill();
  removeHome(home);
});

function reportFailure(address: string): void {
  const text = `Failed password for invalid user admin from ${address} port 40000 ssh2`;
  appendFileSync(join(home.path, "own.log"), `Nov 21 10:00:01 web1 sshd[4120]: ${text}\n`);
}

function banned(): string {
  const inside = ["-t", String(manager.pid), "-n", "nft", "list", "ruleset"];
  const elements = /banned4 \{[^}]*elements = \{([^}]*)\}/.exec(
    execFileSync("nsenter", inside, { encoding: "latin1" }),
  );
  return elements?.[1]?.trim() ?? "";
}

function command(...args: string[]): { readonly status: number | null; readonly stdout: string } {
  const { status, stdout } = spawnSync(LAUNCHER, [...args, "--home", home.path], { encoding: "latin1" });
  return { status, stdout };
}

/** Over the manager's socket, as the command line does. */
async function isDone(name: string, argument: string): Promise<boolean> {
  const parameters = { name, arguments: [argument], target: "server", dryRun: false };
  const request = { command: "response.run", parameters };
  try {
    const outcomes = await askManager(systemLocalSockets, homePaths(home.path).controlSocket, request);
    return JSON.stringify(outcomes).includes('"ok":true');
  } catch (error) {
    assert(error instanceof CodedError, String(error));
    return false;
  }
}

function lines(name: string): string[] {
  const path = join(home.path, name);
  return existsSync(path) ? readFileSync(path, "latin1").trimEnd().split("\n") : [];
}

test("Manager bans the address of an alert on its own host, and not for longer than it should", {
  skip,
}, async () => {
  reportFailure("203.0.113.9");
  await until("the address is banned", WAIT_MS_MAX, () => banned() === "203.0.113.9");
  const [standing] = JSON.parse(command("response", "list", "--json").stdout);
  assert.equal(standing.key, "firewall-drop-203.0.113.9");
  assert.equal(standing.untilMs - standing.sinceMs, TIMEOUT_SECONDS * 1000);
  await until("the ban is over", WAIT_MS_MAX, () => banned() === "");
  const actionsDone = () =>
    lines("logs/responses/host-actions.json")
      .map((line) => JSON.parse(line))
      .filter(({ action }) => action !== undefined);
  await until("both are recorded", WAIT_MS_MAX, () => actionsDone().length === 2);
  const actions = actionsDone();
  assert.deepEqual(
    actions.map(({ action, ok }) => [action.kind, action.address, ok]),
    [
      ["ban", "203.0.113.9", true],
      ["unban", "203.0.113.9", true],
    ],
  );
  assert.match(actions[0].asker, new RegExp(`^alert \\d+\\.\\d+ of rule ${RULE}$`));
  const log = lines("logs/active-responses.log");
  assert.match(
    log[0] ?? "",
    /^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d active-response\/bin\/firewall-drop: Starting$/,
  );
});

test("Manager runs a program of the home for an alert of its own host", async () => {
  if (!canBan) reportFailure("203.0.113.9");
  await until("the note", WAIT_MS_MAX, () => lines("logs/noted").length > 0);
  const message = JSON.parse(lines("logs/noted")[0] ?? "");
  assert.deepEqual([message.command, message.origin.module], ["add", "wazuh-execd"]);
  assert.equal(message.parameters.alert.data.srcip, "203.0.113.9");
  assert.equal(message.parameters.program, "active-response/bin/note");
});

test("Manager undoes after a crash what is overdue", { skip }, async () => {
  reportFailure("203.0.113.10");
  await until("the address is banned", WAIT_MS_MAX, () => banned() === "203.0.113.10");
  // The namespace ends with its last process: the helper's successor starts in an empty one.
  await manager.kill();
  manager = await start();
  await until(
    "it is undone",
    WAIT_MS_MAX,
    () => lines("logs/responses/host-actions.json").filter((line) => line.includes('"unban"')).length === 2,
  );
  assert.equal(command("response", "list").stdout, "Nothing is in force\n");
});

test("Manager runs and undoes what a person asks for", { skip }, () => {
  const run = command("response", "run", "firewall-drop", "203.0.113.11");
  assert.deepEqual(run, { status: 0, stdout: "done\n" });
  assert.equal(banned(), "203.0.113.11");
  assert.match(
    command("response", "list").stdout,
    /^firewall-drop-203\.0\.113\.11 +since .* until it is undone\n$/,
  );
  assert.deepEqual(command("response", "undo", "firewall-drop-203.0.113.11").status, 0);
  assert.equal(banned(), "");
  assert.equal(command("response", "undo", "firewall-drop-203.0.113.11").status, 1);
});

test("Manager tells what it would run, and refuses hostile arguments", async () => {
  const dry = command("response", "run", "disable-account", "daemon", "--dry-run", "--json");
  const [outcome] = JSON.parse(dry.stdout);
  assert.deepEqual([dry.status, outcome.agentId, outcome.ok], [0, "000", true]);
  assert.equal(outcome.message, "would run: usermod --lock -- daemon");
  const hostile = {
    "firewall-drop": ["10.1", "-j", "--", "203.0.113.9\n0.0.0.0", "::ffff:127.0.0.1", "x".repeat(300)],
    "disable-account": ["root", "--", "-d root", "no such"],
    "stop-process": ["0", "1", "-1", String(manager.pid)],
    "quarantine-file": [
      ...["/etc/passwd", "/proc/self/mem", "/tmp/../etc/passwd", "/tmp"],
      join(home.path, "etc/client.keys"),
    ],
  };
  for (const [name, args] of Object.entries(hostile))
    for (const argument of args) assert.equal(await isDone(name, argument), false, `${name} ${argument}`);
  for (const name of ["../../bin/sh", "!../x", "/bin/sh", "absent", "!x\0"])
    assert.equal(await isDone(name, "x"), false, name);
  assert.equal(manager.ended, null);
});

test("Manager is not restarted into a configuration that it would not start with", () => {
  const path = join(home.path, "etc/ossec.conf");
  const before = readFileSync(path, "latin1");
  writeFileSync(path, before.replace("<global>", "<global><logall>maybe</logall>"));
  const [outcome] = JSON.parse(command("response", "run", "restart-wazuh", "--dry-run", "--json").stdout);
  writeFileSync(path, before);
  assert.equal(outcome.ok, false);
  assert.match(outcome.message, /^The manager would not start again: .*logall/);
});

test("Manager undoes at its stop what has a timeout", { skip }, async () => {
  command("response", "run", "firewall-drop", "203.0.113.12", "--timeout", "600");
  assert.equal(banned(), "203.0.113.12");
  const { code } = await manager.stop();
  assert.equal(code, 0);
  assert.match(readLog(home), /\(1314\): Shutdown received\. Deleting responses\./);
  const last = JSON.parse(lines("logs/responses/host-actions.json").at(-1) ?? "");
  assert.deepEqual([last.action, last.ok], [{ kind: "unban", address: "203.0.113.12" }, true]);
});
