/** Goal: the averages of a home of the peer go on, and no file can hurt. Method: files as the peer writes them, and others. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeFiles } from "#testing/files.ts";
import { readAverages } from "./average-files.ts";
import { NO_AVERAGES } from "./event-averages.ts";

test("readAverages() reads the number of each file", () => {
  const files = new FakeFiles();
  files.write("/stats/hourly-average/0", "512");
  files.write("/stats/hourly-average/23", "7\n");
  files.write("/stats/hourly-average/24", "12");
  files.write("/stats/weekly-average/6/5", "90");
  const { hourly, days, weekly } = readAverages(files, "/stats");
  assert.deepEqual([hourly[0], hourly[1], hourly[23], days, weekly[6]?.[5]], [512, 0, 7, 12, 90]);
  assert.deepEqual([hourly.length, weekly.length, weekly[0]?.length], [24, 7, 24]);
});

test("readAverages() takes what is no count for nothing", () => {
  assert.deepEqual(readAverages(new FakeFiles(), "/stats"), NO_AVERAGES);
  const files = new FakeFiles();
  const texts = ["", "-5", "many", "\0\xff", "9999999999999", "1".repeat(5000)];
  for (const [hour, text] of texts.entries()) files.write(`/stats/hourly-average/${hour}`, text);
  assert.deepEqual(readAverages(files, "/stats").hourly, NO_AVERAGES.hourly);
});
