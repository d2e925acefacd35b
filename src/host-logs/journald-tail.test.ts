/**
 * Goal: each journal entry is sent once as a syslog line, over restarts of journalctl and fullness of the sink. Method: the entry's
 * JSON as journalctl writes it, given by a process that the test plays; output cut at every position.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "#testing/clock.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import { FakeProcesses } from "#testing/processes.ts";
import { SeededRandom } from "#testing/random.ts";
import { HostLogEvents } from "./events.ts";
import { FakeSink } from "./fixture.ts";
import { parseJournaldEntry, syslogTime } from "./journald-entry.ts";
import { JournaldTail } from "./journald-tail.ts";
import { ENTRY_BYTES_MAX, LINE_BYTES_MAX, RESTART_DELAY_MS_MAX, RESTART_DELAY_MS_MIN } from "./limits.ts";

const WALL_MS = new Date(2026, 2, 5, 7, 8, 9).getTime();

function entry(cursor: string, fields: Readonly<Record<string, unknown>> = {}): string {
  return `${JSON.stringify({
    __CURSOR: cursor,
    __REALTIME_TIMESTAMP: String(WALL_MS * 1000),
    _HOSTNAME: "web",
    SYSLOG_IDENTIFIER: "sshd",
    _PID: "42",
    MESSAGE: "hello",
    ...fields,
  })}\n`;
}

class Fixture {
  readonly clock = new FakeClock();
  readonly processes = new FakeProcesses();
  readonly sink = new FakeSink();
  readonly log = new RecordingLog();
  readonly metrics = new RecordingMetrics();
  readonly events = new HostLogEvents(this);

  tail(cursor: string | null = null): JournaldTail {
    const tail = new JournaldTail(this, cursor);
    tail.start();
    return tail;
  }
}

test("parseJournaldEntry() makes the line of a syslog daemon", () => {
  const cases: readonly [string, Readonly<Record<string, unknown>>, string | null][] = [
    ["plain", {}, "Mar 05 07:08:09 web sshd[42]: hello"],
    ["syslog pid first", { SYSLOG_PID: "7" }, "Mar 05 07:08:09 web sshd[7]: hello"],
    ["no pid", { _PID: undefined }, "Mar 05 07:08:09 web sshd: hello"],
    ["command name", { SYSLOG_IDENTIFIER: undefined, _COMM: "cron" }, "Mar 05 07:08:09 web cron[42]: hello"],
    ["UTF-8", { MESSAGE: "\u00e9" }, "Mar 05 07:08:09 web sshd[42]: \xc3\xa9"],
    ["bytes", { MESSAGE: [104, 233] }, "Mar 05 07:08:09 web sshd[42]: h\xe9"],
    ["several values", { MESSAGE: ["first", "second"] }, "Mar 05 07:08:09 web sshd[42]: first"],
    ["no message", { MESSAGE: null }, null],
    ["no program", { SYSLOG_IDENTIFIER: undefined }, null],
    ["no host", { _HOSTNAME: undefined }, null],
    ["no bytes", { MESSAGE: [104, 256] }, null],
    ["no time", { __REALTIME_TIMESTAMP: "x" }, null],
  ];
  for (const [name, fields, line] of cases) {
    assert.deepEqual(parseJournaldEntry(Buffer.from(entry("c", fields))), { cursor: "c", line }, name);
  }
});

test("parseJournaldEntry() refuses what is no entry, and never throws", () => {
  for (const text of ["", "{", "[]", "1", "null", "{}", '{"__CURSOR":1}', '{"__CURSOR":"a b"}']) {
    assert.equal(parseJournaldEntry(Buffer.from(text)), null, text);
  }
  const random = new SeededRandom(5);
  const whole = Buffer.from(entry("s=1;i=2", { MESSAGE: [1, 2, 3] }));
  for (let round = 0; round < 2000; round++) parseJournaldEntry(random.mutate(whole));
});

test("syslogTime() writes English months and two digits in the local zone", () => {
  assert.equal(syslogTime(new Date(2026, 11, 31, 23, 59, 58).getTime()), "Dec 31 23:59:58");
  assert.equal(syslogTime(new Date(2026, 0, 1, 0, 0, 0).getTime()), "Jan 01 00:00:00");
});

test("JournaldTail sends the same entries wherever the output is cut", () => {
  const output = entry("a", { MESSAGE: "1" }) + entry("b", { MESSAGE: null }) + entry("c", { MESSAGE: "3" });
  const expected = ["Mar 05 07:08:09 web sshd[42]: 1", "Mar 05 07:08:09 web sshd[42]: 3"];
  for (let cut = 0; cut <= output.length; cut++) {
    const fixture = new Fixture();
    const tail = fixture.tail();
    fixture.processes.last.output(output.slice(0, cut));
    fixture.processes.last.output(output.slice(cut));
    assert.deepEqual(fixture.sink.messages, expected, `cut at ${cut}`);
    assert.equal(tail.cursor, "c");
  }
});

test("JournaldTail begins now, or behind the cursor", () => {
  const fixture = new Fixture();
  fixture.tail();
  const seconds = Math.floor(fixture.clock.wallMs() / 1000);
  assert.equal(fixture.processes.last.command, "journalctl");
  assert.equal(fixture.processes.last.args.at(-1), `--since=@${seconds}`);
  fixture.tail("s=1");
  assert.equal(fixture.processes.last.args.at(-1), "--after-cursor=s=1");
});

test("JournaldTail starts journalctl again behind the last entry, later each time, and soon after an entry", () => {
  const fixture = new Fixture();
  fixture.tail();
  fixture.processes.last.output(`${entry("a")}half an entry`);
  fixture.processes.last.end(1);
  fixture.clock.advance(RESTART_DELAY_MS_MIN - 1);
  assert.equal(fixture.processes.started.length, 1);
  fixture.clock.advance(1);
  assert.equal(fixture.processes.started.length, 2);
  assert.equal(fixture.processes.last.args.at(-1), "--after-cursor=a");
  fixture.processes.last.output(entry("b"));
  assert.equal(fixture.sink.messages.length, 2, "the half entry of the ended process is forgotten");

  fixture.processes.last.end(null);
  fixture.clock.advance(RESTART_DELAY_MS_MIN);
  fixture.processes.last.end(null);
  fixture.clock.advance(2 * RESTART_DELAY_MS_MIN);
  assert.equal(fixture.processes.started.length, 4);
  assert.equal(fixture.log.texts("warning").length, 2, "one line for each end after an entry");
});

test("JournaldTail forgets a cursor that journalctl refuses", () => {
  const fixture = new Fixture();
  fixture.tail("bad");
  for (let count = 0; count < 3; count++) {
    assert.equal(fixture.processes.last.args.at(-1), "--after-cursor=bad");
    fixture.processes.last.end(1);
    fixture.clock.advance(RESTART_DELAY_MS_MAX);
  }
  assert.match(fixture.processes.last.args.at(-1) ?? "", /^--since=@/);
});

test("JournaldTail pauses journalctl while the sink takes nothing", () => {
  const fixture = new Fixture();
  const tail = fixture.tail();
  fixture.sink.pressure = "high";
  fixture.processes.last.output(entry("a"));
  assert.equal(fixture.processes.last.paused, true);
  assert.deepEqual([fixture.sink.messages.length, tail.cursor], [0, null]);
  fixture.sink.pressure = "none";
  fixture.sink.room = 0;
  tail.poll();
  assert.equal(tail.cursor, null);
  fixture.sink.room = 1;
  tail.poll();
  assert.deepEqual([fixture.sink.messages.length, tail.cursor], [1, "a"]);
  assert.equal(fixture.processes.last.paused, false);
});

test("JournaldTail cuts a long message and drops an entry beyond its limit, in bounded memory", () => {
  const fixture = new Fixture();
  const tail = fixture.tail();
  fixture.processes.last.output(entry("a", { MESSAGE: "L".repeat(LINE_BYTES_MAX) }));
  assert.equal(fixture.sink.messages[0]?.length, LINE_BYTES_MAX);
  for (let count = 0; count < 40; count++) fixture.processes.last.output("x".repeat(ENTRY_BYTES_MAX / 16));
  fixture.processes.last.output(`rest\n${entry("b")}`);
  assert.equal(fixture.sink.messages.length, 2);
  assert.equal(tail.cursor, "b");
  assert.equal(fixture.metrics.get("host_logs_lines_discarded"), 1);
});

test("JournaldTail ends its process when it is stopped, and starts no other", () => {
  const fixture = new Fixture();
  const tail = fixture.tail();
  tail.stop();
  assert.equal(fixture.processes.last.stopped, true);
  fixture.processes.last.output(entry("a"));
  fixture.processes.last.end(0);
  fixture.clock.advance(RESTART_DELAY_MS_MAX);
  assert.deepEqual([fixture.processes.started.length, fixture.sink.messages.length], [1, 0]);
});
