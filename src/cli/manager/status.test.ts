/** Goal: a user sees that events were set aside. Method: the state file of a manager that runs (this process) in a temporary home. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type HomePaths, homePaths, prepareHome, releaseLock, takeLock } from "#daemons/home.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { fakeProcess, runCommand } from "../environment.fixture.ts";

const HOME = mkdtempSync(join(tmpdir(), "cyb3rhq-status-"));
const PATHS: HomePaths = homePaths(HOME);
prepareHome(systemFiles, PATHS);
after(() => rmSync(HOME, { recursive: true }));

async function statusWith(counters: Readonly<Record<string, number>>, more: object = {}): Promise<string> {
  systemFiles.replace(PATHS.state, Buffer.from(JSON.stringify({ ...more, counters })));
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

test("status says how long the certificates of enrollment are valid", async () => {
  const DAY_MS = 86_400_000;
  const nowMs = fakeProcess([]).clock.wallMs();
  const certificate = (role: string, days: number) => ({
    role,
    path: "/x.pem",
    expiresMs: nowMs + days * DAY_MS,
  });
  const certificates = [
    certificate("manager", 400),
    certificate("agent_authority", 7),
    certificate("manager", -1),
  ];
  const text = await statusWith({}, { certificates });
  for (const line of [
    "certificate (manager): 400 days left  /x.pem",
    "certificate (agent authority): 7 days left RENEW IT  /x.pem",
    "certificate (manager): -1 days left EXPIRED  /x.pem",
  ])
    assert(text.includes(`\n${line}\n`), text);
});

test("status says nothing of dead letters when there are none", async () => {
  assert(!(await statusWith({ events_analysed: 9 })).includes("dead letters"));
});

test("status shows where the manager listens, IPv6 addresses in brackets", async () => {
  const ports = [
    { host: "127.0.0.1", port: 1515, purpose: "agents enrol (TLS)" },
    { host: "::", port: 1514, purpose: "agents report (TCP)" },
  ];
  const text = await statusWith({}, { ports });
  assert(text.includes("\n  127.0.0.1:1515         agents enrol (TLS)\n"), text);
  assert(text.includes("\n  [::]:1514              agents report (TCP)\n"), text);
});
