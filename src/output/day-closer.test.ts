/**
 * Goal: each past day ends as one checksum file and compressed parts, and nothing is lost on the way. Method: days written by
 * hand on a disk in memory; digests by node:crypto and content by node:zlib, asked here; the process ended at every operation.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { SeededRandom } from "#testing/random.ts";
import { EndingFiles, ProcessEnd } from "./ending-files.ts";
import { HOME, type OptionChanges, OutputHarness, record } from "./fixture.ts";
import { CLOSING_RETRY_MS, GZIP_STEP_BYTES } from "./limits.ts";

const DAY_20 = "logs/alerts/2026/Nov/ossec-alerts-20";
const DAY_19 = "logs/alerts/2026/Nov/ossec-alerts-19";
const EMPTY_MD5 = "d41d8cd98f00b204e9800998ecf8427e";

function hex(algorithm: string, text: string): string {
  return createHash(algorithm).update(text, "latin1").digest("hex");
}

function paragraph(title: string, path: string, text: string | null): string {
  const digest = (algorithm: string): string => (text === null ? "none" : hex(algorithm, text));
  return [
    `${title} checksum:`,
    `MD5  (${path}) = ${digest("md5")}`,
    `SHA1 (${path}) = ${digest("sha1")}`,
    `SHA256 (${path}) = ${digest("sha256")}`,
    "",
    "",
  ].join("\n");
}

/** Past the waiting time and any number of steps. */
function letClose(harness: OutputHarness): void {
  harness.clock.advance(12_000);
}

function unzipped(harness: OutputHarness, path: string): string {
  return gunzipSync(harness.fake.read(`${HOME}/${path}`)).toString("latin1");
}

function started(prepare: (harness: OutputHarness) => void, changes: OptionChanges = {}): OutputHarness {
  const harness = new OutputHarness();
  prepare(harness);
  harness.start({ kinds: ["alert_json"], ...changes });
  return harness;
}

test("DayCloser signs the parts of a day as one and chains the day before", () => {
  const harness = started((it) => {
    it.write(`${DAY_19}.json.sum`, "the sum of the 19th\n");
    it.write(`${DAY_20}.json`, "base\n");
    it.write(`${DAY_20}-001.json`, "first part\n");
    it.write(`${DAY_20}-002.json`, "second part\n");
    it.write(`${DAY_20}.log`, "another output\n");
  });
  letClose(harness);
  const expected =
    paragraph("Current", DAY_20, "base\nfirst part\nsecond part\n") +
    paragraph("Chained", `${DAY_19}.json.sum`, "the sum of the 19th\n");
  assert.equal(harness.text(`${DAY_20}.json.sum`), expected);
  assert.equal(harness.fake.info(`${HOME}/${DAY_20}.json.sum`)?.mode, 0o640);
  assert.deepEqual(harness.outputPaths(), [
    "alerts/2026/Nov/ossec-alerts-19.json.sum",
    "alerts/2026/Nov/ossec-alerts-20-001.json.gz",
    "alerts/2026/Nov/ossec-alerts-20-002.json.gz",
    "alerts/2026/Nov/ossec-alerts-20.json.gz",
    "alerts/2026/Nov/ossec-alerts-20.json.sum",
    "alerts/2026/Nov/ossec-alerts-20.log.gz",
    "alerts/2026/Nov/ossec-alerts-20.log.sum",
    "alerts/2026/Nov/ossec-alerts-21.json",
  ]);
  assert.equal(unzipped(harness, `${DAY_20}.json.gz`), "base\n");
  assert.equal(unzipped(harness, `${DAY_20}-002.json.gz`), "second part\n");
});

test("DayCloser writes the checksum file of a quiet day, so that the chain goes on", () => {
  const harness = started(() => {});
  harness.passMidnight(12);
  const day = "logs/alerts/2026/Nov/ossec-alerts-21";
  assert.equal(
    harness.text(`${day}.json.sum`),
    `Current checksum:
MD5  (${day}) = none
SHA1 (${day}) = none
SHA256 (${day}) = none

Chained checksum:
MD5  (${DAY_20}.json.sum) = none
SHA1 (${DAY_20}.json.sum) = none
SHA256 (${DAY_20}.json.sum) = none

`,
  );
  assert.equal(harness.exists(`${day}.log.sum`), false, "not of an output that is not written");
});

test("DayCloser digests an empty file as empty, which is not none", () => {
  const harness = started((it) => it.write(`${DAY_20}.json`, ""));
  letClose(harness);
  assert.ok(harness.text(`${DAY_20}.json.sum`).includes(`MD5  (${DAY_20}) = ${EMPTY_MD5}\n`));
});

test("DayCloser closes a day after its last reader had time", () => {
  const harness = started(() => {}, { closing: { waitSeconds: 30 } });
  harness.accept([record("alert_json", 1)]);
  harness.passMidnight(28);
  assert.equal(harness.exists("logs/alerts/2026/Nov/ossec-alerts-21.json.sum"), false);
  harness.clock.advance(4000);
  assert.equal(harness.exists("logs/alerts/2026/Nov/ossec-alerts-21.json.sum"), true);
  assert.equal(harness.exists("logs/alerts/2026/Nov/ossec-alerts-21.json.gz"), true);
  assert.equal(harness.exists("logs/alerts/2026/Nov/ossec-alerts-21.json"), false);
});

test("DayCloser catches up on days that nobody closed, each with the one before", () => {
  const oct31 = "logs/alerts/2026/Oct/ossec-alerts-31";
  const nov1 = "logs/alerts/2026/Nov/ossec-alerts-01";
  const nov2 = "logs/alerts/2026/Nov/ossec-alerts-02";
  const harness = started((it) => {
    for (const day of [nov2, oct31, nov1]) it.write(`${day}.json`, `${day}\n`);
  });
  letClose(harness);
  for (const [day, before] of [
    [nov1, oct31],
    [nov2, nov1],
  ] as const) {
    const chained = paragraph("Chained", `${before}.json.sum`, harness.text(`${before}.json.sum`));
    assert.ok(harness.text(`${day}.json.sum`).endsWith(chained), day);
    assert.equal(unzipped(harness, `${day}.json.gz`), `${day}\n`);
  }
});

test("DayCloser signs or compresses alone when only that is asked for", () => {
  const prepare = (it: OutputHarness): void => it.write(`${DAY_20}.json`, "base\n");
  const signing = started(prepare, { closing: { compress: false } });
  letClose(signing);
  assert.deepEqual([signing.exists(`${DAY_20}.json`), signing.exists(`${DAY_20}.json.sum`)], [true, true]);
  assert.equal(signing.exists(`${DAY_20}.json.gz`), false);
  const compressing = started(prepare, { closing: { sign: false } });
  letClose(compressing);
  assert.deepEqual(
    [compressing.exists(`${DAY_20}.json`), compressing.exists(`${DAY_20}.json.gz`)],
    [false, true],
  );
  assert.equal(compressing.exists(`${DAY_20}.json.sum`), false);
});

test("DayCloser compresses a large file in steps, between which alerts are written", () => {
  const random = new SeededRandom(1);
  const noise = random.bytes(GZIP_STEP_BYTES / 4).toString("latin1");
  const large = noise + "x".repeat(3 * GZIP_STEP_BYTES) + noise;
  const harness = started((it) => it.write(`${DAY_20}.json`, large), { closing: { waitSeconds: 0 } });
  harness.clock.advance(1);
  harness.accept([record("alert_json", 1)]);
  assert.equal(harness.metrics.get("output_alert_json_records"), 1);
  assert.equal(harness.exists(`${DAY_20}.json.gz`), false);
  letClose(harness);
  assert.equal(unzipped(harness, `${DAY_20}.json.gz`), large);
});

test("DayCloser loses nothing and ends alike when the process ends at any operation", () => {
  const texts = new Map([
    [`${DAY_20}.json`, "base\n"],
    [`${DAY_20}-001.json`, "part\n"],
  ]);
  const prepare = (harness: OutputHarness): void => {
    for (const [path, text] of texts) harness.write(path, text);
    // On disk for good before anything happens.
    for (const path of texts.keys()) harness.fake.open(`${HOME}/${path}`, "update").sync();
  };
  let endAt = 0;
  for (let ended = true; ended; endAt++) {
    const harness = new OutputHarness();
    prepare(harness);
    harness.files = new EndingFiles(harness.fake, endAt);
    ended = false;
    try {
      harness.start({ kinds: [] });
      letClose(harness);
    } catch (error) {
      if (!(error instanceof ProcessEnd)) throw error;
      ended = true;
    }
    harness.kill();
    harness.fake.losePower();
    for (const [path, text] of texts) {
      const kept = harness.exists(path) ? harness.text(path) : unzipped(harness, `${path}.gz`);
      assert.equal(kept, text, `end at operation ${endAt}`);
    }
    harness.files = harness.fake;
    harness.start({ kinds: [] });
    letClose(harness);
    assert.deepEqual(
      harness.outputPaths().map((path) => path.slice("alerts/2026/Nov/".length)),
      ["ossec-alerts-20-001.json.gz", "ossec-alerts-20.json.gz", "ossec-alerts-20.json.sum"],
    );
    for (const [path, text] of texts) assert.equal(unzipped(harness, `${path}.gz`), text);
    assert.ok(harness.text(`${DAY_20}.json.sum`).startsWith(paragraph("Current", DAY_20, "base\npart\n")));
  }
  assert.ok(endAt > 10);
});

test("DayCloser tries again after the disk was full, and holds no space meanwhile", () => {
  const noise = new SeededRandom(2).bytes(5000).toString("latin1");
  const harness = started((it) => it.write(`${DAY_20}.json`, noise));
  harness.fake.freeSpace = 3000;
  letClose(harness);
  assert.equal(harness.exists(`${DAY_20}.json`), true);
  assert.deepEqual(
    harness.fake.paths().filter((path) => path.endsWith(".tmp")),
    [],
  );
  assert.equal(harness.log.texts("error").length, 1);
  harness.fake.freeSpace = Number.POSITIVE_INFINITY;
  harness.clock.advance(CLOSING_RETRY_MS);
  assert.equal(unzipped(harness, `${DAY_20}.json.gz`), noise);
});

test("DayCloser leaves a day alone whose records are still compared after a crash", () => {
  const harness = new OutputHarness();
  harness.start({ kinds: ["archive_log"] });
  harness.accept([record("archive_log", 1)]);
  harness.kill();
  harness.clock.jump(86_400_000);
  harness.start({ kinds: ["archive_log"] });
  letClose(harness);
  const path = "logs/archives/2026/Nov/ossec-archive-21.log";
  assert.equal(harness.exists(path), true);
  harness.accept([record("archive_log", 1), record("archive_log", 2)]);
  harness.clock.advance(CLOSING_RETRY_MS);
  assert.equal(unzipped(harness, `${path}.gz`), record("archive_log", 1).text);
});

test("DayCloser leaves a day alone as long as the cursors may lead a restart into its files", () => {
  const path = "logs/alerts/2026/Nov/ossec-alerts-21.json";
  const running = started(() => {});
  running.accept([record("alert_json", 1)]);
  running.fake.deny(`${HOME}/queue`);
  running.passMidnight(12);
  assert.equal(running.exists(path), true, "the cursors cannot be written");
  const restarted = new OutputHarness();
  restarted.write(path, record("alert_json", 1).text);
  restarted.clock.jump(86_400_000);
  restarted.fake.deny(`${HOME}/queue`);
  restarted.start({ kinds: ["alert_json"] });
  letClose(restarted);
  assert.equal(restarted.exists(path), true, "the cursors cannot be read");
});

test("DayCloser leaves a day alone into which the clock was set back", () => {
  const harness = started(() => {});
  harness.accept([record("alert_json", 1)]);
  harness.passMidnight(2);
  harness.clock.jump(-3_600_000);
  letClose(harness);
  const day = "logs/alerts/2026/Nov/ossec-alerts-21";
  assert.equal(harness.exists(`${day}.json`), true);
  assert.equal(harness.exists(`${day}.json.sum`), false);
  assert.equal(harness.exists(`${day}-001.json`), true);
  assert.equal(harness.exists("logs/alerts/2026/Nov/ossec-alerts-22.json.sum"), false, "a day to come");
  harness.passMidnight(600);
  assert.ok(
    harness.text(`${day}.json.sum`).startsWith(paragraph("Current", day, record("alert_json", 1).text)),
  );
});
