/** Goal: a guarded move takes the very file, also to another file system, and writes over nothing. Method: real files. */
import assert from "node:assert/strict";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { CodedError } from "../errors.ts";
import { guardedFiles } from "./guarded-files.ts";

const OTHER_FILE_SYSTEM = "/dev/shm";

function temporary(context: TestContext, parent: string): string {
  const path = mkdtempSync(join(parent, "cyb3rhq-guarded-"));
  context.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function codeOf(act: () => unknown): string {
  try {
    act();
    return "done";
  } catch (error) {
    assert(error instanceof CodedError, String(error));
    return error.code;
  }
}

test("guardedFiles moves a file to another file system and back, with its mode", (context) => {
  const from = temporary(context, tmpdir());
  const hasOther = lstatSync(OTHER_FILE_SYSTEM, { throwIfNoEntry: false })?.dev !== lstatSync(from).dev;
  if (!hasOther) return context.skip("no second file system here");
  const to = join(temporary(context, OTHER_FILE_SYSTEM), "kept");
  const path = join(from, "file");
  writeFileSync(path, "content", { mode: 0o751 });
  const moved = guardedFiles.takeAway(path, to, () => "item");
  assert.deepEqual([moved.bytes, moved.mode & 0o700], [7, 0o700]);
  assert.equal(lstatSync(path, { throwIfNoEntry: false }), undefined);
  assert.equal(readFileSync(join(to, "item"), "latin1"), "content");
  writeFileSync(path, "another");
  assert.equal(
    codeOf(() => guardedFiles.putBack({ directory: to, name: "item" }, path)),
    "file_exists",
  );
  rmSync(path);
  guardedFiles.putBack({ directory: to, name: "item" }, path);
  assert.equal(readFileSync(path, "latin1"), "content");
  assert.equal(lstatSync(path).mode & 0o777, moved.mode);
  assert.equal(lstatSync(join(to, "item"), { throwIfNoEntry: false }), undefined);
});

test("guardedFiles leaves alone what took the file's place meanwhile", (context) => {
  const from = temporary(context, tmpdir());
  const to = join(from, "kept");
  const path = join(from, "file");
  writeFileSync(path, "content");
  symlinkSync("/etc/passwd", join(from, "planted"));
  // The name is asked for between the look at the file and its move: an attacker's moment.
  const take = () =>
    guardedFiles.takeAway(path, to, () => {
      renameSync(join(from, "planted"), path);
      return "item";
    });
  assert.equal(codeOf(take), "changed_meanwhile");
  assert.equal(lstatSync(path).isSymbolicLink(), true);
  assert.equal(lstatSync(join(to, "item"), { throwIfNoEntry: false }), undefined);
});

test("guardedFiles stays in the folder that it opened when its name is given to another", (context) => {
  const from = temporary(context, tmpdir());
  const to = join(from, "kept");
  mkdirSync(join(from, "folder"));
  mkdirSync(join(from, "other"));
  writeFileSync(join(from, "folder/file"), "mine");
  writeFileSync(join(from, "other/file"), "theirs");
  guardedFiles.takeAway(join(from, "folder/file"), to, () => {
    renameSync(join(from, "folder"), join(from, "moved"));
    renameSync(join(from, "other"), join(from, "folder"));
    return "item";
  });
  assert.equal(readFileSync(join(to, "item"), "latin1"), "mine");
  assert.equal(readFileSync(join(from, "folder/file"), "latin1"), "theirs");
});

test("guardedFiles keeps private files in a folder of one user only", (context) => {
  const from = temporary(context, tmpdir());
  const directory = join(from, "private");
  guardedFiles.writePrivate(directory, "a", Buffer.from("x"));
  assert.equal(
    codeOf(() => guardedFiles.writePrivate(directory, "a", Buffer.from("y"))),
    "file_exists",
  );
  assert.equal(guardedFiles.readPrivate(directory, "a").toString(), "x");
  assert.deepEqual(
    [lstatSync(directory).mode & 0o777, lstatSync(join(directory, "a")).mode & 0o777],
    [0o700, 0o600],
  );
  guardedFiles.removePrivate(directory, "a");
  assert.equal(
    codeOf(() => guardedFiles.readPrivate(directory, "a")),
    "file_not_found",
  );
  mkdirSync(join(from, "open"), { mode: 0o750 });
  assert.equal(
    codeOf(() => guardedFiles.readPrivate(join(from, "open"), "a")),
    "directory_unsafe",
  );
});
