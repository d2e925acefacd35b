/**
 * Goal: what `append()` took is in the journal in order, what the disk refuses waits and is not lost, and `whenDurable()` speaks
 * only after the sync. Method: files and a clock in memory; the sync is a call of the test.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { BLOCK_BYTES_TARGET, forEachEvent } from "#model/event-block.ts";
import { FakeFiles } from "#testing/files.ts";
import { DIRECTORY, JournalFixture, messagesOf, settled } from "./fixture.ts";
import {
  FLUSH_DELAY_MS,
  LOG_PERIOD_MS,
  RETRY_PERIOD_MS,
  UNSYNCED_BYTES_MAX,
  WAITING_BYTES_MAX,
} from "./limits.ts";

const FIRST_SEGMENT = `${DIRECTORY}/0000000000000000.seg`;
const LARGE = "x".repeat(BLOCK_BYTES_TARGET);

test("EventJournal writes a block when its first event is some milliseconds old", () => {
  const fixture = new JournalFixture(new FakeFiles());
  fixture.append("one");
  fixture.clock.advance(FLUSH_DELAY_MS - 1);
  fixture.append("two");
  assert.deepEqual(fixture.messages(), []);
  fixture.clock.advance(1);
  assert.deepEqual(fixture.messages(), ["one", "two"]);
  assert.equal(fixture.metrics.get("journal_blocks"), 1);
  assert.equal(fixture.clock.pendingTimers, 0, "an idle journal has no timer");
});

test("EventJournal writes a block when it is full, without waiting", () => {
  const fixture = new JournalFixture(new FakeFiles());
  const sent: string[] = [];
  while (fixture.metrics.get("journal_blocks") < 2) {
    const message = `event ${sent.length} ${"x".repeat(500)}`;
    fixture.append(message);
    sent.push(message);
  }
  fixture.journal.flush();
  assert.deepEqual(fixture.messages(), sent);
});

test("EventJournal keeps a control record at its place among the events", () => {
  const fixture = new JournalFixture(new FakeFiles());
  fixture.append("before");
  assert.ok(fixture.journal.appendControl(1, "{}"));
  fixture.append("after");
  fixture.journal.flush();
  assert.deepEqual(fixture.messages(), ["before", "control:{}", "after"]);
  assert.equal(fixture.metrics.get("journal_events"), 2, "a change is no event");
});

test("whenDurable() calls after the sync of what was appended before it, in order", async () => {
  const fixture = new JournalFixture(new FakeFiles());
  const calls: string[] = [];
  fixture.journal.whenDurable(() => calls.push("nothing appended"));
  assert.deepEqual(calls, ["nothing appended"]);

  fixture.append("a");
  fixture.journal.whenDurable(() => {
    calls.push("a");
    fixture.journal.whenDurable(() => calls.push("inner"));
  });
  await fixture.sync();
  fixture.journal.flush();
  fixture.journal.whenDurable(() => calls.push("a again"));
  fixture.append("b");
  fixture.journal.whenDurable(() => calls.push("b"));
  await settled();
  assert.equal(calls.length, 1, "written is not durable");

  await fixture.sync();
  assert.deepEqual(calls.slice(1), ["a", "a again"]);
  fixture.journal.flush();
  await fixture.sync();
  assert.deepEqual(calls.slice(3), ["b", "inner"], "the inner call came when b had been appended");
});

test("EventJournal keeps what a full disk refuses, says so once a minute and goes on when there is space", async () => {
  const files = new FakeFiles();
  const fixture = new JournalFixture(files, { freeBytesMin: 0 });
  fixture.append("first");
  fixture.journal.flush();
  const whole = files.read(FIRST_SEGMENT).length;
  let durable = false;
  for (let fits = 0; fits < 60; fits++) {
    files.freeSpace = fits;
    fixture.append(`refused ${fits}`);
    if (fits === 0) fixture.journal.whenDurable(() => (durable = true));
    fixture.journal.flush();
    fixture.clock.advance(RETRY_PERIOD_MS);
    assert.equal(fixture.journal.pressure, "full");
    assert.equal(files.read(FIRST_SEGMENT).length, whole, `half a block stays with ${fits} bytes free`);
  }
  await fixture.sync();
  assert.equal(durable, false);
  assert.deepEqual(fixture.messages(), ["first"]);
  assert.equal(fixture.log.texts("error").length, 1);
  fixture.clock.advance(LOG_PERIOD_MS);
  assert.equal(fixture.log.texts("error").length, 2);
  assert.match(fixture.log.texts("error")[0] ?? "", /^No event is accepted: the disk is full/);

  files.freeSpace = Number.POSITIVE_INFINITY;
  fixture.clock.advance(RETRY_PERIOD_MS);
  assert.equal(fixture.journal.pressure, "none");
  assert.equal(fixture.messages().length, 61);
  assert.equal(fixture.log.texts("info").at(-1), "Events are accepted again.");
  await fixture.sync();
  assert.ok(durable);
  assert.equal(fixture.clock.pendingTimers, 0);
});

test("EventJournal keeps events while the system cannot tell the free space", () => {
  class BlindFiles extends FakeFiles {
    blind = true;
    override freeBytes(): number {
      if (this.blind) this.read("/nowhere");
      return super.freeBytes();
    }
  }
  const files = new BlindFiles();
  const fixture = new JournalFixture(files);
  fixture.append("one");
  fixture.journal.flush();
  assert.equal(fixture.journal.pressure, "full");
  files.blind = false;
  fixture.clock.advance(RETRY_PERIOD_MS);
  assert.deepEqual(fixture.messages(), ["one"]);
});

test("append() refuses when a full journal has no room left, and what it took before is in order", () => {
  const files = new FakeFiles();
  const fixture = new JournalFixture(files, { freeBytesMin: 1000 });
  files.freeSpace = 999;
  let taken = 0;
  while (fixture.append(`${taken} ${LARGE}`)) taken++;
  assert.ok(taken >= WAITING_BYTES_MAX / LARGE.length - 1, `${taken} blocks taken`);
  assert.ok(taken <= WAITING_BYTES_MAX / LARGE.length + 1, `${taken} blocks taken`);
  assert.equal(fixture.append(`again ${LARGE}`), false);
  assert.match(fixture.log.texts("error")[0] ?? "", /too little free space/);
  files.freeSpace = 1e9;
  fixture.clock.advance(2000);
  const numbers = fixture.messages().map((message) => Number.parseInt(message, 10));
  assert.deepEqual(
    numbers,
    Array.from({ length: taken }, (_, index) => index),
  );
});

test("pressure follows what is not released: high near the limit, full at it, none after a release", () => {
  const limits = { segmentBytes: 2 * BLOCK_BYTES_TARGET, journalBytesMax: 10 * (LARGE.length + 100) };
  const fixture = new JournalFixture(new FakeFiles(), limits);
  const seen: string[] = [];
  for (let count = 0; count < 11; count++) {
    fixture.append(LARGE);
    fixture.journal.flush();
    seen.push(fixture.journal.pressure);
  }
  assert.deepEqual(seen, [...Array<string>(9).fill("none"), "high", "full"]);
  assert.match(fixture.log.texts("error")[0] ?? "", /size limit/);

  const reader = fixture.reader();
  for (let count = 0; count < 5; count++) reader.next();
  fixture.journal.discardBefore(reader.position);
  fixture.clock.advance(RETRY_PERIOD_MS);
  assert.equal(fixture.journal.pressure, "none");
  assert.equal(messagesOf(reader).length, 6, "what was not released is still there");
});

test("discardBefore() removes whole segments before the position, never the current one", async () => {
  const files = new FakeFiles();
  const fixture = new JournalFixture(files, { segmentBytes: 1000 });
  const ends: number[] = [];
  for (let count = 0; count < 6; count++) {
    fixture.append("y".repeat(400));
    fixture.journal.flush();
    ends.push(fixture.writer.position);
  }
  await fixture.sync();
  const segments = () => files.paths().filter((path) => path.endsWith(".seg")).length;
  assert.equal(segments(), 3, "two blocks a segment");
  const [first = 0, second = 0] = ends;
  fixture.journal.discardBefore(first);
  assert.equal(segments(), 3);
  fixture.journal.discardBefore(second);
  assert.equal(segments(), 2);
  fixture.journal.discardBefore(first); // going back has no effect
  fixture.journal.discardBefore(fixture.writer.position);
  assert.equal(segments(), 1);
  assert.equal(fixture.messages().length, 2, "a reader from 0 begins at the oldest segment");
  assert.throws(() => fixture.journal.discardBefore(fixture.writer.position + 1), assert.AssertionError);
});

test("close() flushes, waits for the sync and names what a full disk could not take", async () => {
  const files = new FakeFiles();
  const fixture = new JournalFixture(files);
  fixture.append("last");
  let closed = false;
  const closing = fixture.journal.close().then(() => {
    closed = true;
  });
  await settled();
  assert.equal(closed, false);
  await fixture.sync();
  await closing;
  assert.equal(fixture.clock.pendingTimers, 0);
  assert.deepEqual(new JournalFixture(files).messages(), ["last"]);

  const full = new JournalFixture(files);
  files.freeSpace = 0;
  full.append("never accepted");
  await full.journal.close();
  assert.match(full.log.texts("error").at(-1) ?? "", /1 blocks of events are lost/);
  assert.equal(full.clock.pendingTimers, 0);
});

test("EventJournal accepts nothing once a sync has failed, and close() does not wait for it", async () => {
  const files = new FakeFiles();
  const fixture = new JournalFixture(files);
  fixture.append("not durable");
  fixture.journal.flush();
  let durable = false;
  fixture.journal.whenDurable(() => (durable = true));
  files.deny(FIRST_SEGMENT);
  await assert.rejects(fixture.sync(), { code: "file_access_denied" });
  fixture.append("refused");
  fixture.journal.flush();
  assert.equal(fixture.journal.pressure, "full");
  assert.match(fixture.log.texts("error").at(-1) ?? "", /failed to keep what was written/);
  await fixture.journal.close();
  assert.equal(durable, false);
});

test("EventJournal waits when the sync is too far behind, and goes on after it", async () => {
  const fixture = new JournalFixture(new FakeFiles(), { segmentBytes: 1_000_000 });
  const million = "m".repeat(1_000_000);
  const seen: string[] = [];
  while (fixture.journal.pressure !== "full") {
    seen.push(fixture.journal.pressure);
    fixture.append(million);
    fixture.journal.flush();
  }
  assert.ok(fixture.progress.written <= UNSYNCED_BYTES_MAX, "a restart's gap covers what is not durable");
  assert.equal(seen.length, Math.floor(UNSYNCED_BYTES_MAX / 1_000_000) + 1);
  assert.equal(seen.indexOf("high"), Math.ceil(UNSYNCED_BYTES_MAX / 2 / 1_000_100));
  await fixture.sync();
  fixture.clock.advance(RETRY_PERIOD_MS);
  assert.equal(fixture.journal.pressure, "none");
});

test("The position of an event grows and is never given out again, over restarts and losses of power", async () => {
  const files = new FakeFiles();
  let last = -1;
  for (let start = 0; start < 5; start++) {
    const fixture = new JournalFixture(files);
    fixture.append(`start ${start}`);
    fixture.journal.flush();
    const seen: number[] = [];
    const reader = fixture.reader(0);
    for (let part = reader.next(); part !== null; part = reader.next()) {
      forEachEvent(part.block, { event: ({ position }) => seen.push(position), control: () => {} });
    }
    const newest = seen.at(-1) ?? -1;
    assert.ok(newest > last, `start ${start}`);
    last = newest;
    files.losePower(); // the event was read, perhaps alerted on, and is gone
  }
});
