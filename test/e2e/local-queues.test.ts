/**
 * Goal: what scripts and integrations of this host send to the peer's datagram sockets comes to what it would there. Method: a manager process,
 * an agent of a second implementation, and senders in Python as users write them; without Python the system's own call.
 */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { TestAgent } from "#testing/agent.ts";
import { DatagramSender } from "#testing/unix-datagrams.ts";
import { connectedAgent } from "./agents.ts";
import { makeHome, readDocuments, readLog, removeHome, type TestHome, writeInto } from "./home.ts";
import { ManagerProcess } from "./manager-process.ts";
import { until } from "./until.ts";

const WAIT_MS_MAX = 30_000;
/** Of the rules that the program brings: a failed login of a user that does not exist. */
const RULE = "501011";
const NOTE = '#!/bin/sh\nread -r line; echo "$line" >> logs/noted\n';
const FLOOD = 2000;
const SENDER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(sys.argv[1])
for line in sys.stdin.buffer.read().split(b"\\n"):
    s.send(line)
`;
const hasPython = spawnSync("python3", ["-c", ""]).status === 0;

let home: TestHome;
let manager: ManagerProcess;
let agent: TestAgent;

before(async () => {
  home = await makeHome();
  writeInto(home.path, "active-response/bin/note", NOTE);
  for (const name of ["", "/bin", "/bin/note"]) chmodSync(join(home.path, `active-response${name}`), 0o755);
  manager = await ManagerProcess.start(home, ["--quiet"]);
  agent = await connectedAgent(home);
});

after(async () => {
  await agent.drop();
  if (manager.ended === null) await manager.kill();
  removeHome(home);
});

/** Waits, as such programs do, while the manager has no room. */
async function send(socket: string, texts: readonly string[]): Promise<void> {
  const path = join(home.path, "queue", socket);
  if (hasPython) {
    const child = spawn("python3", ["-c", SENDER, path], { stdio: ["pipe", "inherit", "inherit"] });
    child.stdin.end(Buffer.from(texts.join("\n"), "latin1"));
    assert.deepEqual(await once(child, "close"), [0, null]);
    return;
  }
  const sender = new DatagramSender(path);
  for (const text of texts) await until("there is room", WAIT_MS_MAX, () => sender.send(text));
}

function failure(address: string): string {
  return `1:my-script:Nov 21 10:00:01 web1 sshd[4120]: Failed password for invalid user admin from ${address} port 40000 ssh2`;
}

test("Manager takes events of this host's programs, for itself and for the agent that they name", async () => {
  const { id } = agent.identity;
  await send("sockets/queue", [
    failure("203.0.113.9"),
    `1:[${id}] (web1) any->integration:{"found":"\xfc"}`,
    "bad",
  ]);
  await until("the alert", WAIT_MS_MAX, () =>
    readDocuments(home, "alerts").some(
      ({ rule, full_log: text }) => rule?.id === RULE && text.includes("203.0.113.9"),
    ),
  );
  const alert = readDocuments(home, "alerts").find(({ full_log: text }) => text.includes("203.0.113.9"));
  assert.equal(alert?.agent.id, "000");
  const ofAgent = () =>
    readDocuments(home, "archive").find(({ full_log: text }) => text.startsWith('{"found"'));
  await until("the event of the agent", WAIT_MS_MAX, () => ofAgent() !== undefined);
  assert.deepEqual([ofAgent()?.agent.id, ofAgent()?.agent.name], [id, "web1"]);
  await until("the complaint", WAIT_MS_MAX, () => readLog(home).includes("(1222): Invalid msg: bad"));
});

test("Manager loses nothing of a flood, and agents are served beside it", async () => {
  const texts = Array.from({ length: FLOOD }, (_, number) => `1:flood:number ${number} of many`);
  const flood = send("sockets/queue", texts);
  agent.send("1:/var/log/beside.log:beside the flood");
  await agent.keepalive();
  await flood;
  const count = (location: string) =>
    readDocuments(home, "archive").filter(({ full_log: text }) => text.includes(location)).length;
  await until("all events", WAIT_MS_MAX, () => count("of many") === FLOOD && count("beside the flood") === 1);
});

test("Manager sends an agent what a program asks for", async () => {
  const { id } = agent.identity;
  const order = '{"version":1,"origin":{"name":"","module":"framework"},"command":"!own.sh","parameters":{}}';
  await send("alerts/ar", [
    `(msg_to_agent) [] N!S ${id} own words\0`,
    `(local_source) [] NRN ${id} ${order}`,
    "x",
  ]);
  await until("both", WAIT_MS_MAX, () => agent.received.includes(`#!-execd ${order}`));
  assert(agent.received.includes("#!-own words"));
  await until("the complaint", WAIT_MS_MAX, () => readLog(home).includes("(1310): Invalid active response"));
});

test("Manager runs on its own host what a program asks for", async () => {
  const parameters = { extra_args: [], alert: {} };
  const message = { version: 1, origin: { name: "", module: "framework" }, command: "!note", parameters };
  await send("alerts/execq", [`${JSON.stringify(message)}\0`, "{"]);
  const noted = join(home.path, "logs/noted");
  await until(
    "the note",
    WAIT_MS_MAX,
    () => existsSync(noted) && readFileSync(noted, "latin1").endsWith("\n"),
  );
  assert.equal(JSON.parse(readFileSync(noted, "latin1")).command, "add");
  await until("the complaint", WAIT_MS_MAX, () =>
    readLog(home).includes("(1315): Invalid JSON message: '{'"),
  );
});

test("Manager's sockets are its group's, and go when it stops", async () => {
  const paths = ["sockets/queue", "alerts/ar", "alerts/execq"].map((name) => join(home.path, "queue", name));
  for (const path of [...paths, join(home.path, "queue/sockets/auth")])
    assert.equal(statSync(path).mode & 0o777, 0o660, path);
  await send("sockets/queue", ["1:last:the last words"]);
  const { code } = await manager.stop();
  assert.equal(code, 0);
  for (const path of paths) assert(!existsSync(path), path);
  assert(readDocuments(home, "archive").some(({ full_log: text }) => text === "the last words"));
});
