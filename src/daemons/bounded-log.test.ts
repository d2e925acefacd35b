/** Goal: lines are kept and bounded. Method: files in memory, a disk that is full for a while. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeFiles } from "#testing/files.ts";
import { BoundedLog } from "./bounded-log.ts";

const MEBIBYTE = 1024 * 1024;

test("BoundedLog moves a large file away and begins another", () => {
  const files = new FakeFiles();
  files.makeDirectory("/logs");
  const log = new BoundedLog(files, "/logs/a");
  for (let count = 0; count < 16; count++) log.write("x".repeat(MEBIBYTE));
  log.write("next");
  assert.equal(files.read("/logs/a").toString(), "next\n");
  assert.equal(files.info("/logs/a.1")?.bytes, 16 * (MEBIBYTE + 1));
  log.close();
});

test("BoundedLog goes on after a full disk", () => {
  const files = new FakeFiles();
  files.makeDirectory("/logs");
  const log = new BoundedLog(files, "/logs/a");
  files.freeSpace = 0;
  log.write("lost");
  files.freeSpace = Number.POSITIVE_INFINITY;
  log.write("kept");
  assert.equal(files.read("/logs/a").toString(), "kept\n");
});
