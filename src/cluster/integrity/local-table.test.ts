/**
 * Goal: a table made from the last one is the table that reading every file would give. Method: random changes of files in memory, each compared with a
 * reading from nothing; changes that hide behind the same size, time and inode.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeFiles } from "#testing/files.ts";
import { SeededRandom } from "#testing/random.ts";
import { type LocalTable, readLocalTable } from "./local-table.ts";

const HOME = "/home";
const EMPTY: LocalTable = new Map();
const START_MS = Date.UTC(2026, 0, 15);
const HOUR_MS = 3_600_000;
/** Of the file system's clock. */
const TICK_MS = 4;

function hashesOf(table: LocalTable): readonly (readonly [string, string])[] {
  return [...table].map(([path, { hash }]) => [path, hash] as const);
}

function writeInPlace(files: FakeFiles, path: string, text: string): void {
  const file = files.open(path, "update");
  file.truncate(0);
  file.write(Buffer.from(text), 0);
  file.close();
}

/** One change of one file. `files.nowMs` is the file system's time, a whole number of ticks. */
function changeOne(files: FakeFiles, random: SeededRandom): void {
  const path = `${HOME}/etc/lists/f${random.below(8)}`;
  const info = files.info(path);
  const text = String(random.below(10)).repeat(1 + random.below(2));
  if (info === null) {
    files.write(path, text);
    return;
  }
  switch (random.below(5)) {
    case 0:
      files.remove(path);
      break;
    case 1: // as an editor does, or rsync: another file with the times of the old one
      files.write(path, text);
      files.setModified(path, info.modifiedMs);
      break;
    case 2: // nothing but its time
      writeInPlace(files, path, files.text(path));
      break;
    default:
      writeInPlace(files, path, text);
  }
}

test("readLocalTable() misses no change: same size, same time, same tick, a clock that goes back", () => {
  let unread = 0;
  for (let seed = 1; seed <= 20; seed++) {
    const random = new SeededRandom(seed);
    const files = new FakeFiles();
    files.makeDirectory(`${HOME}/etc/lists`);
    let table = EMPTY;
    let nowMs = START_MS;
    for (let step = 0; step < 100; step++) {
      // Often within the tick, mostly seconds later, now and then some time before.
      nowMs += random.pick([0, 1, 3, 900, 8000, 8000, 8000, -random.below(HOUR_MS)]);
      files.nowMs = Math.floor(nowMs / TICK_MS) * TICK_MS;
      for (let changes = random.below(3); changes > 0; changes--) changeOne(files, random);
      const reading = readLocalTable(files, HOME, table, nowMs);
      const whole = readLocalTable(files, HOME, EMPTY, nowMs);
      assert.deepEqual(hashesOf(reading.table), hashesOf(whole.table), `seed ${seed}, step ${step}`);
      if (!reading.isChanged) assert.deepEqual(reading.table, table);
      for (const [path, entry] of reading.table) if (table.get(path) === entry) unread++;
      table = reading.table;
    }
  }
  assert(unread > 2000, `${unread} entries were kept, so that there was something to miss`);
});

test("readLocalTable() finds what the same size, inode and time of modification hide", () => {
  const files = new FakeFiles();
  const path = `${HOME}/etc/lists/a`;
  files.makeDirectory(`${HOME}/etc/lists`);
  files.nowMs = START_MS;
  files.write(path, "old");
  const { table } = readLocalTable(files, HOME, EMPTY, START_MS + 10_000);
  const readAgain = (nowMs: number) => readLocalTable(files, HOME, table, nowMs).isChanged;
  assert.equal(readAgain(START_MS + 20_000), false);
  files.nowMs = START_MS + 20_000;
  writeInPlace(files, path, "new");
  files.setModified(path, START_MS);
  assert.equal(readAgain(START_MS + 30_000), true);
  assert.equal(readAgain(START_MS), true, "also when the clock has gone back");
});

test("readLocalTable() says when nothing has changed, and when a file is gone", () => {
  const files = new FakeFiles();
  files.makeDirectory(`${HOME}/etc/lists`);
  files.nowMs = START_MS;
  for (const name of ["a", "b"]) files.write(`${HOME}/etc/lists/${name}`, name);
  const read = (previous: LocalTable) => readLocalTable(files, HOME, previous, START_MS + 10_000);
  const { table, isChanged } = read(EMPTY);
  assert.equal(isChanged, true);
  assert.equal(read(table).isChanged, false);
  files.remove(`${HOME}/etc/lists/b`);
  assert.equal(read(table).isChanged, true);
});
