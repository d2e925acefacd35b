/** Goal: a user sees that events were set aside. Method: the state file of a manager that runs (this process) in a temporary home. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type HomePaths, homePaths, prepareHome, releaseLock, takeLock } from "#daemons/home.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { runCommand } from "../environment.fixture.ts";

const HOME = mkdtempSync(join(tmpdir(), "cyb3rhq-status-"));
const PATHS: HomePaths = homePaths(HOME);
prepareHome(systemFiles, PATHS);
after(() => rmSync(HOME, { recursive: true }));

async function statusWith(counters: Readonly<Record<string, number>>): Promise<string> {
  systemFiles.replace(PATHS.state, Buffer.from(JSON.stringify({ counters })));
  takeLock(systemFiles, PATHS, process.pid);
  try {
    const { stdout, exitCode } = await runCommand(["status", "--home", HOME], { files: systemFiles });
    assert.equal(exitCode, 0);
    return stdout.text;
  } finally {
    releaseLock(systemFiles, PATHS);
  }
}

test("status says how many events could not be analysed, and where they are", async () => {
  const text = await statusWith({ events_analysed: 9, events_failed: 2 });
  const line = `\ndead letters: 2 events could not be analysed since the start; see ${PATHS.deadLetters}\n`;
  assert(text.includes(line), text);
  assert.match(text, /\n {2}events_failed +2\n/);
});

test("status says nothing of dead letters when there are none", async () => {
  assert(!(await statusWith({ events_analysed: 9 })).includes("dead letters"));
});
