/**
 * Goal: averages and alerts are those of the peer. Method: days of given counts; expected numbers are worked out by hand from the
 * peer's description, and a second, plain model follows random weeks.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LocalClock } from "#kernel/local-time.ts";
import { SeededRandom } from "#testing/random.ts";
import { EventAverages, NO_AVERAGES, type SavedAverages } from "./event-averages.ts";

process.env["TZ"] = "UTC";

const LIMITS = { differenceMax: 999_000, differenceMin: 10, differencePercent: 50 };
const DAY_MS = 86_400_000;
/** A Sunday. */
const FIRST_DAY_MS = Date.UTC(2026, 10, 22);

function dayAt(index: number): ReturnType<LocalClock["at"]> {
  return new LocalClock().at(FIRST_DAY_MS + index * DAY_MS);
}

function count(averages: EventAverages, hour: number, times: number): string[] {
  const said: string[] = [];
  for (let number = 0; number < times; number++) {
    const text = averages.count(hour);
    if (text !== null) said.push(text);
  }
  return said;
}

function saved(changes: Partial<SavedAverages>): SavedAverages {
  return { ...NO_AVERAGES, ...changes };
}

function hourly(hour: number, average: number): readonly number[] {
  return NO_AVERAGES.hourly.map((_, index) => (index === hour ? average : 0));
}

test("EventAverages says once an hour that there are more events than the difference allows", () => {
  const averages = new EventAverages(LIMITS, saved({ days: 3, hourly: hourly(7, 100) }));
  // 50 percent and one more; the alert comes with the event that is beyond it.
  assert.deepEqual(count(averages, 7, 151), []);
  assert.deepEqual(count(averages, 7, 500), [
    "The average number of logs between 7:00 and 8:00 is 100. We reached 152.",
  ]);
  averages.endHour();
  assert.equal(count(averages, 7, 1).length, 1, "in another hour again");
});

test("EventAverages keeps the difference between its bounds", () => {
  const reached = (limits: typeof LIMITS, average: number) => {
    const averages = new EventAverages(limits, saved({ days: 3, hourly: hourly(0, average) }));
    return /reached (\d+)/.exec(count(averages, 0, 5000)[0] ?? "")?.[1];
  };
  assert.equal(reached(LIMITS, 4), "15");
  assert.equal(reached({ ...LIMITS, differenceMax: 30 }, 1000), "1031");
  assert.equal(reached(LIMITS, 1000), "1502");
});

test("EventAverages says nothing before three days, without an average, and after three alerts in a day", () => {
  const alerts = (changes: Partial<SavedAverages>) =>
    count(new EventAverages(LIMITS, saved(changes)), 7, 1000).length;
  assert.equal(alerts({ days: 2, hourly: hourly(7, 100) }), 0);
  assert.equal(alerts({ days: 3 }), 0);
  const averages = new EventAverages(LIMITS, saved({ days: 9, hourly: NO_AVERAGES.hourly.map(() => 10) }));
  const perHour = [1, 2, 3, 4, 5].map((hour) => {
    averages.endHour();
    return count(averages, hour, 100).length;
  });
  assert.deepEqual(perHour, [1, 1, 1, 0, 0]);
  averages.endDay(dayAt(0));
  averages.endHour();
  assert.equal(count(averages, 6, 100).length, 1, "on the next day again");
});

test("EventAverages writes the files of the peer when a day ends", () => {
  const averages = new EventAverages(LIMITS, NO_AVERAGES);
  count(averages, 0, 3);
  count(averages, 23, 40);
  const records = averages.endDay(dayAt(0));
  const [totals, ...files] = records;
  assert.equal(totals?.path, "totals/2026/Nov/ossec-totals-22.log");
  const lines = totals?.text.split("\n") ?? [];
  assert.equal(lines.length, 26);
  assert.deepEqual(
    [lines[0], lines[1], lines[23], lines[24], lines[25]],
    ["Hour totals - 0:3", "Hour totals - 1:0", "Hour totals - 23:40", "Total events for day:43", ""],
  );
  assert.deepEqual(
    files.map(({ path, text }) => [path, text]),
    [
      ["hourly-average/0", "23"],
      ["weekly-average/0/0", "23"],
      ["hourly-average/23", "60"],
      ["weekly-average/0/23", "60"],
      ["hourly-average/24", "1"],
    ],
  );
});

/** The peer's rules for one number, as plain sums. */
function nextAverage(old: number, counted: number, weight: number, loud: boolean): number {
  if (counted === 0) return old;
  if (old === 0) return counted + 20;
  return loud
    ? Math.trunc((3 * counted + weight * old) / (weight + 3)) + 25
    : Math.trunc((counted + weight * old) / (weight + 1)) + 5;
}

test("EventAverages follows weeks as the plain sums do, through a snapshot each day", () => {
  const random = new SeededRandom(4);
  let averages = new EventAverages(LIMITS, NO_AVERAGES);
  const perHour = new Array<number>(24).fill(0);
  const perWeekday = Array.from({ length: 7 }, () => new Array<number>(24).fill(0));
  let loudDays = 0;
  for (let day = 0; day < 40; day++) {
    const factor = day % 10 === 9 ? 8 : 1;
    const counts = perHour.map(() => (random.below(4) === 0 ? 0 : factor * (50 + random.below(40))));
    let alerts = 0;
    for (const [hour, times] of counts.entries()) {
      averages.endHour();
      alerts += count(averages, hour, times).length;
      const restored = new EventAverages(LIMITS, NO_AVERAGES);
      restored.restore(JSON.parse(JSON.stringify(averages.snapshot())));
      averages = restored;
    }
    const loud = alerts >= 3;
    if (loud) loudDays++;
    averages.endDay(dayAt(day));
    const week = perWeekday[day % 7] ?? [];
    for (const [hour, times] of counts.entries()) {
      perHour[hour] = nextAverage(perHour[hour] ?? 0, times, Math.min(day + 1, 7), loud);
      week[hour] = nextAverage(week[hour] ?? 0, times, 1, loud);
    }
    const { hourly: found, weekly, days } = averages.snapshot();
    assert.deepEqual([found, weekly, days], [perHour, perWeekday, day + 1], `day ${day}`);
  }
  assert.equal(loudDays, 4);
});
