/**
 * Goal: agents get files whole and in the peer's words, and nothing waits for it. Method: the service on a network in memory, agents
 * with sealing and unmerging code of their own, a clock that is moved by hand.
 */
import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { TestCipher } from "#testing/agent.ts";
import { TestFileReceiver } from "#testing/shared-files.ts";
import type { FilePush } from "./file-push.ts";
import {
  ACK,
  DB,
  entryOf,
  identity,
  KEEPALIVE,
  SHUTDOWN,
  STARTUP,
  startManager,
  type TestLink,
  WEB,
} from "./fixture.ts";
import {
  PUSH_PAUSE_MS,
  PUSH_PENDING_BYTES_MAX,
  PUSH_STALLED_MS_MAX,
  PUSH_TURN_BYTES,
  PUSHES_MAX,
} from "./limits.ts";

const SESSION = new URL("../../test/vectors/agent/session/frames.jsonl", import.meta.url);

function mergedOf(bytes: number): Buffer {
  const head = `#default\n!${bytes} big.txt\n`;
  return Buffer.from(head + "0123456789abcde\n".repeat(Math.ceil(bytes / 16)).slice(0, bytes));
}

function pushOf(agent: { readonly id: string }, file: Uint8Array): FilePush {
  const { id: agentId } = entryOf({ ...WEB, id: agent.id });
  const sum = hash("md5", file);
  return { agentId, sum, fileName: "merged.mg", shownName: "default/merged.mg", bytes: file };
}

/** What arrived, read as an agent reads it. */
function receive(receiver: TestFileReceiver, link: TestLink): string[] {
  return link.answers().filter((message) => !receiver.take(message));
}

test("push() sends what the peer was recorded to send", async () => {
  const lines = readFileSync(SESSION, "utf8").trim().split("\n");
  const plain = lines.map((line): string => JSON.parse(line).plain);
  const from = plain.findIndex((text) => text.startsWith("#!-up file "));
  const recorded = plain.slice(from, from + 3);
  const manager = await startManager();
  manager.know(WEB);
  const link = manager.greeted(WEB);
  link.answers();
  const push = pushOf(WEB, Buffer.from(recorded[1] ?? "", "latin1"));
  manager.service.push(push);
  manager.clock.advance(1);
  assert.deepEqual(link.answers(), recorded);
  assert.deepEqual(manager.pushesEnded, [{ agentId: "001", sum: push.sum, outcome: "sent" }]);
  assert.deepEqual(manager.log.texts("debug").slice(-1), [
    "Sending file 'default/merged.mg' to agent '001'.",
  ]);
});

test("push() brings a file of any size whole, also from shared memory, while the agent is served as ever", async () => {
  const manager = await startManager();
  manager.know(WEB);
  const link = manager.greeted(WEB);
  const receiver = new TestFileReceiver();
  assert.deepEqual(receive(receiver, link), [ACK]);
  const file = mergedOf(300_000);
  const shared = new Uint8Array(new SharedArrayBuffer(file.length));
  shared.set(file);
  manager.service.push(pushOf(WEB, shared));
  let others: string[] = [];
  for (let turn = 0; turn < 8; turn++) {
    manager.clock.advance(PUSH_PAUSE_MS);
    link.say(`1:log:${turn}`, KEEPALIVE);
    others = [...others, ...receive(receiver, link)];
  }
  assert.deepEqual(others, Array(8).fill(ACK));
  assert.equal(manager.sink.events.length, 8);
  assert.equal(receiver.shared?.files.get("big.txt")?.length, 300_000);
  assert.equal(manager.clock.pendingTimers, 3, "no timer without a push");
});

test("push() gives no turn more than its bytes, and all agents their share", async () => {
  const manager = await startManager();
  manager.know(WEB, DB);
  const links = [manager.greeted(WEB), manager.greeted(DB)];
  for (const link of links) link.answers();
  const file = mergedOf(10 * PUSH_TURN_BYTES);
  for (const agent of [WEB, DB]) manager.service.push(pushOf(agent, file));
  for (let turn = 0; turn < 4; turn++) {
    manager.clock.advance(turn === 0 ? 0 : PUSH_PAUSE_MS);
    const bytes = links.map((link) => link.answers().reduce((sum, { length }) => sum + length, 0));
    const [web = 0, db = 0] = bytes;
    assert(web + db < 1.5 * PUSH_TURN_BYTES, `${web} + ${db}`);
    assert(Math.min(web, db) > 0.3 * PUSH_TURN_BYTES, `${web} + ${db}`);
  }
});

test("push() waits for an agent that reads slowly, gives up one that does not read, and goes on with the others", async () => {
  const manager = await startManager();
  manager.know(WEB, DB);
  const slow = manager.greeted(WEB);
  const other = manager.greeted(DB);
  for (const link of [slow, other]) link.answers();
  slow.connection.pendingBytes = PUSH_PENDING_BYTES_MAX + 1;
  const file = mergedOf(100_000);
  for (const agent of [WEB, DB]) manager.service.push(pushOf(agent, file));
  manager.clock.advance(1000);
  assert.deepEqual(slow.answers(), []);
  assert.deepEqual(
    manager.pushesEnded.map(({ agentId }) => agentId),
    ["002"],
  );
  slow.connection.pendingBytes = 0;
  manager.clock.advance(100);
  assert(slow.answers().length > 10);
  manager.service.push(pushOf(WEB, file));
  slow.connection.pendingBytes = PUSH_PENDING_BYTES_MAX + 1;
  manager.clock.advance(PUSH_STALLED_MS_MAX + 1000);
  assert.deepEqual(
    manager.pushesEnded.map(({ agentId, outcome }) => [agentId, outcome]),
    [
      ["002", "sent"],
      ["001", "sent"],
      ["001", "stalled"],
    ],
  );
});

test("push() ends with the connection that it began on", async () => {
  const manager = await startManager();
  manager.know(WEB);
  const file = mergedOf(10 * PUSH_TURN_BYTES);
  const endings: ((link: TestLink) => void)[] = [
    (link) => link.connection.hangUp(),
    (link) => link.say(SHUTDOWN),
    (link) => {
      link.connection.hangUp();
      manager.greeted(WEB);
    },
    () => manager.forget(WEB),
  ];
  for (const [index, end] of endings.entries()) {
    const link = manager.greeted(WEB);
    manager.service.push(pushOf(WEB, file));
    manager.clock.advance(1);
    end(link);
    manager.clock.advance(100);
    assert.deepEqual(manager.pushesEnded.at(index), {
      agentId: "001",
      sum: hash("md5", file),
      outcome: "not_connected",
    });
    if (link.open) link.connection.hangUp();
    if (index === 2) {
      manager.clock.advance(61_000);
      manager.forget(WEB);
      manager.know(WEB);
    }
  }
  manager.service.push(pushOf(WEB, file));
  manager.service.push(pushOf({ id: "009" }, file));
  manager.clock.advance(1);
  assert.equal(
    manager.pushesEnded.length,
    6,
    "neither an unknown agent nor one that is not connected is sent anything",
  );
});

test("push() sends so many files at a time, and the others after them", async () => {
  const manager = await startManager();
  const agents = Array.from({ length: PUSHES_MAX + 5 }, (_, index) => identity(String(1000 + index)));
  manager.know(...agents);
  const links = agents.map((agent) => manager.greeted(agent));
  const [first] = links;
  for (const link of links) link.connection.pendingBytes = PUSH_PENDING_BYTES_MAX + 1;
  for (const agent of agents) manager.service.push(pushOf(agent, mergedOf(100)));
  manager.clock.advance(1000);
  assert(first !== undefined);
  first.connection.pendingBytes = 0;
  manager.clock.advance(100);
  assert.equal(manager.pushesEnded.length, 1);
  for (const link of links) link.connection.pendingBytes = 0;
  manager.clock.advance(1000);
  assert.equal(manager.pushesEnded.filter(({ outcome }) => outcome === "sent").length, agents.length);
});

test("push() over UDP pauses for a second after every 31 messages", async () => {
  const manager = await startManager({ protocols: { tcp: false, udp: true } });
  manager.know(WEB);
  const cipher = new TestCipher(WEB);
  manager.network.datagram(1514, cipher.seal(STARTUP));
  const receiver = new TestFileReceiver();
  const counts: number[] = [];
  let taken = manager.network.sentDatagrams.length;
  manager.service.push(pushOf(WEB, mergedOf(70_000)));
  for (let second = 0; second < 4; second++) {
    manager.clock.advance(second === 0 ? 500 : 1000);
    const fresh = manager.network.sentDatagrams.slice(taken);
    taken += fresh.length;
    counts.push(fresh.length);
    for (const { bytes } of fresh) assert(receiver.take(cipher.open(bytes).message));
  }
  assert.deepEqual(counts, [31, 31, 18, 0]);
  assert.equal(receiver.taken, 1);
});

test("stop() forgets what was not sent", async () => {
  const manager = await startManager();
  manager.know(WEB);
  manager.greeted(WEB);
  manager.service.push(pushOf(WEB, mergedOf(1_000_000)));
  manager.clock.advance(1);
  await manager.service.stop();
  assert.equal(manager.clock.pendingTimers, 0);
  assert.deepEqual(manager.pushesEnded, []);
});
