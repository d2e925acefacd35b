/**
 * Goal: strangers cost the manager little and its agents nothing. Method: lengths that lie, silence, noise and half a handshake from
 * a thousand sockets, while a good agent's answers are timed and the process's memory is read from the kernel.
 */
import assert from "node:assert/strict";
import { lstatSync, readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join, relative } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { enroll, type TestAgent } from "#testing/agent.ts";
import { SeededRandom } from "#testing/random.ts";
import { connectedAgent } from "./agents.ts";
import { LOOPBACK, makeHome, readLog, removeHome, type TestHome } from "./home.ts";
import { ManagerProcess } from "./manager-process.ts";

const STRANGERS = 1000;
/** Of enrollment (`CLIENTS_MAX`), and how long who is silent keeps one from others. */
const PLACES = 999;
const SILENT_PATIENCE_MS = 250;
const OTHERS = 0o007;
/** Connections that are opened at a time: what a listener's queue holds. */
const AT_A_TIME = 100;
const RSS_GROWTH_BYTES_MAX = 30 * 1024 * 1024;
/** Of most answers; a machine that runs other tests too may hold up one of them, and none may take the agent's patience of 10 s. */
const MEDIAN_ACK_MS_MAX = 1000;
/** Refusals are said once a second for a network, and this is one network. */
const LOG_LINES_PER_SECOND_MAX = 5;
const KEEPALIVE_PERIOD_MS = 50;
/** How long the strangers stay when all are there. */
const STAY_MS = 500;

let home: TestHome;
let manager: ManagerProcess;
let agent: TestAgent;

before(async () => {
  home = await makeHome();
  manager = await ManagerProcess.start(home, ["--quiet"]);
  agent = await connectedAgent(home);
});

after(async () => {
  await agent.drop();
  await manager.kill();
  removeHome(home);
});

/** Connects and sends `bytes`; resolves when they are on their way or the manager has hung up. */
function stranger(port: number, bytes: Buffer | null): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connect(port, LOOPBACK);
    socket.on("error", () => resolve(socket));
    socket.on("connect", () => {
      if (bytes === null) resolve(socket);
      else socket.write(bytes, () => resolve(socket));
    });
    socket.resume();
  });
}

/** All are there at once before the first of them leaves; resolves with the manager's memory then. */
async function attack(port: number, bytesOf: (index: number) => Buffer | null): Promise<number> {
  const sockets: Socket[] = [];
  for (let index = 0; index < STRANGERS; index += AT_A_TIME) {
    const group = Array.from({ length: AT_A_TIME }, (_, offset) => stranger(port, bytesOf(index + offset)));
    sockets.push(...(await Promise.all(group)));
  }
  await delay(STAY_MS);
  const { rssBytes } = manager;
  for (const socket of sockets) socket.destroy();
  return rssBytes;
}

/** Asks for acks during an attack, and holds its memory and the log against their bounds. */
async function assertCheap(t: TestContext, act: () => Promise<number>): Promise<void> {
  const begun = performance.now();
  const linesBefore = readLog(home).split("\n").length;
  const rssBytesBefore = manager.rssBytes;
  const ackMs: number[] = [];
  let over = false;
  const asking = (async () => {
    while (!over) {
      const asked = performance.now();
      await agent.keepalive();
      ackMs.push(performance.now() - asked);
      await delay(KEEPALIVE_PERIOD_MS);
    }
  })();
  const growthBytes = (await act()) - rssBytesBefore;
  over = true;
  await asking;
  const seconds = (performance.now() - begun) / 1000;
  const lines = readLog(home).split("\n").length - linesBefore;
  const medianMs = ackMs.sort((a, b) => a - b)[ackMs.length >> 1] ?? Number.NaN;
  t.diagnostic(`${growthBytes} bytes more, an ack in ${medianMs.toFixed(0)} ms, ${lines} log lines`);
  assert(growthBytes < RSS_GROWTH_BYTES_MAX, `${growthBytes} bytes more`);
  assert(medianMs < MEDIAN_ACK_MS_MAX, `${medianMs} ms for an ack`);
  assert(lines <= LOG_LINES_PER_SECOND_MAX * (1 + seconds), `${lines} lines in ${seconds} s`);
}

test("Manager reserves nothing for the length that a stranger announces", async (t) => {
  const lie = Buffer.concat([Buffer.from([0xff, 0xff, 0xff, 0xff]), Buffer.alloc(4096, "x")]);
  await assertCheap(t, () => attack(home.agentPort, () => lie));
});

test("Manager is not held up by junk on the agents' port", async (t) => {
  const random = new SeededRandom(1);
  await assertCheap(t, () => attack(home.agentPort, () => random.bytes(1 + random.below(512))));
});

test("Manager is not held up by frames that are never finished", async (t) => {
  const half = Buffer.concat([Buffer.from([0x00, 0x40, 0x00, 0x00]), Buffer.alloc(4096, "!")]);
  await assertCheap(t, () => attack(home.agentPort, () => half));
});

test("Manager is not held up by silence on the enrollment port", async (t) => {
  await assertCheap(t, () => attack(home.enrollmentPort, () => null));
});

test("Manager enrols an agent at its first try while all places are held in silence", async () => {
  const silent: Socket[] = [];
  for (let index = 0; index < PLACES + AT_A_TIME; index += AT_A_TIME) {
    const group = Array.from({ length: AT_A_TIME }, () => stranger(home.enrollmentPort, null));
    silent.push(...(await Promise.all(group)));
  }
  await delay(SILENT_PATIENCE_MS);
  const { id } = await enroll({ host: LOOPBACK, port: home.enrollmentPort, name: "patient" });
  assert.match(id, /^[0-9]{3}$/);
  assert(silent.filter(({ destroyed }) => !destroyed).length >= PLACES - AT_A_TIME, "the others stay");
  for (const socket of silent) socket.destroy();
});

test("Manager is not held up by what is no TLS, or half of it", async (t) => {
  const random = new SeededRandom(2);
  /** Header of a handshake record (RFC 8446, 5.1) whose content is noise. */
  const helloHeader = Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00]);
  const noise = (index: number) =>
    index % 2 === 0 ? random.bytes(300) : Buffer.concat([helloHeader, random.bytes(300)]);
  await assertCheap(t, () => attack(home.enrollmentPort, noise));
});

test("Manager keeps nothing that others of this host may read or enter (CVE-2025-54866)", () => {
  const open = readdirSync(home.path, { recursive: true, withFileTypes: true })
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => (lstatSync(path).mode & OTHERS) !== 0 && !lstatSync(path).isSymbolicLink())
    .map((path) => relative(home.path, path));
  assert.deepEqual(open, ["etc", "etc/ossec.conf"], "what this test made itself");
});

test("Manager enrols and serves as before afterwards", async () => {
  const newcomer = await connectedAgent(home, "web2");
  await newcomer.keepalive();
  await newcomer.shutdown();
  assert(agent.connected);
});
