/**
 * Goal: totals and averages are in their files once, wherever the manager ends. Method: records as analysis sends them, brought again
 * after the process ended at each operation of the disk, also with a loss of power.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeFiles } from "#testing/files.ts";
import { EndingFiles, ProcessEnd } from "./ending-files.ts";
import { HOME, OutputHarness } from "./fixture.ts";
import { StatisticsFiles } from "./statistics-files.ts";

const TOTALS = "totals/2026/Nov/ossec-totals-21.log";
const HOURS = ["3-501-3-2\n3--2--9--0--0\n\n", "13--0--0--0--0\n\n", "23-501-3-1\n23--1--1--0--0\n\n"];
const DAY = "Hour totals - 0:1\nTotal events for day:1\n";
const RECORDS = [
  ...HOURS.map((text) => `${TOTALS}\n${text}`),
  `${TOTALS}\n${DAY}`,
  "hourly-average/3\n512",
  "totals/2026/Nov/ossec-totals-22.log\n0--0--0--0--0\n\n",
  "hourly-average/3\n77",
];

function check(files: FakeFiles, label: string): void {
  assert.equal(files.text(`${HOME}/stats/${TOTALS}`), HOURS.join("") + DAY, label);
  assert.equal(files.text(`${HOME}/stats/totals/2026/Nov/ossec-totals-22.log`), "0--0--0--0--0\n\n", label);
  assert.equal(files.text(`${HOME}/stats/hourly-average/3`), "77", label);
}

test("StatisticsFiles adds to totals what they lack and replaces averages", () => {
  const files = new FakeFiles();
  for (let round = 0; round < 2; round++) {
    const statistics = new StatisticsFiles({ files, home: HOME });
    for (const record of RECORDS) statistics.write(record);
    check(files, `round ${round}`);
  }
});

test("StatisticsFiles tells hour 3 from hour 13 and from hour 23", () => {
  const files = new FakeFiles();
  const statistics = new StatisticsFiles({ files, home: HOME });
  const texts = ["23--0--0--0--0\n\n", "13--0--0--0--0\n\n", "3--0--0--0--0\n\n"];
  for (const text of texts) statistics.write(`${TOTALS}\n${text}`);
  assert.equal(files.text(`${HOME}/stats/${TOTALS}`), texts.join(""));
});

test("StatisticsFiles has each record once, wherever the process ended or power was lost", () => {
  for (let endAt = 0; ; endAt++) {
    const files = new FakeFiles();
    const ending = new EndingFiles(files, endAt);
    const write = (to: FakeFiles | EndingFiles) => {
      const statistics = new StatisticsFiles({ files: to, home: HOME });
      for (const record of RECORDS) statistics.write(record);
    };
    try {
      write(ending);
      assert(endAt >= RECORDS.length);
      return;
    } catch (error) {
      if (!(error instanceof ProcessEnd)) throw error;
    }
    if (endAt % 2 === 1) files.losePower();
    write(files);
    check(files, `end at operation ${endAt}`);
  }
});

test("OutputWriter writes statistics between other records, and again when the disk was full", () => {
  const harness = new OutputHarness();
  harness.start();
  harness.fake.freeSpace = 10;
  harness.accept(RECORDS.map((text, index) => ({ kind: "statistics", position: index, text })));
  assert.equal(harness.exists(`stats/${TOTALS}`), false);
  harness.fake.freeSpace = Number.POSITIVE_INFINITY;
  harness.clock.advance(2000);
  check(harness.fake, "after the disk was full");
});
