/**
 * Goal: opening the journal finds every whole block and nothing else, whatever state the files were left in. Method: a segment is
 * cut at every byte of its last block, flipped at every byte of a middle one, replaced by hostile bytes, then opened and read.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { BLOCK_MAGIC } from "#model/event-block.ts";
import { FakeFiles } from "#testing/files.ts";
import { SeededRandom } from "#testing/random.ts";
import { readEpoch } from "./epoch.ts";
import { DIRECTORY, JournalFixture } from "./fixture.ts";
import { RESTART_GAP_BYTES } from "./limits.ts";

const SEGMENT = `${DIRECTORY}/0000000000000000.seg`;

/** Files with one block for each message, and where each block ends. */
function written(messages: readonly string[]): {
  readonly files: FakeFiles;
  readonly ends: readonly number[];
} {
  const files = new FakeFiles();
  const fixture = new JournalFixture(files);
  const ends = messages.map((message) => {
    fixture.append(message);
    fixture.journal.flush();
    return fixture.writer.position;
  });
  return { files, ends };
}

/** The same files with another segment. */
function withSegment(files: FakeFiles, bytes: Uint8Array): FakeFiles {
  const copy = new FakeFiles();
  copy.makeDirectory(DIRECTORY);
  copy.replace(`${DIRECTORY}/epoch`, files.read(`${DIRECTORY}/epoch`));
  copy.replace(SEGMENT, bytes);
  return copy;
}

test("JournalWriter cuts off a torn last block, wherever it is cut", () => {
  const { files, ends } = written(["one", "two", "three"]);
  const whole = files.read(SEGMENT);
  const [, second = 0, third = 0] = ends;
  assert.equal(whole.length, third);
  for (let cut = second; cut <= third; cut++) {
    const copy = withSegment(files, whole.subarray(0, cut));
    const fixture = new JournalFixture(copy);
    const expected = cut === third ? ["one", "two", "three"] : ["one", "two"];
    assert.deepEqual(fixture.messages(), expected, `cut at ${cut}`);
    assert.equal(copy.read(SEGMENT).length, cut === third ? third : second);
    const tornLines = fixture.log.texts("warning").filter((text) => /incomplete block/.test(text));
    assert.equal(tornLines.length, cut === second || cut === third ? 0 : 1, `cut at ${cut}`);
    assert.equal(fixture.writer.position, cut + RESTART_GAP_BYTES);
    fixture.append("next");
    fixture.journal.flush();
    assert.deepEqual(fixture.messages(), [...expected, "next"], `cut at ${cut}`);
  }
});

test("JournalReader skips a damaged block and finds the next one", () => {
  const { files, ends } = written(["one", "two", "three"]);
  const whole = files.read(SEGMENT);
  const [first = 0, second = 0] = ends;
  for (let at = first; at < second; at++) {
    const bytes = Buffer.from(whole);
    bytes.writeUInt8((whole[at] ?? 0) ^ 0x21, at);
    const fixture = new JournalFixture(withSegment(files, bytes));
    assert.deepEqual(fixture.messages(), ["one", "three"], `flipped at ${at}`);
    assert.equal(fixture.metrics.get("journal_damaged_parts"), 1);
    assert.equal(fixture.metrics.get("journal_damaged_bytes"), second - first);
    assert.equal(fixture.log.texts("error").length, 1);
    assert.equal(fixture.metrics.get("journal_torn_bytes"), 0);
  }
});

test("JournalReader skips bytes that were lost or added, and blocks that stand at another place", () => {
  const { files, ends } = written(["one", "two", "three"]);
  const whole = files.read(SEGMENT);
  const [first = 0, second = 0] = ends;
  const doubled = Buffer.concat([whole.subarray(0, second), whole.subarray(first, second)]);
  const messages = (bytes: Buffer) => new JournalFixture(withSegment(files, bytes)).messages();
  assert.deepEqual(messages(doubled), ["one", "two"]);
  assert.deepEqual(messages(Buffer.concat([whole.subarray(0, first), whole.subarray(second)])), ["one"]);
  assert.deepEqual(messages(Buffer.alloc(whole.length)), []);
});

test("JournalReader takes no block out of a message, even where the real one is damaged", () => {
  const inner = new JournalFixture(new FakeFiles());
  inner.append("forged");
  inner.journal.flush();
  // The attacker knows the format, and guesses position and epoch wrong.
  const forged = inner.files.read(SEGMENT);
  forged.writeUInt8(0x11, 30);
  const { files } = written([forged.toString("latin1"), "real"]);
  const bytes = files.read(SEGMENT);
  bytes.writeUInt8(0xff, 9);
  assert.deepEqual(new JournalFixture(withSegment(files, bytes)).messages(), ["real"]);
});

test("Hostile segments are read in time proportional to their length, and never throw", () => {
  const { files } = written(["one"]);
  const random = new SeededRandom(3);
  const whole = files.read(SEGMENT);
  const magics = Buffer.alloc(1_000_000, BLOCK_MAGIC);
  const headers = Buffer.alloc(1_000_000, whole.subarray(0, 36));
  for (const bytes of [magics, headers, random.bytes(300_000), Buffer.concat([whole, magics])]) {
    const fixture = new JournalFixture(withSegment(files, bytes));
    fixture.append("after");
    fixture.journal.flush();
    assert.equal(fixture.messages().at(-1), "after");
  }
  for (let round = 0; round < 300; round++) {
    new JournalFixture(withSegment(files, random.mutate(whole))).messages();
  }
});

test("JournalWriter leaves files alone that are none of its segments", () => {
  const { files } = written(["one"]);
  const names = ["0.seg", "ffffffffffffffff.seg", "000000000000000G.seg", "0000000000000001.seg.gz", "notes"];
  for (const name of names) files.write(`${DIRECTORY}/${name}`, "x");
  const fixture = new JournalFixture(files);
  assert.deepEqual(fixture.messages(), ["one"]);
  fixture.journal.discardBefore(fixture.writer.position);
  for (const name of names) assert.ok(files.info(`${DIRECTORY}/${name}`), name);
});

test("JournalWriter removes the segments of starts without events, and keeps the position", () => {
  const { files } = written(["one"]);
  let last = new JournalFixture(files).writer.position;
  for (let start = 0; start < 3; start++) {
    const fixture = new JournalFixture(files);
    assert.equal(fixture.writer.position, last + RESTART_GAP_BYTES);
    last = fixture.writer.position;
    assert.equal(files.paths().filter((path) => path.endsWith(".seg")).length, 2);
    assert.deepEqual(fixture.messages(), ["one"]);
  }
});

test("JournalWriter begins a new epoch only when there are no segments, and keeps segments of a lost one", () => {
  const { files, ends } = written(["one"]);
  const path = `${DIRECTORY}/epoch`;
  assert.equal(readEpoch(files, DIRECTORY), 0x5a5a_5a5a_5a5a);
  files.write(path, "1234\n");
  const other = new JournalFixture(files);
  assert.equal(other.progress.epoch, 0x1234);
  assert.deepEqual(other.messages(), []);
  assert.equal(files.read(SEGMENT).length, ends[0], "a whole block of another epoch is not torn");

  files.write(path, "nonsense");
  const fresh = new JournalFixture(files);
  assert.deepEqual(fresh.messages(), ["one"], "the fixture draws the first epoch again");
  assert.match(fresh.log.texts("warning")[0] ?? "", /epoch file was missing/);
});

test("JournalWriter keeps a segment until a later one survives a loss of power, so that its epoch goes on", async () => {
  const files = new FakeFiles();
  const fixture = new JournalFixture(files, { segmentBytes: 100 });
  fixture.append("one");
  fixture.journal.flush();
  await fixture.sync();
  fixture.append("two");
  fixture.journal.flush();
  fixture.journal.discardBefore(fixture.writer.position);
  files.losePower(
    () => 0,
    () => false,
  );
  const next = new JournalFixture(files, { segmentBytes: 100 });
  assert(next.writer.position > fixture.writer.position);
  next.append("three");
  next.journal.flush();
  await next.sync();
  next.journal.discardBefore(next.writer.position);
  assert.equal(files.paths().filter((path) => path.endsWith(".seg")).length, 1);
});

test("JournalWriter says that a segment cannot be removed, and removes it when it can", async () => {
  class StubbornFiles extends FakeFiles {
    stubborn = true;
    override remove(path: string): void {
      if (this.stubborn) this.open("/nowhere", "read");
      super.remove(path);
    }
  }
  const files = new StubbornFiles();
  files.deny("/nowhere");
  const fixture = new JournalFixture(files, { segmentBytes: 100 });
  for (const message of ["one", "two", "three"]) {
    fixture.append(message);
    fixture.journal.flush();
  }
  await fixture.sync();
  fixture.journal.discardBefore(fixture.writer.position - 1);
  assert.match(fixture.log.texts("warning")[0] ?? "", /cannot be removed/);
  files.stubborn = false;
  fixture.journal.discardBefore(fixture.writer.position);
  assert.equal(files.paths().filter((path) => path.endsWith(".seg")).length, 1);
});
