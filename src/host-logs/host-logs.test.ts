/**
 * Goal: the right sources are read, and after a restart each line was sent at least once and not again when its position was kept.
 * Method: files, clock and processes in memory; a restart is a second `HostLogs` on the same files.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "#testing/clock.ts";
import { FakeFiles } from "#testing/files.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import { FakeProcesses } from "#testing/processes.ts";
import { SeededRandom } from "#testing/random.ts";
import { HostLogEvents } from "./events.ts";
import { FakeSink } from "./fixture.ts";
import { HostLogs, type LocalFile } from "./host-logs.ts";
import { DISCOVER_PERIOD_MS, FILES_MAX, ORPHAN_POLLS_MAX, POLL_PERIOD_MS, SAVE_PERIOD_MS } from "./limits.ts";
import { formatPositions, parsePositions } from "./saved-positions.ts";

const DIRECTORY = "/home/queue/host-logs";
const OFFSETS = `${DIRECTORY}/offsets.json`;

class Fixture {
  readonly files: FakeFiles;
  readonly clock = new FakeClock();
  readonly processes = new FakeProcesses();
  readonly sink = new FakeSink();
  readonly log = new RecordingLog();
  readonly metrics = new RecordingMetrics();
  readonly events = new HostLogEvents(this);

  constructor(files = new FakeFiles()) {
    this.files = files;
    files.makeDirectory("/var/log");
  }

  start(localFiles: readonly LocalFile[] = []): HostLogs {
    const hostLogs = new HostLogs(this, { directory: DIRECTORY, localFiles });
    hostLogs.start();
    return hostLogs;
  }

  append(path: string, text: string): void {
    this.files.open(path, "append").write(Buffer.from(text, "latin1"));
  }

  poll(): void {
    this.clock.advance(POLL_PERIOD_MS);
  }

  sent(): string[] {
    return this.sink.events.map(({ location, message }) => `${location}: ${message}`);
  }
}

test("HostLogs reads the usual files from their end where there is no journald", () => {
  const fixture = new Fixture();
  for (const name of ["auth.log", "dpkg.log", "other.log"]) fixture.append(`/var/log/${name}`, "old\n");
  fixture.start();
  for (const name of ["auth.log", "dpkg.log", "other.log"]) fixture.append(`/var/log/${name}`, "new\n");
  fixture.poll();
  assert.deepEqual(fixture.sent().toSorted(), ["/var/log/auth.log: new", "/var/log/dpkg.log: new"]);
  assert.equal(fixture.processes.started.length, 0);
  assert.deepEqual(fixture.log.texts("warning"), [], "usual files that are missing are no news");
});

test("HostLogs reads journald instead of a syslog daemon's files, and still what programs write themselves", () => {
  const fixture = new Fixture();
  fixture.files.makeDirectory("/run/systemd/journal");
  fixture.start();
  assert.deepEqual(fixture.processes.last.args, ["--version"]);
  fixture.processes.last.end(0);
  assert.ok(fixture.processes.last.args.includes("--follow"));
  fixture.append("/var/log/auth.log", "twice\n");
  fixture.append("/var/log/dpkg.log", "once\n");
  fixture.poll();
  assert.deepEqual(fixture.sent(), ["/var/log/dpkg.log: once"]);
});

test("HostLogs falls back to files when journalctl does not run", () => {
  const fixture = new Fixture();
  fixture.files.makeDirectory("/run/systemd/journal");
  fixture.start();
  fixture.processes.last.end(null);
  fixture.poll();
  fixture.append("/var/log/auth.log", "line\n");
  fixture.poll();
  assert.deepEqual(fixture.sent(), ["/var/log/auth.log: line"]);
});

test("HostLogs reads the files of the configuration in their format", () => {
  const fixture = new Fixture();
  fixture.append("/srv/app.json", "");
  fixture.append("/srv/\u00e9.log", "");
  fixture.start([
    { location: "/srv/app.json", format: "json" },
    { location: "/srv/\u00e9.log", format: "syslog" },
    { location: "/srv/missing.log", format: "syslog" },
    { location: "/srv/x", format: "eventchannel" },
    { location: "relative.log", format: "syslog" },
    { location: "/srv/*/deep.log", format: "syslog" },
  ]);
  fixture.append("/srv/app.json", 'text\n{"a":1}\n');
  fixture.append("/srv/\u00e9.log", "line\n");
  fixture.poll();
  assert.deepEqual(fixture.sent(), ['/srv/app.json: {"a":1}', "/srv/\u00e9.log: line"]);
  assert.equal(fixture.log.texts("warning").length, 4);
});

test("HostLogs follows journald once when the configuration names it", () => {
  const fixture = new Fixture();
  fixture.files.makeDirectory("/run/systemd/journal");
  fixture.start([{ location: "", format: "journald" }]);
  for (const process of [...fixture.processes.started]) if (process.args[0] === "--version") process.end(0);
  assert.equal(fixture.processes.started.filter(({ args }) => args.includes("--follow")).length, 1);
});

test("HostLogs finds the files of a wildcard: old ones from their end, new ones from their start", () => {
  const fixture = new Fixture();
  fixture.files.makeDirectory("/srv");
  fixture.append("/srv/a.log", "old\n");
  fixture.start([{ location: "/srv/*.log", format: "syslog" }]);
  fixture.append("/srv/a.log", "a\n");
  fixture.append("/srv/b.log", "b\n");
  fixture.append("/srv/b.txt", "no\n");
  fixture.clock.advance(DISCOVER_PERIOD_MS + POLL_PERIOD_MS);
  assert.deepEqual(fixture.sent(), ["/srv/a.log: a", "/srv/b.log: b"]);

  fixture.files.remove("/srv/b.log");
  fixture.clock.advance(ORPHAN_POLLS_MAX * POLL_PERIOD_MS + 2 * DISCOVER_PERIOD_MS);
  fixture.append("/srv/b.log", "b again\n");
  fixture.clock.advance(DISCOVER_PERIOD_MS + POLL_PERIOD_MS);
  assert.equal(fixture.sent().at(-1), "/srv/b.log: b again");
});

test("HostLogs reads so many files and no more", () => {
  const fixture = new Fixture();
  fixture.files.makeDirectory("/srv");
  for (let count = 0; count <= FILES_MAX; count++) fixture.append(`/srv/${count}`, "");
  fixture.start([{ location: "/srv/*", format: "syslog" }]);
  fixture.clock.advance(2 * DISCOVER_PERIOD_MS);
  const lines = fixture.log.texts("warning");
  assert.deepEqual(lines, [`File limit has been reached (${FILES_MAX}).`]);
});

test("HostLogs keeps positions only when what was read is durable", () => {
  const fixture = new Fixture();
  fixture.append("/var/log/syslog", "");
  fixture.start();
  fixture.append("/var/log/syslog", "1\n");
  fixture.clock.advance(SAVE_PERIOD_MS + POLL_PERIOD_MS);
  assert.equal(fixture.files.info(OFFSETS), null);
  fixture.sink.sync();
  assert.ok(fixture.files.info(OFFSETS));

  fixture.append("/var/log/syslog", "2\n");
  fixture.poll();
  const crashed = new Fixture(fixture.files);
  crashed.start();
  crashed.poll();
  assert.deepEqual(
    crashed.sent(),
    ["/var/log/syslog: 2"],
    "what was not durable is read again, the rest is not",
  );
});

test("HostLogs stops with its positions kept: nothing is lost or doubled by a restart", () => {
  const files = new FakeFiles();
  files.makeDirectory("/run/systemd/journal");
  const fixture = new Fixture(files);
  fixture.append("/var/log/dpkg.log", "");
  const hostLogs = fixture.start();
  fixture.processes.last.end(0);
  const entry = { __CURSOR: "c1", __REALTIME_TIMESTAMP: "1", _HOSTNAME: "h", _COMM: "p", MESSAGE: "m" };
  fixture.processes.last.output(`${JSON.stringify(entry)}\n`);
  fixture.append("/var/log/dpkg.log", "1\n");
  fixture.clock.advance(SAVE_PERIOD_MS); // this save still waits when the next is made
  fixture.append("/var/log/dpkg.log", "2\nhalf");
  fixture.poll();
  hostLogs.stop();
  fixture.sink.sync();
  assert.equal(fixture.clock.pendingTimers, 0);

  fixture.append("/var/log/dpkg.log", " line\n");
  const second = new Fixture(files);
  const stopped = second.start();
  second.poll();
  assert.deepEqual(second.sent(), ["/var/log/dpkg.log: half line"]);
  stopped.stop(); // before journalctl has answered
  second.sink.sync();
  const third = new Fixture(files);
  third.start();
  third.processes.last.end(0);
  assert.equal(third.processes.last.args.at(-1), "--after-cursor=c1");
});

test("HostLogs begins at the end when its positions cannot be read, and goes on when they cannot be kept", () => {
  const fixture = new Fixture();
  fixture.files.makeDirectory(DIRECTORY);
  fixture.files.write(OFFSETS, "nonsense");
  fixture.append("/var/log/syslog", "old\n");
  fixture.start();
  assert.match(fixture.log.texts("warning")[0] ?? "", /read from their end/);
  fixture.files.freeSpace = 0;
  fixture.clock.advance(SAVE_PERIOD_MS);
  fixture.sink.sync();
  assert.equal(fixture.metrics.get("host_logs_save_failures"), 1);
  fixture.files.freeSpace = 1e6;
  fixture.clock.advance(SAVE_PERIOD_MS);
  fixture.sink.sync();
  assert.ok(parsePositions(fixture.files.text(OFFSETS)));
});

test("parsePositions() reads what formatPositions() wrote, and gives null for anything else", () => {
  const positions = { files: new Map([["/var/log/\u00e9", { inode: 7, offset: 9 }]]), journaldCursor: "s=1" };
  const text = formatPositions(positions);
  assert.deepEqual(parsePositions(text), positions);
  const broken = [
    "",
    "{}",
    "null",
    '{"version":2,"files":{}}',
    '{"version":1}',
    '{"version":1,"files":{"a":{}}}',
  ];
  for (const other of broken) assert.equal(parsePositions(other), null, other);
  assert.equal(parsePositions(text.replace("9", "-9")), null);
  const random = new SeededRandom(11);
  for (let round = 0; round < 2000; round++) parsePositions(random.mutate(Buffer.from(text)).toString());
});
