/**
 * Goal: a reader delivers each accepted block once and in order, across segments, from any block boundary on, and sleeps when there
 * is no more. Method: writes and reads are interleaved at random and compared with the list of what was appended.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { forEachEvent } from "#model/event-block.ts";
import { FakeFiles } from "#testing/files.ts";
import { SeededRandom } from "#testing/random.ts";
import { DIRECTORY, JournalFixture, messagesOf, settled } from "./fixture.ts";
import { READ_BYTES } from "./limits.ts";
import { segmentPath } from "./segments.ts";

test("JournalReader and writer interleaved: every event once, in order, at growing positions", () => {
  for (let seed = 0; seed < 20; seed++) {
    const random = new SeededRandom(seed);
    const fixture = new JournalFixture(new FakeFiles(), { segmentBytes: 700 });
    const reader = fixture.reader();
    const sent: string[] = [];
    const got: string[] = [];
    const positions: number[] = [];
    for (let step = 0; step < 200; step++) {
      if (random.below(3) > 0) {
        const message = `${step} ${"z".repeat(random.below(300))}`;
        fixture.append(message);
        sent.push(message);
      }
      if (random.below(3) === 0) fixture.journal.flush();
      const part = random.below(2) === 0 ? reader.next() : null;
      if (part !== null) {
        forEachEvent(part.block, {
          event: (event) => {
            got.push(event.message);
            positions.push(event.position);
          },
          control: () => {},
        });
      }
      if (random.below(20) === 0) fixture.journal.discardBefore(reader.position);
    }
    fixture.journal.flush();
    assert.deepEqual([...got, ...messagesOf(reader)], sent, `seed ${seed}`);
    assert.deepEqual(
      positions,
      positions.toSorted((a, b) => a - b),
      `seed ${seed}`,
    );
    assert.equal(fixture.metrics.get("journal_damaged_parts"), 0);
  }
});

test("JournalReader goes on from every position that it gave, also after restarts", () => {
  const files = new FakeFiles();
  const sent: string[] = [];
  for (let start = 0; start < 3; start++) {
    const fixture = new JournalFixture(files, { segmentBytes: 250 });
    for (let count = 0; count < 5; count++) {
      sent.push(`${start}.${count}`);
      fixture.append(`${start}.${count}`);
      fixture.journal.flush();
    }
  }
  const fixture = new JournalFixture(files);
  const reader = fixture.reader();
  for (let read = 0; ; read++) {
    assert.deepEqual(fixture.messages(reader.position), sent.slice(read), `after ${read} blocks`);
    const part = reader.next();
    if (part === null) break;
    assert.equal(part.nextPosition, reader.position);
  }
});

test("JournalReader reads what is larger than its buffer", () => {
  const fixture = new JournalFixture(new FakeFiles());
  const sent = ["a", "L".repeat(READ_BYTES + 5), "b", "M".repeat(1_000_000), "c"];
  for (const message of sent) fixture.append(message);
  fixture.journal.flush();
  assert.deepEqual(fixture.messages(), sent);
});

test("JournalReader finds the block behind a damaged one wherever its own reads end", () => {
  for (let around = -10; around <= 10; around++) {
    const files = new FakeFiles();
    const fixture = new JournalFixture(files);
    fixture.append("");
    fixture.journal.flush();
    const emptyBytes = fixture.writer.position;
    fixture.append("D".repeat(READ_BYTES + around - 2 * emptyBytes));
    fixture.journal.flush();
    fixture.append("next");
    fixture.journal.flush();
    const segment = files.open(segmentPath(DIRECTORY, 0), "update");
    segment.write(Buffer.from("?"), emptyBytes);
    assert.deepEqual(fixture.messages(), ["", "next"], `${around} bytes beside the end of a read`);
  }
});

test("JournalReader keeps nothing of what lies behind the published end", () => {
  const files = new FakeFiles();
  const fixture = new JournalFixture(files);
  const reader = fixture.reader();
  fixture.append("one");
  fixture.journal.flush();
  files.open(segmentPath(DIRECTORY, 0), "update").write(Buffer.alloc(500, "?"), fixture.writer.position);
  assert.deepEqual(messagesOf(reader), ["one"]);
  fixture.append("two");
  fixture.journal.flush();
  assert.deepEqual(messagesOf(reader), ["two"]);
});

test("waitForMore() resolves when more is written, and when the journal is stopped", async () => {
  const fixture = new JournalFixture(new FakeFiles());
  const reader = fixture.reader();
  assert.equal(reader.next(), null);
  let woken = 0;
  const wait = async () => {
    await reader.waitForMore();
    woken++;
  };
  void wait();
  await settled();
  assert.equal(woken, 0);
  fixture.append("one");
  fixture.journal.flush();
  await settled();
  assert.equal(woken, 1);
  await reader.waitForMore(); // written between `next()` and the wait
  assert.deepEqual(messagesOf(reader), ["one"]);

  void wait();
  fixture.progress.stop();
  await settled();
  assert.equal(woken, 2);
});

test("JournalReader refuses a position that this epoch has not reached", () => {
  const fixture = new JournalFixture(new FakeFiles());
  assert.throws(() => fixture.reader(1).next(), assert.AssertionError);
});
