/**
 * How many events an hour of the day usually has, and whether the running one has far more (wazuh v4.14.7: src/analysisd/stats.c).
 *
 * A day's counts are taken into the averages when it ends. The peer keeps averages by weekday too, but counts its weeks in the
 * wrong place: they are written and never alert, and each counts half. That is copied.
 */
import type { LocalTime } from "#kernel/local-time.ts";
import { type StatisticsRecord, totalsPath } from "./statistics-record.ts";

const HOURS = 24;
const WEEKDAYS = 7;
/** Averages say nothing before so many days went into them. */
const DAYS_MIN = 3;
/** More alerts than this in a day say nothing new. */
const ALERTS_A_DAY_MAX = 3;
/** An average of more days would not follow a network that grows. */
const WEIGHT_MAX = 7;
/** What the peer adds at each step, so that averages stay above what is usual. */
const MARGIN_OF_FIRST_DAY = 20;
const MARGIN = 5;
const MARGIN_AFTER_ALERTS = 25;
/** What a day with many alerts weighs more than others. */
const WEIGHT_AFTER_ALERTS = 3;

export type DifferenceLimits = {
  /** `analysisd.stats_maxdiff`, `stats_mindiff`: events beyond the average. */
  readonly differenceMax: number;
  readonly differenceMin: number;
  /** `analysisd.stats_percent_diff` */
  readonly differencePercent: number;
};

export type SavedAverages = {
  /** Of each hour; 0 where nothing is known. */
  readonly hourly: readonly number[];
  /** How many days went into `hourly`. */
  readonly days: number;
  /** By weekday, Sunday first, then by hour. */
  readonly weekly: readonly (readonly number[])[];
};

export type AveragesSnapshot = SavedAverages & {
  readonly counted: readonly number[];
  readonly alertsToday: number;
  readonly alertedThisHour: boolean;
};

export const NO_AVERAGES: SavedAverages = {
  hourly: new Array<number>(HOURS).fill(0),
  days: 0,
  weekly: Array.from({ length: WEEKDAYS }, () => new Array<number>(HOURS).fill(0)),
};

export class EventAverages {
  readonly #limits: DifferenceLimits;
  #hourly: number[];
  #days: number;
  #weekly: number[][];
  /** Of the running day, by hour. */
  #counted = new Array<number>(HOURS).fill(0);
  #alertsToday = 0;
  #alertedThisHour = false;

  constructor(limits: DifferenceLimits, saved: SavedAverages) {
    this.#limits = limits;
    this.#hourly = [...saved.hourly];
    this.#days = saved.days;
    this.#weekly = saved.weekly.map((hours) => [...hours]);
  }

  /** Counts one event; once an hour at most, what to say of too many. */
  count(hour: number): string | null {
    const counted = (this.#counted[hour] ?? 0) + 1;
    this.#counted[hour] = counted;
    const average = this.#hourly[hour] ?? 0;
    if (average === 0 || counted <= average || this.#days < DAYS_MIN) return null;
    if (this.#alertedThisHour || this.#alertsToday >= ALERTS_A_DAY_MAX) return null;
    if (counted <= average + this.#differenceAllowed(average)) return null;
    this.#alertedThisHour = true;
    this.#alertsToday++;
    return `The average number of logs between ${hour}:00 and ${hour + 1}:00 is ${average}. We reached ${counted}.`;
  }

  endHour(): void {
    this.#alertedThisHour = false;
  }

  /** What the files below `stats/` get when the day is over. */
  endDay(day: LocalTime): readonly StatisticsRecord[] {
    const { weekday } = day;
    const records = [{ path: totalsPath(day), text: this.#dayText() }];
    this.#days++;
    const weight = Math.min(this.#days, WEIGHT_MAX);
    const week = this.#weekly[weekday] ?? [];
    for (const [hour, counted] of this.#counted.entries()) {
      if (counted === 0) continue;
      const ofDay = this.#next(this.#hourly[hour] ?? 0, counted, weight);
      const ofWeekday = this.#next(week[hour] ?? 0, counted, 1);
      this.#hourly[hour] = ofDay;
      week[hour] = ofWeekday;
      records.push({ path: `hourly-average/${hour}`, text: String(ofDay) });
      records.push({ path: `weekly-average/${weekday}/${hour}`, text: String(ofWeekday) });
    }
    // The name of the 25th hour holds how many days there were.
    records.push({ path: `hourly-average/${HOURS}`, text: String(this.#days) });
    this.#counted.fill(0);
    this.#alertsToday = 0;
    return records;
  }

  snapshot(): AveragesSnapshot {
    return {
      hourly: this.#hourly,
      days: this.#days,
      weekly: this.#weekly,
      counted: this.#counted,
      alertsToday: this.#alertsToday,
      alertedThisHour: this.#alertedThisHour,
    };
  }

  restore(snapshot: AveragesSnapshot): void {
    this.#hourly = [...snapshot.hourly];
    this.#days = snapshot.days;
    this.#weekly = snapshot.weekly.map((hours) => [...hours]);
    this.#counted = [...snapshot.counted];
    this.#alertsToday = snapshot.alertsToday;
    this.#alertedThisHour = snapshot.alertedThisHour;
  }

  #differenceAllowed(average: number): number {
    const { differenceMax, differenceMin, differencePercent } = this.#limits;
    const difference = Math.floor((average * differencePercent) / 100) + 1;
    if (difference < differenceMin) return differenceMin;
    return Math.min(difference, differenceMax);
  }

  #next(average: number, counted: number, weight: number): number {
    if (average === 0) return counted + MARGIN_OF_FIRST_DAY;
    if (this.#alertsToday < ALERTS_A_DAY_MAX) {
      return Math.floor((counted + weight * average) / (weight + 1)) + MARGIN;
    }
    const sum = WEIGHT_AFTER_ALERTS * counted + weight * average;
    return Math.floor(sum / (weight + WEIGHT_AFTER_ALERTS)) + MARGIN_AFTER_ALERTS;
  }

  #dayText(): string {
    const lines = this.#counted.map((counted, hour) => `Hour totals - ${hour}:${counted}\n`);
    const total = this.#counted.reduce((sum, counted) => sum + counted, 0);
    return `${lines.join("")}Total events for day:${total}\n`;
  }
}
