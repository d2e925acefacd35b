/**
 * Goal: strangers and holders of one key cannot make the service fall, grow or fill the log.
 * Method: each known attack of the agent port against the service in memory, with its whole state looked at afterwards.
 */
import assert from "node:assert/strict";
import { createCipheriv } from "node:crypto";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { deflateSync } from "node:zlib";
import { frameOf } from "#testing/agent-link.ts";
import { SeededRandom } from "#testing/random.ts";
import { ACK, identity, KEEPALIVE, KEY, STARTUP, startManager, type TestManager, WEB } from "./fixture.ts";
import {
  REFUSAL_LINES_PER_SECOND_MAX,
  UNAUTHENTICATED_HELD_BYTES_MAX,
  UNAUTHENTICATED_MAX,
  UNAUTHENTICATED_MS_MAX,
  WORK_BYTES_MAX,
  WORK_FRAMES_MAX,
} from "./limits.ts";

const AES_KEY = Buffer.from("6dfb7209c18ea49a233cdef261eb0626"); // of KEY, from the vectors

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

function heapBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** A payload that decrypts to exactly these bytes. */
function encrypted(clear: Uint8Array): Buffer {
  const cipher = createCipheriv("aes-256-cbc", AES_KEY, Buffer.from("FEDCBA0987654321"));
  return Buffer.concat([Buffer.from("!001!#AES:"), cipher.update(clear), cipher.final()]);
}

function assertUnharmed(manager: TestManager, what: string): void {
  const link = manager.greeted(WEB);
  assert.deepEqual(link.answers(), [ACK], what);
  link.connection.hangUp();
}

async function managerOfWeb(): Promise<TestManager> {
  const manager = await startManager();
  manager.know(WEB);
  return manager;
}

test("AgentConnectionService closes a connection that announces 4 GiB", async () => {
  const manager = await managerOfWeb();
  const link = manager.agent(WEB);
  link.connection.receive(Buffer.alloc(1000, 0xff));
  assert.equal(link.open, false);
  assert.deepEqual(manager.warnings, ["Too big message size from socket [1]."]);
  assertUnharmed(manager, "afterwards");
});

test("AgentConnectionService reads nothing more of a connection that it closes, though the system may still deliver", async () => {
  const manager = await managerOfWeb();
  const link = manager.agent(WEB);
  link.connection.destroy = () => {};
  link.connection.receive(Buffer.alloc(1000, 0xff));
  link.connection.receive(Buffer.alloc(1000, 0xff));
  link.say(STARTUP, "1:a:b");
  assert.deepEqual([link.answers(), manager.sink.events, manager.updates], [[], [], []]);
});

test("AgentConnectionService survives payloads of every length from 0 to 64", async () => {
  const manager = await managerOfWeb();
  for (let length = 0; length <= 64; length++) {
    for (const start of ["", "!001!", "!001!#AES:", "!001!:", "#AES:", "!", "#ping", "!!!!"]) {
      const link = manager.agent(WEB);
      const payload = Buffer.alloc(length, 0x41);
      payload.write(start.slice(0, length), "latin1");
      link.sayRaw(payload);
      const isPing = payload.toString("latin1").startsWith("#ping");
      assert.equal(link.open, isPing, `${length} bytes of ${start}`);
      link.connection.hangUp();
    }
  }
  assert.deepEqual(manager.sink.events, []);
  assertUnharmed(manager, "afterwards");
});

test("AgentConnectionService survives an agent whose payloads decrypt to 0 to 40 odd bytes", async () => {
  const manager = await managerOfWeb();
  for (let length = 0; length <= 40; length++) {
    for (const fill of ["!", ":", "\0", "0"]) {
      const link = manager.greeted(WEB);
      link.sayRaw(encrypted(Buffer.alloc(length, fill)));
      link.sayRaw(encrypted(Buffer.concat([Buffer.from("!"), deflateSync(Buffer.alloc(length, fill))])));
      assert.equal(link.open, false, `${length} bytes of ${fill}`);
    }
  }
  assert.deepEqual(manager.sink.events, []);
  assertUnharmed(manager, "afterwards");
});

test("AgentConnectionService refuses streams that inflate to more than a message", async () => {
  const manager = await managerOfWeb();
  const gibibyte = 2 ** 30;
  const cpuBefore = process.cpuUsage();
  for (const inflatedBytes of [65_535, 65_536, 65_537, 64 * 1024 * 1024]) {
    const link = manager.greeted(WEB);
    const stream = deflateSync(Buffer.alloc(inflatedBytes, "0")).subarray(0, 60_000);
    link.sayRaw(encrypted(Buffer.concat([Buffer.from("!"), stream])));
    assert.equal(link.open, false, `${inflatedBytes} bytes`);
    if (inflatedBytes === 65_535) assert.match(manager.warnings.at(-1) ?? "", /^\(1406\)/);
  }
  // The start of a stream of 1 GiB is as small as a message can be and as long as it is let run.
  assert(process.cpuUsage(cpuBefore).user < 2e6, `${gibibyte} bytes are never made`);
  assertUnharmed(manager, "afterwards");
});

test("AgentConnectionService holds little of what strangers trickle, and not for long", async () => {
  const manager = await managerOfWeb();
  const honest = manager.greeted(WEB);
  const slow = manager.agent(WEB);
  const greedy = manager.agent(WEB);
  const frame = frameOf(Buffer.alloc(65_000, "x"));
  for (let at = 0; at < UNAUTHENTICATED_HELD_BYTES_MAX + 1024 && greedy.open; at += 256) {
    greedy.connection.receive(frame.subarray(at, at + 256));
  }
  assert.equal(greedy.open, false);
  for (let passedMs = 0; passedMs <= UNAUTHENTICATED_MS_MAX; passedMs += 1000) {
    slow.connection.receive(frame.subarray(passedMs / 1000, passedMs / 1000 + 1));
    manager.clock.advance(1000);
  }
  assert.deepEqual([slow.open, honest.open], [false, true]);
});

test("AgentConnectionService takes a message of an agent that comes byte by byte", async () => {
  const manager = await managerOfWeb();
  const link = manager.agent(WEB);
  const frame = frameOf(link.cipher.seal(STARTUP));
  for (const byte of frame) link.connection.receive(Uint8Array.of(byte));
  assert.deepEqual(link.answers(), [ACK]);
});

test("AgentConnectionService stays the same size under 10,000 connections of junk, and the log too", async () => {
  const manager = await managerOfWeb();
  const random = new SeededRandom(41);
  const honest = manager.greeted(WEB);
  honest.answers();
  const before = heapBytes();
  for (let count = 0; count < 10_000; count++) {
    const link = manager.agent(WEB, `10.${count % 256}.${count >> 8}.1`);
    link.connection.receive(random.bytes(1 + random.below(60)));
    if (count % 100 === 99) manager.clock.advance(10);
  }
  manager.clock.advance(1000);
  const grownBytes = heapBytes() - before;
  assert(manager.service.unauthenticated <= UNAUTHENTICATED_MAX);
  assert(grownBytes < 16 * 1024 * 1024, `${grownBytes} bytes`);
  assert(
    manager.warnings.length <= 3 * (REFUSAL_LINES_PER_SECOND_MAX + 1),
    `${manager.warnings.length} lines`,
  );
  manager.clock.advance(UNAUTHENTICATED_MS_MAX);
  assert.equal(manager.service.unauthenticated, 0);
  honest.say(KEEPALIVE);
  assert.deepEqual(honest.answers(), [ACK]);
});

test("AgentConnectionService says a flood from one network once a second, with its count", async () => {
  const manager = await managerOfWeb();
  for (let count = 0; count < 1000; count++) manager.agent(WEB, "203.0.113.9").sayRaw("!777!x");
  manager.clock.advance(1000);
  manager.agent(WEB, "203.0.113.8").sayRaw("!777!x");
  assert.deepEqual(manager.warnings, [
    "(1408): Invalid ID 777 for the source ip: '203.0.113.9' (name 'unknown').",
    "(1408): Invalid ID 777 for the source ip: '203.0.113.8' (name 'unknown'). (1000 such from 203.0.113.0/24 since the last line)",
  ]);
  assert.equal(manager.metrics.get("agent_refused_id_unknown"), 1001);
});

test("AgentConnectionService ends the oldest silent stranger for a new one, so that agents still come in", async () => {
  const manager = await managerOfWeb();
  const strangers = Array.from({ length: UNAUTHENTICATED_MAX }, () => manager.agent(WEB));
  const link = manager.greeted(WEB);
  assert.deepEqual(link.answers(), [ACK]);
  assert.deepEqual([strangers[0]?.open, strangers[1]?.open], [false, true]);
  assert.equal(manager.metrics.get("agent_connections_unauthenticated_evicted"), 1);
});

test("AgentConnectionService closes connections beyond its limit and takes new ones when there is room", async () => {
  const manager = await startManager({ connectionsMax: 3 });
  const agents = ["001", "002", "003", "004"].map((id) => identity(id));
  manager.know(...agents);
  const links = agents.map((agent) => manager.greeted(agent));
  assert.deepEqual(
    links.map(({ open }) => open),
    [true, true, true, false],
  );
  assert.deepEqual(manager.warnings, ["Too many agent connections (limit 3). Closing the new one."]);
  links[0]?.connection.hangUp();
  assert(manager.greeted(identity("004")).open);
});

test("AgentConnectionService does not keep answers for who asks and never reads", async () => {
  const manager = await managerOfWeb();
  const link = manager.agent(WEB);
  const pings = Buffer.concat(Array.from({ length: 7000 }, () => frameOf(Buffer.from("#ping"))));
  link.connection.receive(pings);
  manager.clock.advance(100);
  assert.equal(manager.metrics.get("agent_pings"), 7000);
  const sentBytes = link.connection.sentBytes.length;
  link.connection.pendingBytes = sentBytes;
  link.connection.receive(pings);
  manager.clock.advance(100);
  assert(link.connection.sentBytes.length - sentBytes < 2048, "nothing more once it is not read");
});

test("AgentConnectionService gives others their time while one agent's chunk holds much", async () => {
  const manager = await managerOfWeb();
  const link = manager.greeted(WEB);
  const large = Array.from({ length: 600 }, (_, number) => `1:log:${String(number).padStart(65_000, "0")}`);
  link.say(...large);
  const inFirstCall = manager.sink.events.length;
  assert(inFirstCall * 65_000 <= WORK_BYTES_MAX + 65_000, `${inFirstCall} at once`);
  assert(link.connection.paused);
  manager.clock.advance(1);
  link.say("1:log:later");
  manager.clock.advance(1);
  assert.equal(manager.sink.events.length, 601);
  const numbers = manager.sink.events.map(({ message }) => Number(Buffer.from(message).toString("latin1")));
  assert.deepEqual(
    numbers.slice(0, 600),
    Array.from({ length: 600 }, (_, number) => number),
  );
  assert.equal(link.connection.paused, false);
});

test("AgentConnectionService keeps the order when the system delivers although it was told to pause", async () => {
  const manager = await managerOfWeb();
  const link = manager.greeted(WEB);
  link.connection.pause = () => {};
  link.say(...Array.from({ length: WORK_FRAMES_MAX + 1 }, (_, number) => `1:log:${number}`));
  link.say("1:log:last");
  manager.clock.advance(1);
  assert.equal(manager.sink.events.length, WORK_FRAMES_MAX + 2);
  assert.equal(String(manager.sink.events.at(-1)?.message), "last");
});

test("AgentConnectionService handles what it has read of a connection that ends", async () => {
  const manager = await managerOfWeb();
  const link = manager.greeted(WEB);
  link.say(...Array.from({ length: 2 * WORK_FRAMES_MAX + 1 }, () => "1:log:x"));
  assert.equal(manager.sink.events.length, WORK_FRAMES_MAX);
  link.connection.hangUp("ECONNRESET");
  assert.equal(manager.sink.events.length, 2 * WORK_FRAMES_MAX + 1);
  manager.greeted(WEB).say(...Array.from({ length: WORK_FRAMES_MAX + 1 }, () => "1:log:x"));
  await manager.service.stop();
  assert.equal(manager.sink.events.length, 3 * WORK_FRAMES_MAX + 2);
  assert.equal(manager.metrics.get("agent_frames_lost"), 0);
});

test("AgentConnectionService survives damaged copies of what an agent sends", async () => {
  const manager = await managerOfWeb();
  const random = new SeededRandom(97);
  const stream = () => {
    const { cipher } = manager.agent(WEB);
    return Buffer.concat([STARTUP, "1:a:b", KEEPALIVE].map((message) => frameOf(cipher.seal(message))));
  };
  const whole = stream();
  for (let round = 0; round < 3000; round++) {
    const { connection } = manager.agent(WEB);
    connection.receive(random.mutate(whole));
    connection.hangUp();
  }
  assertUnharmed(manager, "afterwards");
});

test("AgentConnectionService survives an agent that says anything at all", async () => {
  const manager = await managerOfWeb();
  const random = new SeededRandom(98);
  const seeds = [STARTUP, KEEPALIVE, "#!-req 1 ok", "1:a|:b:c", "#!-| [|: (\n", "#!- - \n"].map((text) =>
    Buffer.from(text),
  );
  for (let round = 0; round < 3000; round++) {
    const link = manager.agent(WEB);
    link.say(STARTUP, random.mutate(random.pick(seeds)), KEEPALIVE);
    assert.equal(link.answers().at(-1), ACK, `round ${round}`);
    link.connection.hangUp();
  }
});

test("AgentConnectionService keeps an agent registered by address from being named by another address", async () => {
  const manager = await managerOfWeb();
  const single = identity("008", "198.51.100.8", KEY.replace("0011", "8800"));
  manager.know(single);
  const spoofed = manager.agent(WEB, "198.51.100.9");
  spoofed.sayRaw(Buffer.concat([Buffer.from("!008!"), manager.agent(single).cipher.seal(STARTUP)]));
  assert.equal(spoofed.open, false);
});
