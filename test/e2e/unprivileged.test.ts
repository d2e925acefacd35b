/**
 * Goal: a manager that root starts works with nobody's rights and still does all that it does as root. Method: real managers as the user
 * `nobody`, started by root; what only root can do is seen in files that only root may touch. Nothing of the host is changed.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { homePaths, lockHolder } from "#daemons/home.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import type { TestAgent } from "#testing/agent.ts";
import { connectedAgent } from "./agents.ts";
import {
  LOOPBACK,
  makeHome,
  readDocuments,
  readLog,
  readOutput,
  removeHome,
  type TestHome,
  temporaryDirectory,
} from "./home.ts";
import { ManagerProcess } from "./manager-process.ts";
import { until } from "./until.ts";

const LAUNCHER = fileURLToPath(new URL("../../cyb3rhq", import.meta.url));
const WAIT_MS_MAX = 30_000;
const USER = "nobody";
const AS_USER = ["--quiet", "--user", USER];
/** Of the rules that the program brings: a failed login of a user that does not exist. */
const RULE = "501011";
/** Below 1024; nothing that is usual has one of these. */
const PRIVILEGED_PORTS = [1021, 1019, 1017, 1013, 1009, 997, 991];
/** A user that is in the manager's group and nothing else. */
const MEMBER_ID = 54_321;

const [, , idText = "", groupText = ""] =
  /^nobody:.*$/m.exec(readFileSync("/etc/passwd", "latin1"))?.[0].split(":") ?? [];
const [userId, groupId] = [Number(idText), Number(groupText)];
const isPossible = process.getuid?.() === 0 && idText !== "";
const skip = isPossible
  ? false
  : "needs root and a user nobody: SKIPPED, nothing of giving up root is tested";
/** Is not there where others may not read the program. */
const NOBODY = ["setpriv", `--reuid=${idText}`, `--regid=${groupText}`, "--clear-groups"];

let home: TestHome;
let manager: ManagerProcess;
let agent: TestAgent;
let syslogPort: number;

before(async () => {
  if (!isPossible) return;
  home = await makeHome();
  syslogPort = await freePrivilegedPort();
  const remote = (protocol: string) =>
    `<remote><connection>syslog</connection><protocol>${protocol}</protocol><port>${syslogPort}</port><local_ip>${LOOPBACK}</local_ip><allowed-ips>${LOOPBACK}</allowed-ips></remote>`;
  appendFileSync(
    join(home.path, "etc/ossec.conf"),
    `<ossec_config>${remote("udp")}${remote("tcp")}</ossec_config>`,
  );
  manager = await ManagerProcess.start(home, AS_USER);
  agent = await connectedAgent(home);
});

after(async () => {
  if (!isPossible) return;
  await agent.drop();
  if (manager.ended === null) await manager.kill();
  const pid = holder();
  if (pid !== null) process.kill(pid, "SIGKILL");
  removeHome(home);
});

async function freePrivilegedPort(): Promise<number> {
  for (const port of PRIVILEGED_PORTS) {
    const isFree = await new Promise<boolean>((resolve) => {
      const server = createServer();
      server.once("error", () => resolve(false));
      server.listen(port, LOOPBACK, () => server.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
  throw new Error("no free port below 1024");
}

/** The process that holds the home. */
function holder(): number | null {
  return lockHolder(systemFiles, homePaths(home.path))?.pid ?? null;
}

function statusOf(path: string): Readonly<Record<string, string>> {
  const lines = readFileSync(`${path}/status`, "latin1").trimEnd().split("\n");
  return Object.fromEntries(lines.map((line) => line.split(":\t")));
}

function command(...args: string[]) {
  return spawnSync(LAUNCHER, [...args, "--home", home.path], { encoding: "latin1" });
}

async function reportFailure(address: string): Promise<void> {
  const log = `Nov 21 10:00:01 web1 sshd[4120]: Failed password for invalid user admin from ${address} port 40000 ssh2`;
  agent.send(`1:/var/log/auth.log:${log}`);
  const isAlert = ({ rule, full_log }: { rule?: { id: string }; full_log: string }) =>
    rule?.id === RULE && full_log === log;
  await until(`the alert on ${address}`, WAIT_MS_MAX, () => readDocuments(home, "alerts").some(isAlert));
}

function assertGivenUp(pid: number): void {
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const { Uid, Gid, Groups, CapPrm, CapEff, CapAmb } = statusOf(`/proc/${pid}/task/${thread}`);
    assert.deepEqual([Uid, Gid], [Array(4).fill(idText).join("\t"), Array(4).fill(groupText).join("\t")]);
    assert.equal(Groups?.trim(), groupText);
    for (const rights of [CapPrm, CapEff, CapAmb]) assert.match(rights ?? "", /^0+$/);
  }
  assert.equal(statusOf(`/proc/${pid}`)["NoNewPrivs"], "1");
}

test("Manager that root starts has no rights of root in any thread; its helper has", { skip }, () => {
  assertGivenUp(manager.pid);
  const children = readFileSync(`/proc/${manager.pid}/task/${manager.pid}/children`, "latin1");
  const helpers = children
    .trim()
    .split(" ")
    .filter((pid) => readFileSync(`/proc/${pid}/cmdline`, "latin1").includes("root-helper-process"));
  assert.equal(helpers.length, 1);
  assert.match(statusOf(`/proc/${helpers[0]}`)["Uid"] ?? "", /^0\t0\t0\t0$/);
  assert.match(readLog(home), /Gave up root: going on as the user nobody\./);
  // The pipes to the helper are for nobody else, though others have the same user.
  const seen = spawnSync(NOBODY[0] ?? "", [...NOBODY.slice(1), "ls", `/proc/${manager.pid}/fd`]);
  assert.notEqual(seen.status, 0);
});

test("Manager without root alerts on what agents report, and hears a port below 1024", { skip }, async () => {
  await reportFailure("203.0.113.7");
  const socket = createSocket("udp4");
  socket.send("<13>Nov 21 10:00:00 web1 probe[7]: privileged\n", syslogPort, LOOPBACK, () => socket.close());
  await until("the datagram", WAIT_MS_MAX, () => readOutput(home, "archive", "log").includes("privileged"));
  connect(syslogPort, LOOPBACK).end("<13>Nov 21 10:00:00 web1 probe[8]: stream\n");
  await until("the line", WAIT_MS_MAX, () => readOutput(home, "archive", "log").includes("stream"));
});

test("Manager without root changes the host through its helper, and only as the list of actions says", {
  skip,
}, () => {
  const place = temporaryDirectory();
  try {
    const path = join(place, "only-for-root");
    writeFileSync(path, "bad");
    const taken = command("response", "run", "quarantine-file", path);
    assert.equal(taken.status, 0, taken.stdout);
    assert.equal(existsSync(path), false);
    assert.deepEqual(
      [lstatSync(join(home.path, "quarantine")).uid, lstatSync(join(home.path, "quarantine")).mode & 0o777],
      [0, 0o700],
    );
    for (const [name, argument] of [
      ["quarantine-file", "/etc/passwd"],
      ["quarantine-file", join(home.path, "etc/client.keys")],
      ["stop-process", String(manager.pid)],
      ["disable-account", USER],
    ] as const)
      assert.equal(command("response", "run", name, argument).status, 1, `${name} ${argument}`);
  } finally {
    rmSync(place, { recursive: true });
  }
});

test("Manager without root can use what commands of root leave in its home, and its group may ask it", {
  skip,
}, async () => {
  assert.equal(command("agents", "add", "made-by-root").status, 0);
  assert.equal(command("groups", "add", "made-by-root").status, 0);
  for (const path of ["etc/client.keys", "etc/shared/made-by-root"])
    assert.equal(lstatSync(join(home.path, path)).uid, userId, path);
  await until("merged.mg of the group", WAIT_MS_MAX, () =>
    existsSync(join(home.path, "etc/shared/made-by-root/merged.mg")),
  );
  const socket = lstatSync(join(home.path, "queue/sockets/cyb3rhq"));
  assert.deepEqual([socket.uid, socket.gid, socket.mode & 0o777], [userId, groupId, 0o660]);
  const asMember = { uid: MEMBER_ID, gid: groupId, encoding: "latin1" } as const;
  const listed = spawnSync(LAUNCHER, ["response", "list", "--home", home.path], asMember);
  assert.deepEqual([listed.status, listed.stdout], [0, "Nothing is in force\n"]);
  const asOther = { ...asMember, gid: MEMBER_ID };
  assert.notEqual(spawnSync(LAUNCHER, ["response", "list", "--home", home.path], asOther).status, 0);
});

test("Manager without root is started again by its helper, and has given up root again", {
  skip,
}, async () => {
  await agent.drop();
  const asked = command("response", "run", "restart-wazuh");
  assert.deepEqual([asked.stdout, asked.stderr], ["done\n", ""]);
  await until("the first ends", WAIT_MS_MAX, () => manager.ended !== null);
  assert.equal(manager.ended?.code, 0);
  let next = 0;
  await until("the next one serves", WAIT_MS_MAX, () => {
    next = holder() ?? 0;
    return next !== 0 && existsSync(join(home.path, "queue/sockets/cyb3rhq"));
  });
  assert.notEqual(next, manager.pid);
  await until("it started", WAIT_MS_MAX, () =>
    readLog(home).includes(`managerd: INFO: Started (pid: ${next}).`),
  );
  assertGivenUp(next);
  agent = await connectedAgent(home, "web2");
  await reportFailure("203.0.113.8");
  assert.equal(command("stop").status, 0);
  assert.equal(holder(), null);
});

test("Manager uses a home again whoever started it before", { skip }, async () => {
  const starts: readonly [string, readonly string[], readonly string[]][] = [
    ["nobody itself", [], NOBODY],
    ["root for itself", ["--user", "root"], []],
    ["root for nobody", ["--user", USER], []],
  ];
  const path = join(home.path, "etc/ossec.conf");
  const before = readFileSync(path, "latin1");
  // Nobody may not bind the port of the others.
  writeFileSync(path, before.replace(/<ossec_config><remote>.*$/s, ""));
  for (const [index, [what, args, within]] of starts.entries()) {
    manager = await ManagerProcess.start(
      home,
      ["--quiet", ...args],
      ["env", "-u", "CYB3RHQ_USER", ...within],
    );
    await agent.drop();
    agent = await connectedAgent(home, `again${index}`);
    await reportFailure(`203.0.113.${20 + index}`);
    assert.equal((await manager.stop()).code, 0, what);
  }
  const alerts = readDocuments(home, "alerts").filter(({ rule }) => rule?.id === RULE);
  assert.equal(alerts.length, 5);
});

test("Manager refuses users and homes with which it could not work, and says what to do", {
  skip,
}, async () => {
  const unknown = await ManagerProcess.refused(home.path, ["--user", "no-such-user"]);
  assert.match(
    unknown.stderr,
    /^cyb3rhq: There is no user no-such-user; as root: useradd --system [^\n]*\n$/,
  );
  const place = temporaryDirectory();
  try {
    const hidden = join(place, "home");
    mkdirSync(hidden);
    const refused = await ManagerProcess.refused(hidden, AS_USER);
    assert.match(refused.stderr, /^cyb3rhq: The home cannot be read by the user nobody .*--user root\n$/);
    chmodSync(place, 0o755);
    rmSync(hidden, { recursive: true });
    mkdirSync(join(hidden, "etc"), { recursive: true });
    symlinkSync("/etc", join(hidden, "queue"));
    const linked = await ManagerProcess.refused(hidden, AS_USER);
    assert.match(linked.stderr, /^cyb3rhq: queue of the home is no folder; move it away\n$/);
    assert.equal(lstatSync("/etc").uid, 0);
  } finally {
    rmSync(place, { recursive: true });
  }
});

test("Manager that keeps the rights it was started with is started again, too", async (t) => {
  const own = await makeHome();
  const holds = () => lockHolder(systemFiles, homePaths(own.path))?.pid ?? 0;
  t.after(() => {
    if (holds() !== 0) process.kill(holds(), "SIGKILL");
    removeHome(own);
  });
  const first = await ManagerProcess.start(own, ["--quiet"]);
  const run = (...args: string[]) =>
    spawnSync(LAUNCHER, [...args, "--home", own.path], { encoding: "latin1" });
  const asked = run("response", "run", "restart-wazuh");
  assert.deepEqual([asked.stdout, asked.stderr], ["done\n", ""]);
  await until("the first ends", WAIT_MS_MAX, () => first.ended !== null);
  assert.deepEqual(first.ended, { code: 0, signal: null });
  const started = () => readLog(own).match(/managerd: INFO: Started/g) ?? [];
  await until("the next one serves", WAIT_MS_MAX, () => started().length === 2);
  assert.deepEqual([holds() !== 0, holds() !== first.pid], [true, true]);
  assert.equal(run("stop").status, 0);
});
