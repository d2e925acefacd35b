/**
 * Goal: each action does what it says to real accounts, processes and files, and to none that it must not touch. Method: usermod on
 * accounts below a temporary folder, processes that the test starts, files of every kind.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { systemProcessTable } from "#kernel/platform/process-table.ts";
import { HelperBench } from "./fixture.ts";

const skip = process.getuid?.() === 0 ? false : "only root may lock accounts";

async function code(bench: HelperBench, action: object): Promise<string> {
  return (await bench.ask(action)).code;
}

test("RootHelper answers what is no request, with its id", async () => {
  const bench = new HelperBench();
  const answer = JSON.parse(await bench.helper.answer('{"id":5,"action":{"kind":"exec"},"dryRun":false}'));
  assert.deepEqual([answer.id, answer.ok, answer.code], [5, false, "request_invalid"]);
  assert.equal(await code(bench, { kind: "ban", address: "-j" }), "request_invalid");
  bench.remove();
});

test("RootHelper locks and unlocks an account, never root's and the program's own", { skip }, async () => {
  const bench = new HelperBench();
  const shadow = () => readFileSync(join(bench.prefix, "etc/shadow"), "latin1");
  assert.equal(await code(bench, { kind: "disable_account", user: "mira" }), "done");
  assert.match(shadow(), /^mira:!\$6\$salt\$hash:/m);
  assert.equal(await code(bench, { kind: "enable_account", user: "mira" }), "done");
  assert.match(shadow(), /^mira:\$6\$salt\$hash:/m);
  for (const user of ["root", "toor", "cyb3rhq", "odd"])
    for (const kind of ["disable_account", "enable_account"])
      assert.equal(await code(bench, { kind, user }), "account_protected", user);
  assert.equal(await code(bench, { kind: "disable_account", user: "nobody-here" }), "no_such_account");
  // Otherwise undoing it would open what the administrator closed.
  assert.equal(await code(bench, { kind: "disable_account", user: "noor" }), "already_disabled");
  bench.remove();
});

test("RootHelper says that a program is missing", async () => {
  const bench = new HelperBench({ programFolders: ["/nowhere"] });
  assert.equal(await code(bench, { kind: "ban", address: "203.0.113.9" }), "program_missing");
  bench.remove();
});

function sleeper(): { readonly child: ChildProcess; readonly pid: number; readonly startTicks: string } {
  const child = spawn("sleep", ["60"], { stdio: "ignore" });
  const pid = child.pid ?? -1;
  return { child, pid, startTicks: systemProcessTable.find(pid)?.startTicks ?? "" };
}

test("RootHelper stops the very process, and none of the program's family", async () => {
  const [target, own] = [sleeper(), sleeper()];
  const bench = new HelperBench({ ownProcesses: [own.pid] });
  const stop = ({ pid, startTicks }: { readonly pid: number; readonly startTicks: string }) => ({
    kind: "stop_process",
    pid,
    startTicks,
  });
  const parent = { pid: process.pid, startTicks: systemProcessTable.find(process.pid)?.startTicks ?? "" };
  assert.equal(await code(bench, stop(own)), "process_protected");
  assert.equal(await code(bench, stop(parent)), "process_protected", "it started one of the family");
  assert.equal(await code(bench, stop({ ...target, startTicks: "1" })), "no_such_process");
  for (const pid of [0, 1, -1]) assert.equal(await code(bench, stop({ ...target, pid })), "request_invalid");
  const thread = Number(
    readdirSync(`/proc/${process.pid}/task`).find((name) => name !== String(process.pid)),
  );
  const threadTicks = systemProcessTable.find(thread)?.startTicks ?? "";
  assert.equal(await code(bench, stop({ pid: thread, startTicks: threadTicks })), "no_such_process");

  const ended = new Promise((resolve) => target.child.once("exit", (_, signal) => resolve(signal)));
  assert.equal(await code(bench, stop(target)), "done");
  assert.equal(await ended, "SIGTERM");
  assert.equal(await code(bench, stop(target)), "no_such_process");

  const below = new HelperBench({ ownProcesses: [process.pid] });
  assert.equal(await code(below, stop(own)), "process_protected", "the program started it");
  own.child.kill("SIGKILL");
  bench.remove();
  below.remove();
});

test("RootHelper moves a file out of reach and back", async () => {
  const bench = new HelperBench();
  const path = join(bench.directory, "malware");
  writeFileSync(path, "x", { mode: 0o755 });
  const { code: taken, text: item } = await bench.ask({ kind: "quarantine_file", path });
  assert.equal(taken, "done");
  const folder = join(bench.home, "quarantine");
  assert.deepEqual(readdirSync(folder).sort(), [item, `${item}.json`]);
  assert.equal(lstatSync(folder).mode & 0o777, 0o700);
  assert.equal(JSON.parse(readFileSync(join(folder, `${item}.json`), "utf8")).path, path);
  assert.equal(await code(bench, { kind: "quarantine_file", path }), "file_not_found");

  writeFileSync(path, "another");
  assert.equal(await code(bench, { kind: "release_file", item }), "file_exists");
  assert.equal(readFileSync(path, "latin1"), "another");
  assert.equal((await bench.ask({ kind: "quarantine_file", path })).ok, true);
  assert.deepEqual(await bench.ask({ kind: "release_file", item }), { ok: true, code: "done", text: path });
  assert.equal(readFileSync(path, "latin1"), "x");
  assert.equal(lstatSync(path).mode & 0o777, 0o755);
  assert.equal(await code(bench, { kind: "release_file", item }), "file_not_found");
  bench.remove();
});

test("RootHelper moves no link, directory, pipe, other name, nor what the system and the program need", async () => {
  const bench = new HelperBench();
  const at = (name: string) => join(bench.directory, name);
  const take = (path: string) => code(bench, { kind: "quarantine_file", path });
  writeFileSync(at("file"), "x");
  symlinkSync(at("file"), at("link"));
  mkdirSync(at("folder"));
  symlinkSync(at("folder"), at("folder-link"));
  writeFileSync(at("folder/inside"), "x");
  spawnSync("mkfifo", [at("pipe")]);
  writeFileSync(at("two"), "x");
  linkSync(at("two"), at("names"));
  writeFileSync(join(bench.home, "client.keys"), "x");
  assert.equal(await take(at("link")), "path_has_link");
  assert.equal(await take(at("folder-link/inside")), "path_has_link");
  assert.equal(await take(at("folder")), "not_regular");
  assert.equal(await take(at("pipe")), "not_regular");
  assert.equal(await take(at("two")), "hard_linked");
  assert.equal(await take(join(bench.home, "client.keys")), "path_protected");
  for (const path of ["/etc/passwd", "/proc/self/environ", "/proc/1/mem", "/sys/kernel/uevent_seqnum"])
    assert.match(await take(path), /^path_(?:protected|has_link)$/, path);
  assert.equal(await take(`${bench.directory}/folder/../file`), "request_invalid");
  assert.equal(readFileSync(at("file"), "latin1"), "x");
  bench.remove();
});

test("RootHelper uses no quarantine that others may enter", async () => {
  const bench = new HelperBench();
  const path = join(bench.directory, "file");
  writeFileSync(path, "x");
  mkdirSync(join(bench.home, "quarantine"), { mode: 0o755 });
  assert.equal(await code(bench, { kind: "quarantine_file", path }), "directory_unsafe");
  const planted = new HelperBench();
  symlinkSync(planted.directory, join(planted.home, "quarantine"));
  writeFileSync(join(planted.directory, "file"), "x");
  const action = { kind: "quarantine_file", path: join(planted.directory, "file") };
  assert.equal(await code(planted, action), "path_has_link");
  bench.remove();
  planted.remove();
});

test("RootHelper keeps hosts.deny as it was but for its own line", async () => {
  const bench = new HelperBench();
  const path = join(bench.prefix, "etc/hosts.deny");
  writeFileSync(path, "# mine\nALL:203.0.113.90", { mode: 0o604 });
  for (const address of ["203.0.113.9", "203.0.113.9", "2001:db8::1"])
    await bench.ask({ kind: "deny_host", address });
  const lines = [
    "# mine",
    "ALL:203.0.113.90",
    "ALL:203.0.113.9",
    "ALL:[2001:0DB8:0000:0000:0000:0000:0000:0001]",
    "",
  ];
  assert.deepEqual(readFileSync(path, "latin1").split("\n"), lines);
  for (const address of ["203.0.113.9", "2001:db8::1"]) await bench.ask({ kind: "allow_host", address });
  assert.equal(readFileSync(path, "latin1"), "# mine\nALL:203.0.113.90\n");
  assert.equal(lstatSync(path).mode & 0o777, 0o604);
  bench.remove();
});

test("RootHelper marks an address by a file, in a folder that nobody else can write to", async () => {
  const bench = new HelperBench();
  const folder = join(bench.prefix, "ipblock");
  const mark = { kind: "mark_address", address: "203.0.113.9" };
  const text = `would run: write ${folder}/203.0.113.9`;
  assert.equal((await bench.ask(mark, true)).text, text);
  assert.equal(await code(bench, { ...mark, kind: "unmark_address" }), "done");
  for (const address of ["203.0.113.9", "203.0.113.9", "2001:db8::1"])
    assert.equal(await code(bench, { ...mark, address }), "done");
  assert.deepEqual(readdirSync(folder).toSorted(), [
    "2001:0DB8:0000:0000:0000:0000:0000:0001",
    "203.0.113.9",
  ]);
  assert.equal(lstatSync(folder).mode & 0o777, 0o755);
  assert.equal(await code(bench, { ...mark, kind: "unmark_address" }), "done");
  assert.deepEqual(readdirSync(folder), ["2001:0DB8:0000:0000:0000:0000:0000:0001"]);
  assert.equal(await code(bench, { ...mark, address: "../etc/passwd" }), "request_invalid");
  chmodSync(folder, 0o777);
  assert.equal(await code(bench, mark), "folder_unsafe");
  rmSync(folder, { recursive: true });
  symlinkSync(join(bench.prefix, "etc"), folder);
  assert.equal(await code(bench, mark), "folder_unsafe");
  bench.remove();
});
