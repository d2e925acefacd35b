/** Goal: workers that lack the same share an archive, and none stays on the disk. Method: files in memory, jobs counted. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { contentHash, type FileEntry } from "#formats/wire/cluster/file-table.ts";
import { CodedError } from "#kernel/errors.ts";
import { fakeNeeds, HOME } from "../fixture.ts";
import { writeTableArchive } from "../integrity/archive-file.ts";
import type { ComparedTable, HeavyJob } from "../needs.ts";
import { PackedArchives } from "./packed-archives.ts";

const BYTES_MAX = 1_000_000;
const hashOf = (content: string) => contentHash(Buffer.from(content));
const ENTRY: FileEntry = { modifiedSeconds: 1, itemKey: "etc/lists/", hash: hashOf("master") };

function lacking(...paths: string[]): ComparedTable {
  const missing = new Map(paths.map((path) => [path, ENTRY]));
  return { changes: { missing, shared: new Map(), extra: new Map() }, digest: paths.join(), files: 0 };
}

function bench() {
  const { files, heavy, random } = fakeNeeds();
  for (const directory of ["etc/lists", "queue/cluster"]) files.makeDirectory(`${HOME}/${directory}`);
  for (let list = 0; list < 9; list++) files.write(`${HOME}/etc/lists/${list}`, "content");
  let packed = 0;
  const { run } = heavy;
  Object.assign(heavy, {
    run: (job: HeavyJob) => {
      packed++;
      return run(job);
    },
  });
  const archives = new PackedArchives(HOME, { files, random, heavy });
  const left = () => files.list(`${HOME}/queue/cluster`).length;
  return { archives, files, left, packed: () => packed };
}

test("workers that lack the same share an archive until the table is another one", async () => {
  const { archives, files, left, packed } = bench();
  const same = lacking("etc/lists/1");
  const [first, second] = await Promise.all([archives.take(same, BYTES_MAX), archives.take(same, BYTES_MAX)]);
  assert.equal(first.path, second.path);
  first.release();
  const third = await archives.take(same, BYTES_MAX);
  assert.equal(third.path, first.path);
  assert.equal(packed(), 1);
  const other = await archives.take(lacking("etc/lists/2"), BYTES_MAX);
  const lower = await archives.take(same, BYTES_MAX - 1);
  assert.equal(new Set([first.path, other.path, lower.path]).size, 3);
  other.release();
  lower.release();

  archives.clear();
  assert.equal(left(), 1, "two are still sending the first");
  assert(files.info(first.path) !== null);
  const anew = await archives.take(same, BYTES_MAX);
  assert.notEqual(anew.path, first.path);
  for (const { release } of [second, third, anew]) release();
  archives.clear();
  assert.equal(left(), 0);
});

test("an archive that cannot be removed is removed with the next table", async () => {
  const { archives, files, left } = bench();
  const { path, release } = await archives.take(lacking("etc/lists/1"), BYTES_MAX);
  const remove = files.remove.bind(files);
  files.remove = () => {
    throw new CodedError("file_other", "EIO: i/o error");
  };
  archives.clear();
  release();
  assert(files.info(path) !== null);
  files.remove = remove;
  archives.clear();
  assert.equal(left(), 0);
});

test("workers whose tables differ lack the same, or not", async () => {
  const { files, heavy } = fakeNeeds();
  files.makeDirectory(HOME);
  const table = new Map([["etc/lists/1", ENTRY]]);
  const digestOf = async (name: string, held: FileEntry | null) => {
    const archive = `${HOME}/${name}`;
    writeTableArchive(files, archive, new Map(held === null ? [] : [["etc/lists/1", held]]));
    return (await heavy.run({ kind: "compare_table", archive, table })).digest;
  };
  const missing = await digestOf("missing", null);
  const other = await digestOf("other", { ...ENTRY, hash: hashOf("1") });
  assert.equal(await digestOf("third", { ...ENTRY, hash: hashOf("2"), modifiedSeconds: 2 }), other);
  assert.notEqual(missing, other);
});

test("few archives are kept, the newest", async () => {
  const { archives, left, packed } = bench();
  for (let list = 0; list < 9; list++) {
    const archive = await archives.take(lacking(`etc/lists/${list}`), BYTES_MAX);
    archive.release();
  }
  assert.equal(left(), 4);
  (await archives.take(lacking("etc/lists/8"), BYTES_MAX)).release();
  assert.equal(packed(), 9);
  archives.clear();
  assert.equal(left(), 0);
});

test("an archive that lacks a file is not given to the next worker", async () => {
  const { archives, files, left } = bench();
  const changes = lacking("etc/lists/1", "etc/lists/2");
  files.write(`${HOME}/etc/lists/2`, "x".repeat(BYTES_MAX + 1));
  const without = await archives.take(changes, BYTES_MAX);
  assert.deepEqual([...without.written.changes.missing.keys()], ["etc/lists/1"]);
  files.write(`${HOME}/etc/lists/2`, "content");
  const whole = await archives.take(changes, BYTES_MAX);
  assert.equal(whole.written.changes.missing.size, 2);
  without.release();
  whole.release();
  archives.clear();
  assert.equal(left(), 0);
});

test("what could not be packed fails for all that wait, and is tried again", async () => {
  const { archives, files, left, packed } = bench();
  const changes = lacking("etc/lists/1");
  const { open } = files;
  Object.assign(files, {
    open: () => {
      throw new CodedError("file_disk_full", "no space left");
    },
  });
  const both = [archives.take(changes, BYTES_MAX), archives.take(changes, BYTES_MAX)];
  for (const one of both) await assert.rejects(one, { code: "file_disk_full" });
  Object.assign(files, { open });
  const archive = await archives.take(changes, BYTES_MAX);
  assert.equal(packed(), 2);
  archive.release();
  archives.clear();
  assert.equal(left(), 0);
});
