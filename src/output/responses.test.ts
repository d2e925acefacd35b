/**
 * Goal: a decision about a response is handed over once, when its record is on disk. Method: the service over a disk in memory that
 * ends, loses power or refuses to sync; what a replay brings again. Every moment of an end is in crash.test.ts.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CodedError } from "#kernel/errors.ts";
import type { Files } from "#kernel/ports/files.ts";
import { OutputHarness, record, recordText } from "./fixture.ts";

const KINDS = { kinds: ["alert_json", "response"] } as const;
const FILE = "logs/responses/2026/Nov/ossec-responses-21.json";

test("OutputWriter hands over the records of a block in one piece, and none of other kinds", () => {
  const harness = new OutputHarness();
  harness.start(KINDS);
  harness.accept([
    record("alert_json", 1),
    record("response", 1),
    record("alert_json", 2),
    record("response", 2),
  ]);
  harness.accept([record("alert_json", 3)]);
  harness.accept([record("response", 4, "\xff")]);
  const lines = [recordText("response", 1) + recordText("response", 2), recordText("response", 4, "\xff")];
  assert.deepEqual(harness.responses, lines);
  assert.equal(harness.text(FILE), lines.join(""));
  assert.equal(harness.text("logs/responses/responses.json"), lines.join(""));
});

test("OutputWriter hands over nothing that a run before was given", () => {
  const harness = new OutputHarness();
  harness.start(KINDS);
  harness.accept([record("response", 1), record("response", 2)]);
  harness.kill();
  harness.start(KINDS);
  harness.accept([record("response", 1), record("response", 2), record("response", 3)]);
  assert.deepEqual(harness.responses.slice(1), [recordText("response", 3)]);
  assert.equal(harness.metrics.get("output_response_records_repeated"), 2);
});

test("OutputWriter hands over what survives a loss of power", () => {
  const harness = new OutputHarness();
  harness.start(KINDS);
  harness.accept([record("response", 1)]);
  harness.fake.losePower(() => 0);
  harness.kill();
  assert.equal(harness.text(FILE), recordText("response", 1));
});

test("OutputWriter hands over a record that broke off when it is written anew", () => {
  const harness = new OutputHarness();
  harness.start(KINDS);
  harness.accept([record("response", 1)]);
  harness.kill();
  harness.write(FILE, recordText("response", 1) + recordText("response", 2).slice(0, 30));
  harness.start(KINDS);
  harness.accept([record("response", 1), record("response", 2)]);
  assert.deepEqual(harness.responses.slice(1), [recordText("response", 2)]);
});

test("OutputWriter waits with handing over until the disk has the record", () => {
  const harness = new OutputHarness();
  let refuses = false;
  harness.files = new Proxy<Files>(harness.fake, {
    get: (target, name) => {
      if (name !== "open") return Reflect.get(target, name, target).bind(target);
      return (...args: Parameters<Files["open"]>) => {
        const file = target.open(...args);
        const sync = () => {
          if (refuses && args[0].includes("responses")) throw new CodedError("file_other", "refused");
          file.sync();
        };
        return { ...file, sync };
      };
    },
  });
  harness.start(KINDS);
  refuses = true;
  harness.accept([record("response", 1)]);
  assert.deepEqual(harness.responses, []);
  refuses = false;
  harness.clock.advance(1000);
  assert.deepEqual(harness.responses, [recordText("response", 1)]);
  harness.clock.advance(5000);
  assert.equal(harness.responses.length, 1);
});
