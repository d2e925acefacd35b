/** Goal: what another node says stays inside its line. Method: a line with everything in it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RecordingLog } from "#testing/log.ts";
import { taggedLog } from "./tagged-log.ts";

test("taggedLog() writes one bounded line of bytes", () => {
  const log = new RecordingLog();
  const tagged = taggedLog(log, "Worker w1", "Main");
  tagged.write("error", "g\u00e9\nforged\u0000 line");
  assert.equal(log.lines[0]?.text, "[Worker w1] [Main] g\u00c3\u00a9?forged? line");
  tagged.write("error", "x".repeat(100_000));
  assert((log.lines[1]?.text.length ?? 0) < 5000);
});
