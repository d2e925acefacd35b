/** `<time>` and `<weekday>`: when, by the manager's local clock, a rule holds. */

/** Minutes of the day, both ends included; `outside` means every other minute. */
export type DayWindow = { readonly fromMinute: number; readonly toMinute: number; readonly outside: boolean };

/** One flag a day, Sunday first. */
export type WeekdaySet = readonly boolean[];

const CLOCK_TIME = /^(\d{1,2})(?::(\d{2}))?\s*(am|pm)?$/i;

function minuteOf(text: string): number | null {
  const found = CLOCK_TIME.exec(text.trim());
  if (found === null) return null;
  const [, hourText = "", minuteText = "0", half = ""] = found;
  let hour = Number(hourText);
  const minute = Number(minuteText);
  if (half !== "" && (hour < 1 || hour > 12)) return null;
  if (half.toLowerCase() === "am" && hour === 12) hour = 0;
  if (half.toLowerCase() === "pm" && hour !== 12) hour += 12;
  return hour > 23 || minute > 59 ? null : hour * 60 + minute;
}

/** `hh[:mm][am|pm]-hh[:mm][am|pm]`, `!` in front for the rest of the day. A window over midnight becomes "not the middle". */
export function parseDayWindow(text: string): DayWindow | null {
  const trimmed = text.trim();
  const negated = trimmed.startsWith("!");
  const [fromText, toText, ...rest] = (negated ? trimmed.slice(1) : trimmed).split("-");
  if (fromText === undefined || toText === undefined || rest.length > 0) return null;
  const fromMinute = minuteOf(fromText);
  const toMinute = minuteOf(toText);
  if (fromMinute === null || toMinute === null) return null;
  // The peer loses an explicit `!` when it turns such a window round.
  if (fromMinute > toMinute) return { fromMinute: toMinute, toMinute: fromMinute, outside: true };
  return { fromMinute, toMinute, outside: negated };
}

export const DAY_NAMES = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/** Names, three letters, `weekdays`, `weekends`, separated by spaces or commas; null for anything else. */
export function parseWeekdays(text: string): WeekdaySet | null {
  const words = text
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((word) => word !== "");
  if (words.length === 0) return null;
  const days = new Array<boolean>(7).fill(false);
  for (const word of words) {
    const day = DAY_NAMES.findIndex((name) => name === word || name.slice(0, 3) === word);
    if (day >= 0) days[day] = true;
    else if (word === "weekdays") days.fill(true, 1, 6);
    else if (word === "weekends") days[0] = days[6] = true;
    else return null;
  }
  return days;
}

export function isInside(window: DayWindow, minuteOfDay: number): boolean {
  const between = minuteOfDay >= window.fromMinute && minuteOfDay <= window.toMinute;
  return between !== window.outside;
}
