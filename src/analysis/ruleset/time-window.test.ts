/** Goal: rules hold when their authors think they do. Method: tables of texts and what they mean, both ends included. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isInside, parseDayWindow, parseWeekdays } from "./time-window.ts";

const MINUTES = (hour: number, minute = 0) => hour * 60 + minute;

const WINDOWS: readonly (readonly [text: string, from: number, to: number, outside: boolean])[] = [
  ["9-17", MINUTES(9), MINUTES(17), false],
  ["09:30-17:45", MINUTES(9, 30), MINUTES(17, 45), false],
  ["9:30am-5pm", MINUTES(9, 30), MINUTES(17), false],
  ["12am-12pm", MINUTES(0), MINUTES(12), false],
  ["12:15 AM - 11:59 PM", MINUTES(0, 15), MINUTES(23, 59), false],
  [" 00:00-23:59 ", MINUTES(0), MINUTES(23, 59), false],
  ["!9-17", MINUTES(9), MINUTES(17), true],
  // Over midnight: not in the middle of the day; an explicit `!` is lost.
  ["6 pm - 8:30 am", MINUTES(8, 30), MINUTES(18), true],
  ["!22:00-06:00", MINUTES(6), MINUTES(22), true],
  ["8-8", MINUTES(8), MINUTES(8), false],
];

for (const [text, fromMinute, toMinute, outside] of WINDOWS) {
  test(`parseDayWindow() reads "${text}"`, () => {
    assert.deepEqual(parseDayWindow(text), { fromMinute, toMinute, outside });
  });
}

for (const text of ["", "9", "9-", "-9", "9-17-18", "24-1", "9:60-10", "9:5-10", "0pm-1", "13pm-2", "a-b"]) {
  test(`parseDayWindow() refuses "${text}"`, () => assert.equal(parseDayWindow(text), null));
}

test("parseDayWindow() refuses a long run of blanks at once", () => {
  const started = performance.now();
  assert.equal(parseDayWindow(`1${" ".repeat(1_000_000)}x-2`), null);
  assert(performance.now() - started < 1000);
});

test("isInside() includes both ends of a window", () => {
  const window = { fromMinute: 60, toMinute: 120, outside: false };
  const answers = [59, 60, 90, 120, 121].map((minute) => isInside(window, minute));
  assert.deepEqual(answers, [false, true, true, true, false]);
  const rest = [59, 60, 90, 120, 121].map((minute) => isInside({ ...window, outside: true }, minute));
  assert.deepEqual(rest, [true, false, false, false, true]);
});

const WEEKDAYS: readonly (readonly [text: string, sundayFirst: string])[] = [
  ["monday", "-x-----"],
  ["Mon, TUE wed", "-xxx---"],
  ["weekdays", "-xxxxx-"],
  ["weekends", "x-----x"],
  ["weekends,friday", "x----xx"],
  ["sunday saturday sun", "x-----x"],
];

for (const [text, sundayFirst] of WEEKDAYS) {
  test(`parseWeekdays() reads "${text}"`, () => {
    const days = parseWeekdays(text)?.map((day) => (day ? "x" : "-"));
    assert.equal(days?.join(""), sundayFirst);
  });
}

for (const text of ["", " , ", "!monday", "mo", "mondays", "weekday", "constructor"]) {
  test(`parseWeekdays() refuses "${text}"`, () => assert.equal(parseWeekdays(text), null));
}
