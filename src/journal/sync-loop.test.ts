/**
 * Goal: nothing is published as durable that was not synced, whatever segments came in between. Method: the step of the loop on
 * files in memory that record their syncs; then the real loop in a thread of its own on a temporary directory.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isMainThread, Worker, workerData } from "node:worker_threads";
import { SystemClock } from "#kernel/platform/clock.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { systemRandom } from "#kernel/platform/random.ts";
import type { Files, OpenFile } from "#kernel/ports/files.ts";
import { FakeFiles } from "#testing/files.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import { EventJournal } from "./event-journal.ts";
import { JournalEvents } from "./events.ts";
import { DIRECTORY, JournalFixture, messagesOf } from "./fixture.ts";
import { JournalReader } from "./journal-reader.ts";
import { JournalWriter } from "./journal-writer.ts";
import { SharedProgress } from "./shared-progress.ts";
import { runSyncLoop } from "./sync-loop.ts";

class RecordingFiles extends FakeFiles {
  synced: string[] = [];

  override open(...parameters: Parameters<Files["open"]>): OpenFile {
    const file = super.open(...parameters);
    const sync = () => {
      this.synced.push(parameters[0].slice(DIRECTORY.length));
      file.sync();
    };
    return { ...file, sync };
  }
}

function segmentName(start: number): string {
  return `/${start.toString(16).padStart(16, "0")}.seg`;
}

if (isMainThread) runTests();
else inThread();

/** This file is also the thread of its last test. */
function inThread(): void {
  const { shared, directory } = workerData;
  runSyncLoop({
    files: systemFiles,
    clock: new SystemClock(),
    directory,
    progress: new SharedProgress(shared),
  });
}

function runTests(): void {
  test("SegmentSync syncs every segment since the last sync, and the directory that names them", async () => {
    const files = new RecordingFiles();
    const fixture = new JournalFixture(files, { segmentBytes: 300 });
    const starts = new Set<number>();
    const write = (count: number): void => {
      for (let written = 0; written < count; written++) {
        fixture.append("s".repeat(200));
        fixture.journal.flush();
        starts.add(fixture.progress.segmentStart);
      }
    };
    files.synced = [];
    write(1);
    await fixture.sync();
    assert.deepEqual(files.synced, [segmentName(0), ""]);
    files.synced = [];
    starts.clear();
    write(3);
    await fixture.sync();
    assert.deepEqual(files.synced, [...[...starts].map(segmentName), ""]);
    assert.equal(fixture.progress.durable, fixture.progress.written);
    files.synced = [];
    await fixture.sync();
    assert.deepEqual(files.synced, [], "nothing new, nothing to do");
  });

  test("SegmentSync syncs what a process before had not, with its first sync", async () => {
    const files = new RecordingFiles();
    const killed = new JournalFixture(files, { segmentBytes: 100 });
    for (const message of ["one", "two", "three"]) {
      killed.append(message);
      killed.journal.flush();
    }
    const next = new JournalFixture(files);
    next.append("four");
    next.journal.flush();
    await next.sync();
    files.losePower();
    assert.deepEqual(new JournalFixture(files).messages(), ["one", "two", "three", "four"]);
  });

  test("SegmentSync passes over a segment that was released in the meantime", async () => {
    const files = new FakeFiles();
    const fixture = new JournalFixture(files, { segmentBytes: 100 });
    for (const message of ["one", "two", "three"]) {
      fixture.append(message);
      fixture.journal.flush();
    }
    fixture.journal.discardBefore(fixture.writer.position);
    await fixture.sync();
    assert.equal(fixture.progress.durable, fixture.writer.position);
  });

  test("runSyncLoop() in a thread makes the journal durable, and ends when it is stopped", async () => {
    const directory = join(mkdtempSync(join(tmpdir(), "journal-")), "queue/journal");
    const progress = new SharedProgress();
    const needs = {
      files: systemFiles,
      clock: new SystemClock(),
      random: systemRandom,
      directory,
      progress,
    };
    const events = new JournalEvents({
      clock: needs.clock,
      log: new RecordingLog(),
      metrics: new RecordingMetrics(),
    });
    const thread = new Worker(new URL(import.meta.url), {
      workerData: { shared: progress.shared, directory },
    });
    const ended = new Promise((resolve) => thread.once("exit", resolve));
    const limits = { segmentBytes: 10_000, journalBytesMax: 1e9, freeBytesMin: 0 };
    const writer = new JournalWriter({ ...needs, events }, limits);
    const journal = new EventJournal({ ...needs, writer, events });
    const reader = new JournalReader({ ...needs, events }, 0);

    const got: string[] = [];
    const reading = (async () => {
      while (got.length < 500) {
        got.push(...messagesOf(reader));
        if (got.length < 500) await reader.waitForMore();
      }
    })();
    const source = { queue: "1", agentId: "001", locationPrefix: "", location: "/x" };
    const confirmed: number[] = [];
    for (let count = 0; count < 500; count++) {
      const message = `${count} ${"w".repeat(80)}`;
      assert.ok(journal.append({ ...source, receivedMs: 0, message }));
      if (count % 100 !== 99) continue;
      await new Promise<void>((resolve) => journal.whenDurable(resolve));
      confirmed.push(count);
      assert.equal(progress.durable, progress.written);
    }
    await reading;
    await journal.close();
    reader.close();
    progress.stop();
    assert.equal(await ended, 0);
    assert.deepEqual(confirmed, [99, 199, 299, 399, 499]);
    assert.deepEqual(
      got.map((message) => Number.parseInt(message, 10)),
      Array.from({ length: 500 }, (_, index) => index),
    );
    rmSync(join(directory, "../.."), { recursive: true });
  });
}
