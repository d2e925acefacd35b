/** The averages as files hold them, of this program or of the peer: what a start without a snapshot begins with. */
import { CodedError } from "#kernel/errors.ts";
import type { Files } from "#kernel/ports/files.ts";
import { NO_AVERAGES, type SavedAverages } from "./event-averages.ts";

/** Above any count of events in an hour or of days; a file that says more is not believed. */
const NUMBER_MAX = 1_000_000_000_000;
/** The peer's name for the number of days, behind those of the 24 hours. */
const DAYS_NAME = "24";

/** 0 for what is missing or no number, as in the peer. */
function readNumber(files: Files, path: string): number {
  try {
    const digits = /^\s*(\d{1,15})/.exec(files.read(path).toString("latin1"))?.[1];
    const value = digits === undefined ? 0 : Number(digits);
    return value <= NUMBER_MAX ? value : 0;
  } catch (error) {
    if (error instanceof CodedError) return 0;
    throw error;
  }
}

/** `directory` is `stats` of the home. */
export function readAverages(files: Files, directory: string): SavedAverages {
  const hourly = `${directory}/hourly-average`;
  const weekly = `${directory}/weekly-average`;
  return {
    hourly: NO_AVERAGES.hourly.map((_, hour) => readNumber(files, `${hourly}/${hour}`)),
    days: readNumber(files, `${hourly}/${DAYS_NAME}`),
    weekly: NO_AVERAGES.weekly.map((hours, weekday) =>
      hours.map((_, hour) => readNumber(files, `${weekly}/${weekday}/${hour}`)),
    ),
  };
}
