/** Goal: one line a text, in the peer's form, and old logs moved away. Method: a clock that the test moves over days. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { FakeClock } from "#testing/clock.ts";
import { FakeFiles } from "#testing/files.ts";
import { ManagerLog } from "./manager-log.ts";
import { oneLine } from "./rotated-log.ts";

const DAY_MS = 86_400_000;

function newLog(): {
  readonly files: FakeFiles;
  readonly clock: FakeClock;
  readonly log: ManagerLog;
  readonly echoed: string[];
} {
  const files = new FakeFiles();
  const clock = new FakeClock(new Date(2026, 10, 20, 23, 59, 50).getTime());
  files.makeDirectory("/home/logs");
  const echoed: string[] = [];
  const log = new ManagerLog({
    files,
    clock,
    path: "/home/logs/ossec.log",
    archive: "/home/logs/cyb3rhq",
    echo: (_level, line) => echoed.push(line),
  });
  return { files, clock, log, echoed };
}

test("ManagerLog writes the peer's line, and debug only when asked", () => {
  const { files, log, echoed } = newLog();
  log.of("cyb3rhq-authd").write("info", "Started (pid: 1).");
  log.of("cyb3rhq-authd").write("debug", "not shown");
  log.of("cyb3rhq-authd", { debug: true }).write("debug", "shown");
  const expected = [
    "2026/11/20 23:59:50 cyb3rhq-authd: INFO: Started (pid: 1).\n",
    "2026/11/20 23:59:50 cyb3rhq-authd: DEBUG: shown\n",
  ];
  assert.equal(files.text("/home/logs/ossec.log"), expected.join(""));
  assert.deepEqual(echoed, expected);
});

test("oneLine() lets no control byte through: a text cannot forge a line or move a cursor", () => {
  assert.equal(
    oneLine("a\r\n2026/01/01 x: INFO: forged\x1b[2J\0"),
    "a\\x0d\\x0a2026/01/01 x: INFO: forged\\x1b[2J\\x00",
  );
});

test("ManagerLog moves the log of a day away, compressed, and removes it after a month", () => {
  const { files, clock, log } = newLog();
  log.of("a").write("info", "first day");
  clock.advance(20_000);
  files.nowMs = clock.wallMs();
  log.of("a").write("info", "second day");
  const moved = "/home/logs/cyb3rhq/2026/Nov/ossec-20.log.gz";
  assert.match(gunzipSync(files.read(moved)).toString("latin1"), /first day\n$/);
  assert.match(files.text("/home/logs/ossec.log"), /^2026\/11\/21 00:00:10 a: INFO: second day\n$/);
  clock.advance(40 * DAY_MS);
  log.of("a").write("info", "much later");
  assert.equal(files.info(moved), null);
});

test("ManagerLog goes on when the disk is full", () => {
  const { files, log, echoed } = newLog();
  files.freeSpace = 0;
  log.of("a").write("error", "no room");
  assert.equal(echoed.length, 1);
});
