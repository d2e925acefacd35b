/** Goal: the version of the package, for people and programs. Method: both forms. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { systemFiles } from "#kernel/platform/files.ts";
import { PROGRAM_DIRECTORY } from "#kernel/platform/program-places.ts";
import { runCommand } from "../environment.fixture.ts";

const { version } = JSON.parse(systemFiles.read(`${PROGRAM_DIRECTORY}/package.json`).toString());

test("version prints one line", async () => {
  const { stdout, exitCode } = await runCommand(["version"], { files: systemFiles });
  assert.equal(stdout.text, `cyb3rhq ${version} (compatible with 4.14.7)\n`);
  assert.equal(exitCode, 0);
});

test("version --json prints one object", async () => {
  const { stdout } = await runCommand(["version", "--json"], { files: systemFiles });
  assert.deepEqual(JSON.parse(stdout.text), {
    name: "cyb3rhq",
    version,
    compatible: "4.14.7",
    node: process.versions.node,
  });
});
