/**
 * Goal: records land once, in order and whole in the file of their day and part, and a full disk makes the writer wait.
 * Method: the service over a disk and a clock in memory; days, ages, sizes and free space are set by the test.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CodedError } from "#kernel/errors.ts";
import type { Files, OpenFile } from "#kernel/ports/files.ts";
import { OUTPUT_BLOCK_BYTES } from "#model/output-block.ts";
import { FILE_DEFINITIONS } from "./day-files.ts";
import { ALL_KINDS, event, HOME, OutputHarness, record, recordText } from "./fixture.ts";

const CURSORS = "queue/output/cursors.json";
const SNAPSHOT = "queue/analysis/snapshot";
/** The same disk, on which open files and links behave otherwise. */
function changed(
  files: Files,
  {
    file = () => ({}),
    link = (from, to) => files.link(from, to),
  }: {
    file?: (file: OpenFile) => Partial<OpenFile>;
    link?: Files["link"];
  },
): Files {
  const open: Files["open"] = (...args) => {
    const opened = files.open(...args);
    return { ...opened, ...file(opened) };
  };
  return new Proxy(files, {
    get: (target, name) => {
      if (name === "open") return open;
      if (name === "link") return link;
      return Reflect.get(target, name, target).bind(target);
    },
  });
}

function refuse(): never {
  throw new CodedError("file_other", "refused");
}

const NOT_CLOSING = { sign: false, compress: false };

test("OutputWriter writes each kind to the file of the day, with its link", () => {
  const harness = new OutputHarness();
  harness.start();
  harness.accept([...event(1), ...event(2)]);
  const files = [
    ["alert_json", "alerts/2026/Nov/ossec-alerts-21.json", "alerts/alerts.json"],
    ["alert_log", "alerts/2026/Nov/ossec-alerts-21.log", "alerts/alerts.log"],
    ["archive_json", "archives/2026/Nov/ossec-archive-21.json", "archives/archives.json"],
    ["archive_log", "archives/2026/Nov/ossec-archive-21.log", "archives/archives.log"],
    ["firewall_log", "firewall/2026/Nov/ossec-firewall-21.log", "firewall/firewall.log"],
    ["dead_letter", "dead-letters/2026/Nov/ossec-dead-letters-21.json", "dead-letters/dead-letters.json"],
  ] as const;
  for (const [kind, path, link] of files) {
    assert.equal(harness.text(`logs/${path}`), recordText(kind, 1) + recordText(kind, 2));
    assert.equal(
      harness.fake.info(`${HOME}/logs/${link}`)?.inode,
      harness.fake.info(`${HOME}/logs/${path}`)?.inode,
    );
    assert.equal(harness.fake.info(`${HOME}/logs/${path}`)?.mode, 0o640);
  }
  assert.equal(harness.metrics.get("output_alert_json_records"), 2);
  assert.equal(harness.consumedBytes > 0, true);
});

test("OutputWriter passes over records of kinds that are not written", () => {
  const harness = new OutputHarness();
  harness.start({ kinds: ["alert_json"] });
  harness.accept(event(1));
  assert.deepEqual(harness.outputPaths(), ["alerts/2026/Nov/ossec-alerts-21.json"]);
});

test("OutputWriter writes the records of a block and file with one write", () => {
  const harness = new OutputHarness();
  let writes = 0;
  const countWrites = (file: OpenFile): Partial<OpenFile> => ({
    write: (bytes) => {
      writes++;
      file.write(bytes);
    },
  });
  harness.files = changed(harness.fake, { file: countWrites });
  harness.start();
  harness.accept([1, 2, 3, 4, 5].flatMap((position) => event(position)));
  assert.equal(writes, ALL_KINDS.length);
});

test("OutputWriter writes a record that is larger than a block", () => {
  const harness = new OutputHarness();
  harness.start({ kinds: ["alert_json"] });
  const large = record("alert_json", 1, "x".repeat(5 * OUTPUT_BLOCK_BYTES));
  harness.accept([large]);
  harness.accept([record("alert_json", 2)]);
  assert.equal(harness.text("logs/alerts/alerts.json"), large.text + recordText("alert_json", 2));
});

test("OutputWriter goes to new files at midnight and removes those that stayed empty", () => {
  const harness = new OutputHarness();
  harness.start({ kinds: ["alert_json", "alert_log"], closing: NOT_CLOSING });
  harness.accept([record("alert_json", 1)]);
  harness.passMidnight(1);
  harness.accept([record("alert_json", 2)]);
  assert.deepEqual(harness.outputPaths(), [
    "alerts/2026/Nov/ossec-alerts-21.json",
    "alerts/2026/Nov/ossec-alerts-22.json",
    "alerts/2026/Nov/ossec-alerts-22.log",
  ]);
  assert.equal(harness.text("logs/alerts/2026/Nov/ossec-alerts-22.json"), recordText("alert_json", 2));
  assert.equal(harness.text("logs/alerts/alerts.json"), recordText("alert_json", 2));
});

test("OutputWriter begins a part when the files are older than the interval, but not for an empty file", () => {
  const harness = new OutputHarness();
  harness.start({
    kinds: ["alert_json", "alert_log"],
    rotation: { intervalSeconds: 3600 },
    closing: NOT_CLOSING,
  });
  harness.accept([record("alert_json", 1)]);
  harness.clock.advance(3_600_000);
  assert.equal(harness.exists("logs/alerts/2026/Nov/ossec-alerts-21-001.json"), false, "not yet older");
  harness.clock.advance(1000);
  harness.accept([record("alert_json", 2)]);
  assert.deepEqual(harness.outputPaths(), [
    "alerts/2026/Nov/ossec-alerts-21-001.json",
    "alerts/2026/Nov/ossec-alerts-21.json",
    "alerts/2026/Nov/ossec-alerts-21.log",
  ]);
  assert.equal(harness.text("logs/alerts/alerts.json"), recordText("alert_json", 2));
});

test("OutputWriter begins a part when a file is too large, at most once in the shortest interval", () => {
  const harness = new OutputHarness();
  harness.start({
    kinds: ["alert_json", "alert_log"],
    rotation: { partBytesMax: 1000, intervalSecondsMin: 600 },
    closing: NOT_CLOSING,
  });
  const large = "x".repeat(1000);
  harness.accept([record("alert_json", 1, large), record("alert_log", 1)]);
  harness.clock.advance(600_000);
  assert.equal(harness.outputPaths().length, 2, "not before the shortest interval has passed");
  harness.clock.advance(1000);
  harness.accept([record("alert_json", 2, large), record("alert_log", 2)]);
  harness.clock.advance(300_000);
  assert.deepEqual(harness.outputPaths(), [
    "alerts/2026/Nov/ossec-alerts-21-001.json",
    "alerts/2026/Nov/ossec-alerts-21.json",
    "alerts/2026/Nov/ossec-alerts-21.log",
  ]);
  harness.clock.advance(302_000);
  assert.equal(harness.exists("logs/alerts/2026/Nov/ossec-alerts-21-002.json"), true);
});

test("OutputWriter goes on with the highest part after a restart", () => {
  const harness = new OutputHarness();
  harness.start({ kinds: ["alert_json"], rotation: { intervalSeconds: 600 } });
  harness.accept([record("alert_json", 1)]);
  harness.clock.advance(602_000);
  harness.accept([record("alert_json", 2)]);
  harness.stop();
  harness.start({ kinds: ["alert_json"] });
  harness.accept([record("alert_json", 3)]);
  const expected = recordText("alert_json", 2) + recordText("alert_json", 3);
  assert.equal(harness.text("logs/alerts/2026/Nov/ossec-alerts-21-001.json"), expected);
});

test("OutputWriter begins a part instead of going on with a file that is too large", () => {
  const harness = new OutputHarness();
  harness.start({ kinds: ["alert_json"] });
  harness.accept([record("alert_json", 1, "x".repeat(2000))]);
  harness.stop();
  harness.start({ kinds: ["alert_json"], rotation: { partBytesMax: 2000 } });
  assert.equal(harness.exists("logs/alerts/2026/Nov/ossec-alerts-21-001.json"), true);
});

test("OutputWriter leaves files alone whose ids are not of its journal", () => {
  const harness = new OutputHarness();
  const foreign = recordText("alert_json", 987_654_321);
  harness.write("logs/alerts/2026/Nov/ossec-alerts-21.json", foreign);
  harness.start({ kinds: ["alert_json"] });
  harness.accept([record("alert_json", 5)]);
  harness.stop();
  harness.epoch = 0x77;
  harness.start({ kinds: ["alert_json"] });
  harness.accept([record("alert_json", 3)]);
  assert.equal(harness.text("logs/alerts/2026/Nov/ossec-alerts-21.json"), foreign);
  assert.equal(harness.text("logs/alerts/2026/Nov/ossec-alerts-21-001.json"), recordText("alert_json", 5));
  assert.equal(harness.text("logs/alerts/2026/Nov/ossec-alerts-21-002.json"), recordText("alert_json", 3));
});

test("OutputWriter takes a new part when the clock goes back into a day that it left", () => {
  const harness = new OutputHarness();
  harness.start({ kinds: ["alert_json"], closing: { waitSeconds: 1 } });
  harness.accept([record("alert_json", 1)]);
  harness.passMidnight(60);
  assert.equal(harness.exists("logs/alerts/2026/Nov/ossec-alerts-21.json.gz"), true);
  harness.clock.jump(-3_600_000);
  harness.clock.advance(2000);
  harness.accept([record("alert_json", 2)]);
  assert.equal(harness.text("logs/alerts/2026/Nov/ossec-alerts-21-001.json"), recordText("alert_json", 2));
});

test("OutputWriter leaves out after a restart what the files have", () => {
  const harness = new OutputHarness();
  harness.start();
  harness.accept([...event(1), ...event(2), ...event(3)]);
  harness.kill();
  harness.start();
  harness.accept([...event(2), ...event(3), ...event(4)]);
  const numbered = [1, 2, 3, 4].map((position) => recordText("alert_json", position)).join("");
  assert.equal(harness.text("logs/alerts/alerts.json"), numbered);
  assert.equal(harness.metrics.get("output_alert_json_records_repeated"), 2);
});

test("OutputWriter tells records of archives.log by their bytes", () => {
  const harness = new OutputHarness();
  const archived = (position: number) => record("archive_log", position);
  harness.start({ kinds: ["archive_log"] });
  harness.accept([archived(1), { kind: "snapshot", position: 2, text: "state" }, archived(2), archived(3)]);
  const path = "logs/archives/2026/Nov/ossec-archive-21.log";
  const whole = harness.text(path);
  for (let cut = whole.length; cut >= archived(1).text.length; cut--) {
    harness.kill();
    harness.write(path, whole.slice(0, cut));
    harness.start({ kinds: ["archive_log"] });
    harness.accept([archived(2), archived(3), archived(4)]);
    assert.equal(harness.text(path), whole + archived(4).text, `cut at ${cut}`);
    // The same cursors and file as after the first crash.
    harness.kill();
    harness.write(path, whole);
    const cursor = { path, bytes: archived(1).text.length, position: 1 };
    harness.write(
      CURSORS,
      JSON.stringify({ version: 1, epoch: harness.epoch, files: { archive_log: cursor } }),
    );
  }
});

test("OutputWriter tells records of alerts.log in the administrator's words by their bytes", () => {
  const custom = (position: number) =>
    ({ kind: "alert_log", position, text: `alert\n\nof ${position}\n` }) as const;
  const path = "logs/alerts/2026/Nov/ossec-alerts-21.log";
  const written = [1, 2, 3].map((position) => custom(position).text).join("");
  for (let cut = custom(1).text.length; cut <= written.length; cut++) {
    const harness = new OutputHarness();
    const changes = { kinds: ["alert_log"], customAlertLog: true } as const;
    harness.start(changes);
    harness.accept([custom(1), { kind: "snapshot", position: 2, text: "state" }, custom(2), custom(3)]);
    assert.equal(harness.text(path), written);
    harness.kill();
    harness.write(path, written.slice(0, cut));
    harness.start(changes);
    const kept = written.slice(0, cut);
    assert.equal(harness.text(path), kept.slice(0, kept.lastIndexOf("\n") + 1), "whole lines stay");
    harness.accept([custom(2), custom(3), custom(4)]);
    assert.equal(harness.text(path), written + custom(4).text, `cut at ${cut}`);
  }
});

test("OutputWriter writes records of archives.log that replay brings differently, on lines of their own", () => {
  const harness = new OutputHarness();
  harness.start({ kinds: ["archive_log"] });
  harness.accept([record("archive_log", 1), record("archive_log", 2)]);
  const before = harness.text("logs/archives/archives.log");
  harness.kill();
  harness.start({ kinds: ["archive_log"] });
  harness.accept([record("archive_log", 1), record("archive_log", 2, "other")]);
  assert.equal(harness.text("logs/archives/archives.log"), before + recordText("archive_log", 2, "other"));
  assert.equal(harness.metrics.get("output_replays_different"), 1);
});

test("OutputWriter reads the cursor from the file of the day before when it stopped there", () => {
  const harness = new OutputHarness();
  harness.start({ closing: NOT_CLOSING });
  harness.accept([...event(1), ...event(2)]);
  harness.kill();
  harness.clock.jump(86_400_000);
  harness.start({ closing: NOT_CLOSING });
  harness.accept([...event(1), ...event(2), ...event(3)]);
  for (const kind of ["alert_json", "alert_log"] as const) {
    const extension = kind === "alert_json" ? "json" : "log";
    assert.equal(harness.text(`logs/alerts/2026/Nov/ossec-alerts-22.${extension}`), recordText(kind, 3));
  }
  assert.equal(harness.text("logs/archives/2026/Nov/ossec-archive-22.log"), recordText("archive_log", 3));
});

test("OutputWriter keeps a snapshot only when what is before it is on disk", () => {
  const harness = new OutputHarness();
  harness.start();
  harness.accept([...event(1), { kind: "snapshot", position: 2, text: "state" }, ...event(2)]);
  assert.deepEqual(harness.snapshots, [2]);
  harness.fake.losePower();
  assert.equal(harness.text(SNAPSHOT), "state");
  assert.equal(harness.text("logs/alerts/alerts.json"), recordText("alert_json", 1));
  assert.equal(harness.text("logs/archives/archives.log"), recordText("archive_log", 1));
});

test("OutputWriter waits while the disk is full, leaves nothing half written and says it once a minute", () => {
  const harness = new OutputHarness();
  harness.start();
  harness.accept(event(1));
  const before = harness.consumedBytes;
  const paths = FILE_DEFINITIONS.map(({ link }) => link.slice("logs/".length));
  const texts = paths.map((path) => harness.text(`logs/${path}`));
  // The first file has room for its record, the second one for a part.
  harness.fake.freeSpace = recordText("alert_json", 2).length + 10;
  harness.accept(event(2));
  assert.equal(harness.text("logs/alerts/alerts.log"), texts[1]);
  harness.accept([...event(3), { kind: "snapshot", position: 4, text: "state" }]);
  harness.clock.advance(150_000);
  assert.equal(harness.text("logs/alerts/alerts.json"), texts[0] + recordText("alert_json", 2));
  assert.deepEqual(
    paths.slice(1).map((path) => harness.text(`logs/${path}`)),
    texts.slice(1),
  );
  assert.equal(harness.consumedBytes, before, "no credit while nothing is written");
  assert.deepEqual(harness.snapshots, []);
  assert.equal(harness.log.texts("error").length, 3);
  assert.equal(harness.metrics.get("output_blocked"), 1);

  harness.fake.freeSpace = Number.POSITIVE_INFINITY;
  harness.clock.advance(1000);
  for (const [index, kind] of ALL_KINDS.entries()) {
    const expected = [1, 2, 3].map((position) => recordText(kind, position)).join("");
    assert.equal(harness.text(`logs/${paths[index]}`), expected);
  }
  assert.ok(harness.consumedBytes > before);
  assert.deepEqual(harness.snapshots, [4]);
  assert.equal(harness.metrics.get("output_blocked"), 0);
});

test("OutputWriter cuts a half written record off before anything else when that failed at first", () => {
  for (const midnight of [false, true]) {
    const harness = new OutputHarness();
    let refused = true;
    const truncate = (file: OpenFile) => (bytes: number) => (refused ? refuse() : file.truncate(bytes));
    harness.files = changed(harness.fake, { file: (file) => ({ truncate: truncate(file) }) });
    harness.start({ kinds: ["alert_json"], closing: NOT_CLOSING });
    harness.accept([record("alert_json", 1)]);
    harness.fake.freeSpace = 10;
    harness.accept([record("alert_json", 2)]);
    harness.clock.advance(5000);
    const path = "logs/alerts/2026/Nov/ossec-alerts-21.json";
    assert.equal(harness.text(path).length, recordText("alert_json", 1).length + 10);

    refused = false;
    harness.fake.freeSpace = Number.POSITIVE_INFINITY;
    if (midnight) harness.passMidnight(1);
    harness.clock.advance(1000);
    const second = recordText("alert_json", 2);
    assert.equal(harness.text(path), recordText("alert_json", 1) + (midnight ? "" : second));
    if (midnight) assert.equal(harness.text("logs/alerts/alerts.json"), second);
  }
});

test("OutputWriter reports a snapshot once, also when the rest of its block must be tried again", () => {
  const harness = new OutputHarness();
  harness.start({ kinds: ["alert_json"] });
  harness.fake.freeSpace = 900;
  const snapshot = { kind: "snapshot", position: 2, text: "state" } as const;
  harness.accept([record("alert_json", 1), snapshot, record("alert_json", 2, "x".repeat(900))]);
  assert.deepEqual(harness.snapshots, [2]);
  assert.equal(harness.consumedBytes, 0);
  harness.fake.freeSpace = Number.POSITIVE_INFINITY;
  harness.clock.advance(1000);
  assert.deepEqual(harness.snapshots, [2]);
  assert.ok(harness.consumedBytes > 0);
});

test("OutputWriter waits for its directories to become writable", () => {
  const harness = new OutputHarness();
  harness.fake.deny(`${HOME}/queue`);
  harness.start({ kinds: ["alert_json"] });
  harness.accept([record("alert_json", 1)]);
  assert.deepEqual(harness.outputPaths(), []);
  assert.equal(harness.consumedBytes, 0);
  assert.equal(harness.metrics.get("output_blocked"), 1);
});

test("OutputWriter goes on when the link cannot be made", () => {
  const harness = new OutputHarness();
  harness.files = changed(harness.fake, { link: refuse });
  harness.start({ kinds: ["alert_json"] });
  harness.accept([record("alert_json", 1)]);
  assert.equal(harness.text("logs/alerts/2026/Nov/ossec-alerts-21.json"), recordText("alert_json", 1));
  assert.equal(harness.log.texts("warning").length, 1);
});

test("OutputWriter begins anew when the cursor file is damaged", () => {
  const harness = new OutputHarness();
  harness.write(CURSORS, '{"version":1,"epoch":');
  harness.start({ kinds: ["alert_json"] });
  harness.accept([record("alert_json", 1)]);
  assert.equal(harness.text("logs/alerts/alerts.json"), recordText("alert_json", 1));
  assert.equal(harness.log.texts("warning").length, 1);
});
