/** Goal: a file is read by its name, and one that cannot be is a problem and no exception. Method: files in memory. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeFiles } from "#testing/files.ts";
import { readTestFile } from "./test-file.ts";

const files = new FakeFiles();
files.makeDirectory("/t/dir.yml");
files.write("/t/a.ini", "[A]\nlog 1 pass = x\nrule = 1\nalert = 1\ndecoder = d\n");
for (const name of ["b.yml", "b.yaml"]) {
  files.write(`/t/${name}`, "tests: [{name: n, log: x, expect: {none: true}}]");
}
files.write("/t/c.txt", "");
files.write("/t/large.yml", " ".repeat(4_194_305));

test("readTestFile() reads each kind of file", () => {
  for (const name of ["a.ini", "b.yml", "b.yaml"]) {
    const { tests, problems } = readTestFile(files, `/t/${name}`);
    assert.deepEqual([tests.length, problems.length], [1, 0], name);
  }
});

test("readTestFile() says what it cannot read", () => {
  const message = (name: string) =>
    readTestFile(files, `/t/${name}`).problems.map((problem) => problem.message);
  assert.deepEqual(message("c.txt"), ["no known kind of test file"]);
  assert.deepEqual(message("dir.yml"), ["is a directory"]);
  assert.deepEqual(message("large.yml"), ["larger than 4194304 bytes"]);
  assert.match(message("absent.yml")[0] ?? "", /^cannot be read: /);
});
