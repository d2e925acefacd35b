/**
 * Goal: every message of an allowed sender becomes one event as the peer would have it, none is lost over TCP, and what is lost over UDP
 * is counted and told. Method: the listener on a network, clock and journal in memory.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MESSAGE_BYTES_MAX } from "#formats/syslog/limits.ts";
import { keyPem, makeKeys, makeSelfSigned } from "#kernel/certificates/maker.ts";
import { systemRandom } from "#kernel/platform/random.ts";
import type { FakeConnection } from "#testing/network.ts";
import { SeededRandom } from "#testing/random.ts";
import { SENDER, startListener, TestListener } from "./fixture.ts";
import { CONNECTIONS_MAX, CONNECTIONS_OF_SENDER_MAX, HELD_BYTES_MAX, WORK_MESSAGES_MAX } from "./limits.ts";

const TEXT = "Nov 21 10:00:00 web1 app: text";
const LINE = `<13>${TEXT}`;
const EVENT = `2:${SENDER}:${TEXT}`;

/** A line of `/proc/net/udp` for port 514. */
function kernelTable(drops: number): Buffer {
  return Buffer.from(
    `  1: 00000000:0202 00000000:0000 07 0:0 00:0 00000000 0 0 19005 2 0000000068a5e2a1 ${drops}\n`,
  );
}

function say(connection: FakeConnection, text: string): void {
  connection.receive(Buffer.from(text, "latin1"));
}

function numbered(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, index) => `<13>message ${from + index}`);
}

function counted(test: TestListener, ...names: readonly string[]): number[] {
  return names.map((name) => test.metrics.get(`syslog_${name}`));
}

test("SyslogListener says who may send and where it listens", async () => {
  const udp = await startListener({ protocol: "udp" });
  assert.deepEqual(udp.log.texts("info"), [
    "Remote syslog allowed from: '192.0.2.0/24'",
    "Remote syslog allowed from: '2001:0DB8:0000:0000:0000:0000:0000:0000/32'",
    "Remote syslog allowed from: '127.0.0.1'",
    "Started (pid: 4711). Listening on port 514/UDP (syslog).",
  ]);
  const tcp = await startListener();
  assert.equal(tcp.log.texts("info").at(-1), "Started (pid: 4711). Listening on port 514/TCP (syslog).");
});

test("SyslogListener makes one event of each datagram", async () => {
  const test = await startListener({ protocol: "udp" });
  for (const text of [LINE, `${LINE}\n`, `${LINE}\0`, "<13>two\nlines\n", "no priority", "<13>", "\n", ""]) {
    test.datagram(text);
  }
  test.datagram("<13>\xff\x01", "2001:db8::1");
  assert.deepEqual(test.sink.queued, [
    EVENT,
    EVENT,
    EVENT,
    `2:${SENDER}:two\nlines`,
    `2:${SENDER}:no priority`,
    "2:2001:0DB8:0000:0000:0000:0000:0000:0001:\xff\x01",
  ]);
  const [first] = test.sink.events;
  assert.deepEqual([first?.agentId, first?.locationPrefix, first?.location], ["000", "", SENDER]);
  assert.equal(first?.receivedMs, test.clock.wallMs());
  assert.deepEqual(counted(test, "messages", "messages_empty"), [6, 3]);
});

test("SyslogListener reads lines and counted messages of a connection", async () => {
  const test = await startListener();
  const connection = test.network.connect(514, SENDER);
  say(connection, `${LINE}\n${LINE.length} ${LINE}<13>half`);
  assert.deepEqual(test.sink.queued, [EVENT, EVENT]);
  say(connection, " and half\n<13>the rest");
  connection.hangUp();
  assert.deepEqual(test.sink.texts.slice(2), ["half and half", "the rest"]);
  assert.deepEqual(counted(test, "messages", "messages_unfinished", "connections"), [4, 1, 0]);
  assert.equal(test.listener.sessions, 0);
});

test("SyslogListener rewrites messages of RFC 5424 where it is told to, and no others", async () => {
  const test = await startListener({ protocol: "udp", format: "rfc5424" });
  test.datagram("<34>1 2003-10-11T22:14:15.003Z web1 su - ID47 - failed\n");
  test.datagram(LINE);
  assert.deepEqual(test.sink.texts, [
    'Oct 11 22:14:15 web1 su: [ID {"syslog":{"facility":"auth","severity":"crit","timestamp":"2003-10-11T22:14:15.003Z","appname":"su","msgid":"ID47"}}] failed',
    TEXT,
  ]);
  const raw = await startListener({ protocol: "udp" });
  raw.datagram("<34>1 2003-10-11T22:14:15.003Z web1 su - ID47 - failed");
  assert.deepEqual(raw.sink.texts, ["1 2003-10-11T22:14:15.003Z web1 su - ID47 - failed"]);
});

test("SyslogListener takes every format of Docker's log driver", async () => {
  const test = await startListener({ format: "rfc5424" });
  const connection = test.network.connect(514, SENDER);
  const tag = "web/2c26b46b68ff";
  const modern = (time: string) => `<30>1 ${time} docker1 ${tag} 812 ${tag} - GET /\n`;
  const formats = [modern("2026-11-21T10:00:00Z"), modern("2026-11-21T10:00:00.123456Z")];
  for (const message of formats) say(connection, `${message.length} ${message}`); // with lengths over TCP
  say(connection, `<30>Nov 21 10:00:00 docker1 ${tag}[812]: GET /\n`);
  say(connection, `<30>Nov 21 10:00:00 ${tag}[812]: GET /\n`); // without syslog-format
  const [seconds, micro, ...others] = test.sink.texts;
  for (const text of [seconds, micro]) {
    assert.match(text ?? "", /^Nov 21 10:00:00 docker1 web\/2c26b46b68ff\[812\]: \[ID .*\] GET \/$/);
    assert.match(text ?? "", /"msgid":"web\/2c26b46b68ff","container_id":"2c26b46b68ff"/);
  }
  assert.match(micro ?? "", /"timestamp":"2026-11-21T10:00:00\.123456Z"/);
  assert.deepEqual(others, [
    `Nov 21 10:00:00 docker1 ${tag}[812]: GET /`,
    `Nov 21 10:00:00 ${tag}[812]: GET /`,
  ]);
});

test("SyslogListener cuts what is longer than a message of the peer, and counts it", async () => {
  const test = await startListener();
  const connection = test.network.connect(514, SENDER);
  say(connection, `<13>${"x".repeat(MESSAGE_BYTES_MAX + 10)}\n${LINE}\n`);
  const room = MESSAGE_BYTES_MAX - `2:${SENDER}:`.length;
  assert.deepEqual(
    test.sink.texts.map((text) => text.length),
    [room, TEXT.length],
  );
  assert.deepEqual(counted(test, "messages_cut", "messages"), [1, 2]);
});

test("SyslogListener refuses other senders, and says so once for each network", async () => {
  const line = (address: string) =>
    `(1213): Message from '${address}' not allowed. Cannot find the ID of the agent.`;
  for (const protocol of ["udp", "tcp"] as const) {
    const test = await startListener({ protocol });
    const speak = (address: string) => {
      if (protocol === "udp") return test.datagram(LINE, address);
      const connection = test.network.connect(514, address);
      say(connection, `${LINE}\n`);
      assert(connection.ended);
    };
    for (const address of ["192.0.2.66", "192.0.2.66", "198.51.100.1", "::1", "192.0.2.66"]) speak(address);
    assert.deepEqual(test.sink.events, []);
    assert.deepEqual(test.log.texts("warning"), [line("192.0.2.66"), line("198.51.100.1"), line("::1")]);
    assert.deepEqual(counted(test, "refused"), [5]);
    test.clock.advance(1000);
    speak("192.0.2.66");
    const more = `${line("192.0.2.66")} (3 such from 192.0.2.0/24 since the last line)`;
    assert.equal(test.log.texts("warning").at(-1), more);
  }
});

test("SyslogListener writes 50 lines a second at most, however many networks try", async () => {
  const test = await startListener({ protocol: "udp" });
  for (let net = 0; net < 200; net++) test.datagram(LINE, `203.0.${net}.1`);
  assert.equal(test.log.texts("warning").length, 50);
  test.clock.advance(1000);
  assert.match(test.log.texts("warning").at(-1) ?? "", /^150 more refused messages or connections of syslog/);
});

test("SyslogListener loses nothing over TCP while the journal is full", async () => {
  const test = await startListener();
  const connection = test.network.connect(514, SENDER);
  const lines = numbered(20);
  test.sink.room = 5;
  test.sink.pressure = "full";
  say(connection, `${lines.slice(0, 10).join("\n")}\n<13>mess`);
  assert.equal(connection.paused, true);
  say(connection, `age 10\n${lines.slice(11, 20).join("\n")}\n<13>last`);
  connection.hangUp();
  test.clock.advance(10_000);
  assert.equal(test.sink.events.length, 5);
  assert.equal(test.listener.sessions, 1);
  test.sink.room = 3;
  test.clock.advance(200);
  assert.equal(test.sink.events.length, 8);
  test.sink.room = Number.POSITIVE_INFINITY;
  test.sink.pressure = "none";
  test.clock.advance(200);
  // What a fake connection had not delivered when it was closed was never received.
  assert.deepEqual(test.sink.texts, [...numbered(10).map((line) => line.slice(4)), "mess"]);
  assert.equal(test.listener.sessions, 0);
});

test("SyslogListener goes on with what the journal refused as soon as it takes more", async () => {
  const test = await startListener();
  const connection = test.network.connect(514, SENDER);
  const lines = numbered(6);
  test.sink.room = 2;
  say(connection, `${lines.slice(0, 4).join("\n")}\n`);
  say(connection, `${lines.slice(4).join("\n")}\n`);
  test.clock.advance(1000);
  assert.equal(test.sink.events.length, 2);
  test.sink.room = 100;
  test.clock.advance(100);
  assert.deepEqual(
    test.sink.texts,
    lines.map((line) => line.slice(4)),
  );
  assert.deepEqual(counted(test, "messages", "connections"), [6, 1]);
});

test("SyslogListener gives a handshake its time and no more", async () => {
  const tls = { certificatePath: "/s.pem", keyPath: "/s.key", clientAuthorityPath: null };
  const test = new TestListener({ tls });
  const keys = await makeKeys({ kind: "ec" });
  const notBeforeMs = Date.now();
  const details = { role: "manager", name: [["CN", "m"]], alternativeNames: [], notBeforeMs } as const;
  const notAfterMs = notBeforeMs + 60_000;
  test.files.write("/s.pem", await makeSelfSigned({ ...details, notAfterMs }, keys, systemRandom));
  test.files.write("/s.key", keyPem(keys));
  await test.listener.start();
  const [silent, halfOpen, secured] = [1, 2, 3].map(() => test.network.connect(514, SENDER));
  assert(silent !== undefined && halfOpen !== undefined && secured !== undefined);
  // The fake takes bytes for clear text behind a handshake; none begin one that does not end.
  for (const connection of [halfOpen, secured]) say(connection, "");
  secured.secure();
  assert.deepEqual([silent.tls, secured.tls?.clientAuthority], [null, null]);
  test.clock.advance(29_000);
  assert.deepEqual([silent.ended, halfOpen.ended, secured.ended], [false, false, false]);
  test.clock.advance(10_000);
  assert.deepEqual([silent.ended, halfOpen.ended, secured.ended], [true, true, false]);
  say(secured, `${LINE}\n`);
  assert.equal(test.sink.texts.at(-1), TEXT);
});

test("SyslogListener reads on when the pressure ends, and not before", async () => {
  const test = await startListener();
  const connection = test.network.connect(514, SENDER);
  test.sink.pressure = "high";
  say(connection, `${LINE}\n`);
  say(connection, `${LINE}\n`);
  test.clock.advance(1000);
  assert.deepEqual([test.sink.events.length, connection.paused], [1, true]);
  test.sink.pressure = "none";
  test.clock.advance(100);
  assert.deepEqual([test.sink.events.length, connection.paused], [2, false]);
  assert.deepEqual(counted(test, "waits", "messages_lost"), [1, 0]);
});

test("SyslogListener counts what a full journal did not take at the stop", async () => {
  const test = await startListener();
  const connection = test.network.connect(514, SENDER);
  test.sink.room = 1;
  say(connection, `${numbered(4).join("\n")}\n<13>half`);
  await test.listener.stop();
  assert.deepEqual([test.sink.events.length, ...counted(test, "messages_lost")], [1, 4]);
  assert.equal(test.listener.sessions, 0);
  const empty = await startListener();
  say(empty.network.connect(514, SENDER), `${LINE}\n<13>half`);
  await empty.listener.stop();
  assert.deepEqual([empty.sink.texts, counted(empty, "messages_lost")], [[TEXT, "half"], [0]]);
});

test("SyslogListener gives others their turn within a large chunk", async () => {
  const test = await startListener();
  const busy = test.network.connect(514, SENDER);
  say(busy, "<13>x\n".repeat(3 * WORK_MESSAGES_MAX));
  assert.equal(test.sink.events.length, WORK_MESSAGES_MAX);
  say(test.network.connect(514, "192.0.2.11"), `${LINE}\n`);
  assert.equal(test.sink.events.at(-1)?.location, "192.0.2.11");
  test.clock.advance(0);
  assert.deepEqual([test.sink.events.length, busy.paused], [3 * WORK_MESSAGES_MAX + 1, false]);
});

test("SyslogListener holds senders to their rate: over TCP they wait, over UDP it is a loss", async () => {
  const tcp = await startListener({ messagesPerSecond: 10 });
  const [first, second] = [tcp.network.connect(514, SENDER), tcp.network.connect(514, SENDER)];
  say(first, `${numbered(15).join("\n")}\n`);
  say(second, `${LINE}\n`); // of the same sender
  say(tcp.network.connect(514, "192.0.2.11"), `${LINE}\n`);
  assert.equal(tcp.sink.events.length, 11);
  tcp.clock.advance(300);
  assert.equal(tcp.sink.events.length, 14);
  tcp.clock.advance(1000);
  assert.equal(tcp.sink.events.length, 17);
  first.hangUp();

  const udp = await startListener({ protocol: "udp", messagesPerSecond: 10 });
  for (const line of numbered(15)) udp.datagram(line);
  udp.datagram(LINE, "192.0.2.11");
  assert.deepEqual([udp.sink.events.length, ...counted(udp, "datagrams_over_rate")], [11, 5]);
  udp.clock.advance(60_000); // a burst is as long as a second, however long the silence was
  for (const line of numbered(15)) udp.datagram(line);
  assert.deepEqual(counted(udp, "messages", "datagrams_over_rate"), [21, 10]);
});

test("SyslogListener tells what it lost over UDP once a minute, in an event and a line", async () => {
  const test = await startListener({ protocol: "udp", messagesPerSecond: 2 });
  for (const line of numbered(3)) test.datagram(line);
  test.sink.pressure = "full";
  test.datagram(LINE, "192.0.2.11");
  test.files.replace("/proc/net/udp", kernelTable(40));
  test.sink.room = 0; // the notice waits too
  test.clock.advance(5000);
  assert.equal(test.sink.events.length, 2);
  test.sink.room = 100;
  test.sink.pressure = "none";
  test.clock.advance(5000);
  const notice =
    "ossec: Messages lost: '42' on port 514/UDP (syslog): limit 1, journal 1, receive_buffer 40.";
  assert.equal(test.sink.queued.at(-1), `1:wazuh-remoted:${notice}`);
  assert.deepEqual(test.log.texts("warning"), [notice]);
  assert.deepEqual(
    counted(test, "datagrams_over_rate", "datagrams_dropped", "datagrams_dropped_by_kernel"),
    [1, 1, 40],
  );
  test.files.replace("/proc/net/udp", kernelTable(41));
  test.clock.advance(55_000);
  assert.equal(test.log.texts("warning").length, 1);
  test.clock.advance(5000);
  assert.match(
    test.log.texts("warning").at(-1) ?? "",
    /'1' on port 514\/UDP \(syslog\): receive_buffer 1\.$/,
  );
});

test("SyslogListener closes connections that are silent for too long, and no others", async () => {
  const test = await startListener({ idleSeconds: 60 });
  const [silent, speaking] = [test.network.connect(514, SENDER), test.network.connect(514, SENDER)];
  say(silent, "<13>half");
  for (let second = 0; second < 100; second += 10) {
    test.clock.advance(10_000);
    say(speaking, `${LINE}\n`);
  }
  assert.deepEqual([silent.ended, speaking.ended, ...counted(test, "connections_overdue")], [true, false, 1]);
  assert.equal(test.sink.texts.includes("half"), true);
  // Not being read is no silence.
  test.sink.pressure = "high";
  say(speaking, `${LINE}\n`);
  test.clock.advance(120_000);
  test.sink.pressure = "none";
  test.clock.advance(10_000);
  assert.equal(speaking.ended, false);
  const endless = await startListener({ idleSeconds: 0 });
  const connection = endless.network.connect(514, SENDER);
  endless.clock.advance(1_000_000);
  assert.equal(connection.ended, false);
});

test("SyslogListener makes room for a sender's new connection, and for all up to its limit", async () => {
  const test = await startListener();
  const of = (address: string, count: number) =>
    Array.from({ length: count }, () => test.network.connect(514, address));
  const [first = assert.fail(), second] = of(SENDER, CONNECTIONS_OF_SENDER_MAX);
  test.clock.advance(1);
  say(first, `${LINE}\n`);
  const [newest] = of(SENDER, 1);
  assert.deepEqual([first.ended, second?.ended, newest?.ended], [false, true, false]);
  for (let host = 1; test.listener.sessions < CONNECTIONS_MAX; host++) {
    of(
      `192.0.2.${100 + host}`,
      Math.min(CONNECTIONS_OF_SENDER_MAX, CONNECTIONS_MAX - test.listener.sessions),
    );
  }
  const [refused] = of("192.0.2.200", 1);
  assert.equal(refused?.ended, true);
  assert.deepEqual(counted(test, "connections_evicted", "connections_over_limit"), [1, 1]);
  first.hangUp();
  assert.equal(of("192.0.2.200", 1)[0]?.ended, false);
});

test("SyslogListener survives a thousand half-open connections and a slow trickle", async () => {
  const test = await startListener();
  const halfOpen = Array.from({ length: 1000 }, () => test.network.connect(514, SENDER));
  const trickle = test.network.connect(514, "192.0.2.11");
  for (const byte of Buffer.from(`${LINE}\n`)) {
    test.clock.advance(1000);
    trickle.receive(Buffer.of(byte));
  }
  assert.deepEqual([test.sink.queued, halfOpen[0]?.ended], [[`2:192.0.2.11:${TEXT}`], false]);
});

test("SyslogListener bounds what unfinished messages hold, all connections together", async () => {
  const test = await startListener();
  const part = Buffer.alloc(MESSAGE_BYTES_MAX, "x");
  const count = Math.ceil(HELD_BYTES_MAX / part.length) + 3;
  for (let index = 0; index < count; index++) test.network.connect(514, SENDER).receive(part);
  const cut = test.sink.events.length;
  assert(cut >= 2 && cut <= 4, String(cut));
  assert.deepEqual(counted(test, "messages_cut"), [cut]);
  await test.listener.stop();
  assert.equal(test.sink.events.length, count);
});

test("SyslogListener takes hostile bytes without harm, and reads what follows on another connection", async () => {
  const random = new SeededRandom(13);
  const samples = [`${LINE}\n`, `${LINE.length} ${LINE}`, '<34>1 - h a - - [x b="c"] text\n', "0 <1>\n\0"];
  for (const format of ["raw", "rfc5424"] as const) {
    const tcp = await startListener({ format });
    const udp = await startListener({ format, protocol: "udp" });
    for (let round = 0; round < 1000; round++) {
      const bytes = random.mutate(Buffer.from(random.pick(samples), "latin1"));
      const connection = tcp.network.connect(514, SENDER);
      for (const chunk of [bytes.subarray(0, 9), bytes.subarray(9)])
        if (chunk.length > 0) connection.receive(chunk);
      connection.hangUp();
      udp.datagram(bytes);
    }
    for (const test of [tcp, udp]) {
      assert(test.sink.events.length > 500);
      assert(test.sink.texts.every((text) => text.length > 0));
    }
    assert.equal(tcp.listener.sessions, 0);
    say(tcp.network.connect(514, SENDER), `${LINE}\n`);
    assert.equal(tcp.sink.texts.at(-1), TEXT);
  }
});
