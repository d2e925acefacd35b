/**
 * Goal: every record appears exactly once, in order and whole, in each output, wherever the manager ends.
 *
 * Method: a stream of events with snapshots is fed in blocks. The run ends at one operation on the disk (not done, or half done
 * when it is a write), by a kill or by a loss of power that keeps some unsynced bytes; or the disk fills up for a while. Then it
 * starts again and is fed from the last durable snapshot, as replay does. At the end the files of all days, in order, must be the
 * stream. Not covered: a disk that loses what it said it had synced.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import { FILE_DEFINITIONS } from "./day-files.ts";
import { EndingFiles, ProcessEnd } from "./ending-files.ts";
import { event, type Output, OutputHarness, recordText } from "./fixture.ts";

const EVENTS = 40;
const EVENTS_PER_BLOCK = 3;
const SNAPSHOT_EVERY = 8;
const POSITION_STEP = 100;
const NEVER = Number.POSITIVE_INFINITY;

const MESSAGE = "a message\nof two lines";

/** What analysis sends from `position` on: the same for the same position, whenever it is asked. */
function blocksFrom(position: number): Output[][] {
  const blocks: Output[][] = [];
  for (let at = position; at < EVENTS * POSITION_STEP; at += POSITION_STEP * EVENTS_PER_BLOCK) {
    const outputs: Output[] = [];
    const end = Math.min(at + POSITION_STEP * EVENTS_PER_BLOCK, EVENTS * POSITION_STEP);
    for (let next = at; next < end; next += POSITION_STEP) {
      const isSnapshot = next > position && next % (POSITION_STEP * SNAPSHOT_EVERY) === 0;
      if (isSnapshot) outputs.push({ kind: "snapshot", position: next, text: String(next) });
      outputs.push(...event(next, MESSAGE));
    }
    blocks.push(outputs);
  }
  return blocks;
}

/** All files of a kind, days and parts in the order in which they were written. */
function written(harness: OutputHarness, tag: string, extension: string): string {
  const order = (path: string): string =>
    path.replace(`.${extension}`, "-000").replace(/(-\d\d)(-\d{3})-000$/, "$1$2");
  return harness
    .outputPaths()
    .filter((path) => path.includes(`ossec-${tag}-`) && path.endsWith(`.${extension}`))
    .sort((a, b) => (order(a) < order(b) ? -1 : 1))
    .map((path) => harness.text(`logs/${path}`))
    .join("");
}

function checkAll(harness: OutputHarness, label: string): void {
  for (const { kind, tag, extension } of FILE_DEFINITIONS) {
    const texts = Array.from({ length: EVENTS }, (_, index) =>
      recordText(kind, index * POSITION_STEP, MESSAGE),
    );
    const found = written(harness, tag, extension);
    assert.equal(found, texts.join(""), `${kind}, ${label}`);
  }
  const handedOver = harness.responses.join("").split("\n");
  assert.equal(new Set(handedOver).size, handedOver.length, `a response twice, ${label}`);
}

type Life = { readonly endAt: number; readonly fullAfterBlocks: number | null };

const OPTIONS = {
  rotation: { intervalSeconds: 20, intervalSecondsMin: 10 },
  closing: { sign: false, compress: false },
};

/** Runs until the stream is written or the process ends; the number of operations on the disk. */
function live(
  harness: OutputHarness,
  { endAt, fullAfterBlocks }: Life,
): { ended: boolean; operations: number } {
  const files = new EndingFiles(harness.fake, endAt);
  harness.files = files;
  const snapshot = "queue/analysis/snapshot";
  const position = harness.exists(snapshot) ? Number(harness.text(snapshot)) : 0;
  try {
    harness.start(OPTIONS);
    for (const [index, outputs] of blocksFrom(position).entries()) {
      if (index === fullAfterBlocks) harness.fake.freeSpace = 700;
      harness.accept(outputs);
      harness.clock.advance(5000);
      if (index === (fullAfterBlocks ?? 0) + 2) harness.fake.freeSpace = Number.POSITIVE_INFINITY;
    }
    harness.fake.freeSpace = Number.POSITIVE_INFINITY;
    harness.clock.advance(2000);
    harness.stop();
    return { ended: false, operations: files.operations };
  } catch (error) {
    if (!(error instanceof ProcessEnd)) throw error;
    harness.fake.freeSpace = Number.POSITIVE_INFINITY;
    harness.kill();
    return { ended: true, operations: files.operations };
  }
}

/** Fourteen seconds before midnight, so that each run sees a new day, and parts of both days. */
function newHarness(): OutputHarness {
  return new OutputHarness(new Date(2026, 10, 21, 23, 59, 46).getTime());
}

test("the stream is written as it is fed when nothing happens", () => {
  const harness = newHarness();
  const { ended } = live(harness, { endAt: NEVER, fullAfterBlocks: null });
  assert.equal(ended, false);
  checkAll(harness, "no crash");
  assert.ok(harness.outputPaths().length > 8, "the run sees days and parts");
  assert.equal(harness.snapshots.length, 4);
});

for (const loss of ["kill", "power loss"] as const) {
  test(`every record is written exactly once after a ${loss} at any operation`, () => {
    const { operations } = live(newHarness(), { endAt: NEVER, fullAfterBlocks: null });
    assert.ok(operations > 100);
    for (let endAt = 0; endAt < operations; endAt++) {
      const harness = newHarness();
      assert.equal(live(harness, { endAt, fullAfterBlocks: null }).ended, true);
      const random = new SeededRandom(endAt);
      if (loss === "power loss") harness.fake.losePower((bytes) => random.below(bytes + 1));
      assert.equal(live(harness, { endAt: NEVER, fullAfterBlocks: null }).ended, false);
      checkAll(harness, `end at operation ${endAt}`);
    }
  });
}

test("every record is written exactly once through many crashes, losses of power and full disks", () => {
  for (let seed = 0; seed < 60; seed++) {
    const random = new SeededRandom(seed);
    const harness = newHarness();
    for (let round = 0; round < 12; round++) {
      const fullAfterBlocks = random.below(2) === 0 ? random.below(8) : null;
      const { ended } = live(harness, { endAt: round < 11 ? random.below(120) : NEVER, fullAfterBlocks });
      if (!ended) break;
      if (random.below(2) === 0) harness.fake.losePower((bytes) => random.below(bytes + 1));
    }
    checkAll(harness, `seed ${seed}`);
  }
});

test("what a start cut off does not come back when that start ended before its sync", () => {
  for (let endAt = 0; endAt < 12; endAt++) {
    const harness = new OutputHarness();
    harness.start();
    harness.accept([...event(1), { kind: "snapshot", position: 2, text: "2" }, ...event(3)]);
    harness.kill();
    harness.fake.losePower((bytes) => bytes - 1);
    harness.files = new EndingFiles(harness.fake, endAt);
    assert.throws(() => harness.start(), ProcessEnd);
    harness.kill();
    harness.files = harness.fake;
    harness.clock.jump(86_400_000);
    harness.start();
    harness.accept([...event(3), { kind: "snapshot", position: 4, text: "4" }]);
    harness.fake.losePower();
    for (const { kind, tag, extension } of FILE_DEFINITIONS) {
      const expected = [1, 3].map((position) => recordText(kind, position)).join("");
      assert.equal(written(harness, tag, extension), expected, `${kind}, end at operation ${endAt}`);
    }
  }
});
