/**
 * Goal: a reader that goes away ends a command quietly, anything else that hinders writing does not pass unseen, and a slow reader is
 * waited for. Method: streams of the test's own, then the real program with its output closed early and with a full device.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { PROGRAM_DIRECTORY } from "#kernel/platform/program-places.ts";
import { StreamOutput } from "./node-environment.ts";

const MAIN = `${PROGRAM_DIRECTORY}/src/cli/main.ts`;

function failureOf(code: string): Error {
  return Object.assign(new Error(`write ${code}`), { code });
}

test("StreamOutput waits for a slow reader", async () => {
  const stream = new PassThrough({ highWaterMark: 4 });
  const output = new StreamOutput(stream, false, () => {});
  output.write("\xff12345");
  let went = false;
  const ready = output.ready().then(() => {
    went = true;
  });
  await Promise.resolve();
  assert.equal(went, false);
  assert.deepEqual(stream.read(), Buffer.from("\xff12345", "latin1"));
  await ready;
  assert.equal(output.closed, false);
});

test("StreamOutput takes a reader that went away for the end", async () => {
  const failures: string[] = [];
  const stream = new PassThrough({ highWaterMark: 1 });
  const output = new StreamOutput(stream, false, (reason) => failures.push(reason));
  output.write("more than fits");
  const ready = output.ready();
  stream.destroy(failureOf("EPIPE"));
  await ready;
  assert.equal(output.closed, true);
  output.write("ignored");
  await output.ready();
  assert.deepEqual(failures, []);
});

test("StreamOutput tells of other failures", async () => {
  const failures: string[] = [];
  const stream = new PassThrough({ highWaterMark: 1 });
  const output = new StreamOutput(stream, false, (reason) => failures.push(reason));
  output.write("more than fits");
  const ready = output.ready();
  stream.destroy(failureOf("ENOSPC"));
  await ready;
  assert.deepEqual(failures, ["write ENOSPC"]);
});

/** Runs a line of bash in which `cyb3rhq` is the program. */
function shell(line: string) {
  const command = `set -o pipefail; cyb3rhq() { "${process.execPath}" "${MAIN}" "$@"; }; ${line}`;
  return spawnSync("bash", ["-c", command], { encoding: "utf8" });
}

test("the program ends quietly when nobody reads its output", () => {
  const early = shell(
    "(yes 'a log line' 2>/dev/null || true) | cyb3rhq replay --archives - | head -n 1 | wc -l",
  );
  assert.equal(early.stdout.trim(), "1");
  assert.equal(early.stderr, "");
  assert.equal(early.status, 0);
});

test("the program says that its output cannot be written", () => {
  const { status, stderr } = shell("cyb3rhq version > /dev/full");
  assert.equal(status, 1);
  assert.match(stderr, /^cyb3rhq: cannot write the output: .*ENOSPC/);
});
