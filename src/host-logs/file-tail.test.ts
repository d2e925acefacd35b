/**
 * Goal: every line that is written to a log is sent once, whatever rotation does to the file. Method: files in memory that a test
 * appends to, renames and truncates between two polls; a sink that keeps what it gets and can be full.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "#testing/clock.ts";
import { FakeFiles } from "#testing/files.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import { SeededRandom } from "#testing/random.ts";
import { HostLogEvents } from "./events.ts";
import { FileTail, type StartAt } from "./file-tail.ts";
import { FakeSink } from "./fixture.ts";
import { LINE_BYTES_MAX, ORPHAN_POLLS_MAX, POLL_BYTES_MAX, READ_BYTES } from "./limits.ts";
import { type LineFormat, parseLineFormat } from "./log-lines.ts";

const PATH = "/var/log/auth.log";

class Fixture {
  readonly files = new FakeFiles();
  readonly clock = new FakeClock();
  readonly sink = new FakeSink();
  readonly log = new RecordingLog();
  readonly metrics = new RecordingMetrics();
  readonly events = new HostLogEvents(this);

  tail(startAt: StartAt = "start", format = "syslog"): FileTail {
    const parsed: LineFormat = parseLineFormat(format) ?? { kind: "line" };
    return new FileTail(this, { path: PATH, format: parsed, startAt, expected: true });
  }

  append(text: string, path = PATH): void {
    this.files.open(path, "append").write(Buffer.from(text, "latin1"));
  }
}

test("FileTail sends whole lines as events of this host, and waits for the rest of a line", () => {
  const fixture = new Fixture();
  fixture.append("old\n");
  const tail = fixture.tail("end");
  tail.poll();
  for (const text of ["fir", "st\nsec", "ond", "\nthird\n"]) {
    fixture.append(text);
    tail.poll();
  }
  assert.deepEqual(fixture.sink.messages, ["first", "second", "third"]);
  assert.deepEqual(fixture.sink.events[0], {
    receivedMs: fixture.clock.wallMs(),
    queue: "1",
    agentId: "000",
    locationPrefix: "",
    location: Buffer.from(PATH),
    message: "first",
  });
  assert.deepEqual(fixture.log.texts("info"), [`(1950): Analyzing file: '${PATH}'.`]);
});

test("FileTail goes on at a saved position of the same file, and from the start of another", () => {
  const fixture = new Fixture();
  fixture.append("one\ntwo\n");
  const first = fixture.tail();
  first.poll();
  const saved = first.position;
  first.close();
  assert.ok(saved);
  fixture.append("three\n");
  fixture.tail(saved).poll();
  assert.deepEqual(fixture.sink.messages, ["one", "two", "three"]);

  fixture.files.rename(PATH, `${PATH}.1`);
  fixture.append("a much longer first line of the next file\n");
  fixture.tail(saved).poll();
  assert.equal(fixture.sink.messages.at(-1), "a much longer first line of the next file");
  fixture.files.open(PATH, "update").truncate(0);
  fixture.append("x\n");
  fixture.tail({ inode: fixture.files.info(PATH)?.inode ?? 0, offset: 1000 }).poll();
  assert.equal(fixture.sink.messages.at(-1), "x", "a position behind the end");
});

test("FileTail reads a renamed file to its end while its writer still has it, then the new one", () => {
  const fixture = new Fixture();
  const tail = fixture.tail();
  fixture.append("1\n");
  tail.poll();
  fixture.files.rename(PATH, `${PATH}.1`);
  fixture.append("2\n", `${PATH}.1`);
  tail.poll(); // nothing under the name yet
  fixture.append("", PATH);
  fixture.append("3\n", `${PATH}.1`);
  tail.poll(); // an empty successor
  fixture.append("5\n");
  fixture.append("4 without an end", `${PATH}.1`);
  tail.poll();
  tail.poll();
  fixture.append("6\n");
  tail.poll();
  assert.deepEqual(fixture.sink.messages, ["1", "2", "3", "4 without an end", "5", "6"]);
});

test("FileTail leaves a file without successor after a while and takes up what appears later", () => {
  const fixture = new Fixture();
  const tail = fixture.tail();
  fixture.append("1\n");
  tail.poll();
  fixture.files.remove(PATH);
  for (let poll = 0; poll < ORPHAN_POLLS_MAX; poll++) {
    assert.ok(tail.position, "it still holds the removed file");
    tail.poll();
  }
  assert.equal(tail.position, null);
  fixture.append("2\n");
  tail.poll();
  assert.deepEqual(fixture.sink.messages, ["1", "2"]);
});

test("FileTail starts again when the file is truncated", () => {
  const fixture = new Fixture();
  const tail = fixture.tail();
  fixture.append("a long line before\n");
  tail.poll();
  fixture.files.open(PATH, "update").truncate(0);
  fixture.append("new\n");
  while (tail.poll());
  assert.deepEqual(fixture.sink.messages, ["a long line before", "new"]);
  assert.match(fixture.log.texts("info").at(-1) ?? "", /was truncated/);
});

test("FileTail says once that a file is missing or denied, and reads it when it can", () => {
  const fixture = new Fixture();
  const tail = fixture.tail("end");
  tail.poll();
  tail.poll();
  assert.deepEqual(fixture.log.texts("warning"), [
    `(1103): Could not open file '${PATH}' due to [file_not_found].`,
  ]);
  fixture.append("new\n");
  tail.poll();
  assert.deepEqual(fixture.sink.messages, ["new"], "a file that appears later is read from its start");

  const denied = new Fixture();
  denied.append("old\n");
  denied.files.deny(PATH);
  const deniedTail = denied.tail("end");
  deniedTail.poll();
  deniedTail.poll();
  assert.equal(denied.log.texts("warning").length, 1);
  assert.match(denied.log.texts("warning")[0] ?? "", /file_access_denied/);
});

test("FileTail reads nothing while the sink has pressure, and sends again what it refused", () => {
  const fixture = new Fixture();
  const tail = fixture.tail();
  fixture.append("1\n2\n3\n4\n");
  fixture.sink.pressure = "high";
  tail.poll();
  assert.deepEqual(fixture.sink.messages, []);
  fixture.sink.pressure = "none";
  fixture.sink.room = 2;
  tail.poll();
  assert.equal(tail.position?.offset, 4);
  fixture.sink.room = Number.POSITIVE_INFINITY;
  tail.poll();
  assert.deepEqual(fixture.sink.messages, ["1", "2", "3", "4"]);
});

test("FileTail does not leave a rotated file while the sink takes nothing", () => {
  const fixture = new Fixture();
  const tail = fixture.tail();
  fixture.append("1\n");
  tail.poll();
  fixture.append("2\n");
  fixture.files.rename(PATH, `${PATH}.1`);
  fixture.append("3\n");
  fixture.sink.pressure = "full";
  for (let poll = 0; poll < 2 * ORPHAN_POLLS_MAX; poll++) tail.poll();
  fixture.sink.pressure = "none";
  for (let poll = 0; poll < 4; poll++) tail.poll();
  assert.deepEqual(fixture.sink.messages, ["1", "2", "3"]);
});

test("FileTail keeps the last line of a rotated file until the sink takes it", () => {
  const fixture = new Fixture();
  const tail = fixture.tail();
  fixture.append("without an end");
  tail.poll();
  fixture.files.rename(PATH, `${PATH}.1`);
  fixture.append("next\n");
  fixture.sink.room = 0;
  for (let poll = 0; poll < 5; poll++) tail.poll();
  fixture.sink.room = Number.POSITIVE_INFINITY;
  for (let poll = 0; poll < 2; poll++) tail.poll();
  assert.deepEqual(fixture.sink.messages, ["without an end", "next"]);
});

test("FileTail cuts a line that is too long and skips its rest, however it arrives", () => {
  const long = "L".repeat(LINE_BYTES_MAX);
  for (const rest of [1, 1000, READ_BYTES, 2 * READ_BYTES + 7]) {
    for (const pieces of [1, 3]) {
      const fixture = new Fixture();
      const tail = fixture.tail();
      const text = `short\n${long}${"R".repeat(rest)}\nnext\n`;
      const size = Math.ceil(text.length / pieces);
      for (let at = 0; at < text.length; at += size) {
        fixture.append(text.slice(at, at + size));
        tail.poll();
      }
      assert.deepEqual(fixture.sink.messages, ["short", long, "next"], `${rest} bytes in ${pieces} pieces`);
      assert.equal(fixture.metrics.get("host_logs_lines_cut"), 1);
    }
  }
});

test("FileTail reads a large file in bounded turns, joined lines too", () => {
  for (const [format, lines] of [
    ["syslog", 1],
    ["multi-line:3", 3],
  ] as const) {
    const fixture = new Fixture();
    const tail = fixture.tail("start", format);
    const line = `${"m".repeat(99)}\n`;
    fixture.append(line.repeat(30_000));
    let polls = 1;
    while (tail.poll()) polls++;
    assert.equal(fixture.sink.messages.length, 30_000 / lines, format);
    assert.equal(polls, Math.ceil((30_000 * 100) / POLL_BYTES_MAX), format);
  }
});

test("FileTail: every line once and in order under random writes, rotations and polls", () => {
  for (let seed = 0; seed < 50; seed++) {
    const random = new SeededRandom(seed);
    const fixture = new Fixture();
    const tail = fixture.tail();
    fixture.append("");
    tail.poll();
    const sent: string[] = [];
    let rotations = 0;
    for (let step = 0; step < 100; step++) {
      const kind = random.below(6);
      if (kind < 3) {
        sent.push(`${step}`);
        fixture.append(`${step}\n`);
      } else if (kind < 5) {
        fixture.sink.room = random.below(3) === 0 ? fixture.sink.messages.length : Number.POSITIVE_INFINITY;
        tail.poll();
      } else {
        // A rotation that comes before the last one was noticed would lose its file: logs are not rotated every second.
        fixture.sink.room = Number.POSITIVE_INFINITY;
        tail.poll();
        tail.poll();
        fixture.files.rename(PATH, `${PATH}.${++rotations}`);
        fixture.append("");
      }
    }
    fixture.sink.room = Number.POSITIVE_INFINITY;
    for (let poll = 0; poll < 3; poll++) tail.poll();
    assert.deepEqual(fixture.sink.messages, sent, `seed ${seed}`);
  }
});
