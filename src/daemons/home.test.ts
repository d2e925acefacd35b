/** Goal: a home is made once and held by one manager. Method: a file system in memory; this process is the live holder. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { readManagerConfig } from "#config/manager-config.ts";
import { CodedError } from "#kernel/errors.ts";
import { FakeFiles } from "#testing/files.ts";
import { homePaths, lockHolder, prepareHome, releaseLock, takeLock } from "./home.ts";

const PATHS = homePaths("/home");
/** Above the kernel's largest pid: no such process. */
const DEAD_PID = 4_194_305;

test("prepareHome() makes the layout and a configuration without a problem, and touches nothing later", () => {
  const files = new FakeFiles();
  prepareHome(files, PATHS);
  assert.deepEqual(readManagerConfig(files.text(PATHS.config), PATHS.config).problems, []);
  assert.equal(files.info("/home/etc/shared/default")?.kind, "directory");
  files.write(PATHS.config, "<ossec_config/>");
  prepareHome(files, PATHS);
  assert.equal(files.text(PATHS.config), "<ossec_config/>");
});

test("prepareHome() says which directory cannot be written and what to do", () => {
  const files = new FakeFiles();
  files.deny("/home");
  assert.throws(
    () => prepareHome(files, PATHS),
    (error: unknown) =>
      error instanceof CodedError && error.code === "home_not_writable" && /--home DIR/.test(error.message),
  );
});

test("takeLock() refuses a second manager and takes over from a dead one", () => {
  const files = new FakeFiles();
  prepareHome(files, PATHS);
  assert.equal(lockHolder(files, PATHS), null);
  files.write(PATHS.lock, `${DEAD_PID} 12345\n`);
  takeLock(files, PATHS, process.pid);
  assert.deepEqual(lockHolder(files, PATHS), { pid: process.pid });
  assert.throws(
    () => takeLock(files, PATHS, process.pid),
    (error: unknown) =>
      error instanceof CodedError && error.code === "home_in_use" && error.message.includes("cyb3rhq stop"),
  );
  releaseLock(files, PATHS);
  assert.equal(lockHolder(files, PATHS), null);
});

test("lockHolder() does not take a process of the same pid for the holder", () => {
  const files = new FakeFiles();
  prepareHome(files, PATHS);
  files.write(PATHS.lock, `${process.pid} 1\n`); // started at another time
  assert.equal(lockHolder(files, PATHS), null);
  for (const text of ["", "x", "-1 5", "1e9 5", " \n"]) {
    files.write(PATHS.lock, text);
    assert.equal(lockHolder(files, PATHS), null, JSON.stringify(text));
  }
});

test("lockHolder() does not wait for a process that has ended and that its parent has not asked for", async (t) => {
  // The shell becomes a program that knows nothing of the child that it was given.
  const parent = spawn("sh", ["-c", "sleep 0.05 & echo $!; exec sleep 10"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  t.after(() => parent.kill("SIGKILL"));
  const [line] = await once(parent.stdout, "data");
  const pid = Number(String(line));
  const stat = () => readFileSync(`/proc/${pid}/stat`, "latin1").split(" ");
  const files = new FakeFiles();
  prepareHome(files, PATHS);
  files.write(PATHS.lock, `${pid} ${stat()[21]}\n`);
  assert.deepEqual(lockHolder(files, PATHS), { pid });
  while (stat()[2] !== "Z") await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(lockHolder(files, PATHS), null);
});
