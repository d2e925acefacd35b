/**
 * Goal: no counter of ours is used twice, no message counts twice where that is verified. Method: files in memory that fill up,
 * refuse and lose power; the peer's file form, with stale digits.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeFiles } from "#testing/files.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import { KnownAgent } from "./agent-table.ts";
import { ConnectionEvents } from "./events.ts";
import { entryOf, identity } from "./fixture.ts";
import { SENDER_GLOBALS_RESERVED, SENDER_WRITE_RETRY_MS } from "./limits.ts";
import { ReceivedCounters, StoredSenderCounter } from "./message-counters.ts";

const PATH = "/rids/sender_counter";
const AGENT = new KnownAgent(entryOf(identity("001")));

function setUp(content: string | null = null) {
  const files = new FakeFiles();
  if (content !== null) files.write(PATH, content);
  const log = new RecordingLog();
  const where = { files, directory: "/rids", events: new ConnectionEvents(log, new RecordingMetrics()) };
  return { files, log, where };
}

test("StoredSenderCounter goes on after the pair in the file, as the peer writes it", () => {
  const cases: readonly [string | null, number, number][] = [
    [null, 0, 1],
    ["0:441:", 0, 442],
    ["7:9996:5:", 7, 9997],
    ["7:9997:", 8, 1],
    ["4294967295:12:", 4_294_967_295, 13],
  ];
  for (const [content, global, local] of cases) {
    assert.deepEqual(new StoredSenderCounter(setUp(content).where).next(0), { global, local }, `${content}`);
  }
});

test("StoredSenderCounter says that a file is not readable and starts again", () => {
  const { where, log } = setUp("rubbish");
  assert.deepEqual(new StoredSenderCounter(where).next(0), { global: 0, local: 1 });
  assert.equal(log.texts("warning").length, 1);
});

test("StoredSenderCounter is ahead of every pair that was sent, whenever the process ends", () => {
  const { files, where } = setUp();
  let highest = -1;
  for (let life = 0; life < 5; life++) {
    const counter = new StoredSenderCounter(where);
    for (let sent = 0; sent < 25_000 * life + 1; sent++) {
      const { global, local } = counter.next(0);
      const value = global * 10_000 + local;
      if (value <= highest) assert.fail(`life ${life}: ${global}:${local} again`);
      highest = value;
    }
    files.losePower();
  }
});

test("StoredSenderCounter writes once for many messages, and the last pair at its end", () => {
  const { files, where } = setUp();
  const counter = new StoredSenderCounter(where);
  const written = new Set<string>();
  for (let sent = 0; sent < 9997 * SENDER_GLOBALS_RESERVED; sent++) {
    counter.next(0);
    written.add(files.text(PATH));
  }
  assert.deepEqual([...written], [`${SENDER_GLOBALS_RESERVED}:0:`]);
  counter.close();
  assert.equal(files.text(PATH), `${SENDER_GLOBALS_RESERVED - 1}:9997:`);
});

test("StoredSenderCounter goes on without a disk and tries again once a second", () => {
  const { files, log, where } = setUp();
  files.freeSpace = 0;
  const counter = new StoredSenderCounter(where);
  for (let sent = 1; sent <= 100; sent++) assert.equal(counter.next(0).local, sent);
  assert.equal(log.texts("error").length, 1);
  files.freeSpace = 1000;
  counter.next(SENDER_WRITE_RETRY_MS - 1);
  assert.equal(files.info(PATH), null);
  counter.next(SENDER_WRITE_RETRY_MS);
  assert.equal(files.text(PATH), "10:0:");
});

test("ReceivedCounters refuses what it has seen, also after a restart", () => {
  const { files, where } = setUp();
  const received = new ReceivedCounters(where, 128);
  assert.equal(received.check(AGENT, { global: 3, local: 7 }, "192.0.2.1").code, "VALID");
  assert.equal(received.check(AGENT, { global: 3, local: 7 }, "192.0.2.1").code, "RIDS");
  assert.equal(received.check(AGENT, { global: 2, local: 8 }, "192.0.2.1").code, "ENCKEY");
  received.close();
  assert.equal(files.text("/rids/001"), "3:7:");
  const next = new ReceivedCounters(where, 128);
  assert.equal(next.check(AGENT, { global: 3, local: 7 }, "192.0.2.1").code, "RIDS");
  assert.equal(next.check(AGENT, { global: 3, local: 8 }, "192.0.2.1").code, "VALID");
});

test("ReceivedCounters writes in place every so many messages", () => {
  const { files, where } = setUp();
  files.write("/rids/001", "0:12345:stale");
  const received = new ReceivedCounters(where, 10);
  for (let local = 1; local <= 25; local++) {
    assert.equal(received.check(AGENT, { global: 1, local }, "192.0.2.1").code, "VALID");
  }
  assert.equal(files.text("/rids/001"), "1:20:45:stale");
});

test("ReceivedCounters forgets an agent with its file", () => {
  const { files, where } = setUp();
  const received = new ReceivedCounters(where, 1);
  received.check(AGENT, { global: 3, local: 7 }, "192.0.2.1");
  received.forget("001");
  assert.deepEqual(files.paths(), []);
  assert.equal(received.check(AGENT, { global: 0, local: 1 }, "192.0.2.1").code, "VALID");
});

test("ReceivedCounters keeps verifying when its files cannot be written", () => {
  const { files, log, where } = setUp();
  files.deny("/rids");
  const received = new ReceivedCounters(where, 1);
  assert.equal(received.check(AGENT, { global: 0, local: 1 }, "192.0.2.1").code, "VALID");
  assert.equal(received.check(AGENT, { global: 0, local: 1 }, "192.0.2.1").code, "RIDS");
  assert(log.texts("error").length > 0);
});
