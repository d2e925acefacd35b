/**
 * Counts of the running hour, by the local clock and the events' time of receipt: what the totals of each hour and day are made of,
 * and the averages that they are measured by (wazuh v4.14.7: src/analysisd/analysisd.c, DumpLogstats).
 *
 * An hour ends with the first record of the journal that is of another one. So a replay ends it at the same place, and an idle
 * manager ends it because the journal gets a mark each hour.
 */
import { LocalClock, type LocalTime } from "#kernel/local-time.ts";
import type { RuleCounters } from "../state/rule-counters.ts";
import {
  type AveragesSnapshot,
  type DifferenceLimits,
  EventAverages,
  type SavedAverages,
} from "./event-averages.ts";
import { type StatisticsRecord, totalsPath } from "./statistics-record.ts";

/** The queue of file integrity messages. */
const SYSCHECK_QUEUE = "8";

export type StatisticsOptions = {
  /** Null when `<global><stats>` is 0: nothing is compared with averages, and there are none. */
  readonly averages:
    | (DifferenceLimits & {
        /** `<global><stats>` */
        readonly alertLevel: number;
        /** For an engine whose snapshot has none. */
        readonly saved: SavedAverages;
      })
    | null;
};

export type StatisticsSnapshot = {
  /** The last moment that was counted; null before the first. */
  readonly atMs: number | null;
  readonly events: number;
  readonly syscheck: number;
  readonly firewall: number;
  readonly averages: AveragesSnapshot | null;
};

function isSameDay(a: LocalTime, b: LocalTime): boolean {
  return a.day === b.day && a.month === b.month && a.year === b.year;
}

export class HourlyStatistics {
  readonly #counters: RuleCounters;
  readonly #averages: EventAverages | null;
  /** False where nobody writes statistics: only the counters of rules start again with the hour. */
  readonly #written: boolean;
  readonly #clock = new LocalClock();
  #atMs: number | null = null;
  #time: LocalTime | null = null;
  #events = 0;
  #syscheck = 0;
  #firewall = 0;
  #records: StatisticsRecord[] = [];
  #excess: string | null = null;

  /** `counters` are those of the rules; they count by the same hours. */
  constructor(counters: RuleCounters, options: StatisticsOptions | null) {
    this.#counters = counters;
    this.#written = options !== null;
    const averages = options?.averages ?? null;
    this.#averages = averages === null ? null : new EventAverages(averages, averages.saved);
  }

  /** To be called with the time of each record before anything of it is counted. */
  passTime(nowMs: number): void {
    const now = this.#clock.at(nowMs);
    const before = this.#time;
    this.#atMs = nowMs;
    if (now === before) return;
    this.#time = now;
    if (before === null || (now.hour === before.hour && isSameDay(now, before))) return;
    this.#endHour(before);
    if (!isSameDay(now, before) && this.#averages !== null) {
      this.#records.push(...this.#averages.endDay(before));
    }
  }

  countEvent(queue: string): void {
    this.#events++;
    if (queue === SYSCHECK_QUEUE) this.#syscheck++;
  }

  countFirewall(): void {
    this.#firewall++;
  }

  /** An event that the rules are about to see. */
  countAnalysed(): void {
    if (this.#averages === null || this.#time === null) return;
    this.#excess = this.#averages.count(this.#time.hour);
  }

  /** What the event that was counted last made too many, or null. */
  takeExcess(): string | null {
    const excess = this.#excess;
    this.#excess = null;
    return excess;
  }

  /** What has ended since the last call. */
  takeRecords(): readonly StatisticsRecord[] {
    if (this.#records.length === 0) return NO_RECORDS;
    const records = this.#records;
    this.#records = [];
    return records;
  }

  snapshot(): StatisticsSnapshot {
    return {
      atMs: this.#atMs,
      events: this.#events,
      syscheck: this.#syscheck,
      firewall: this.#firewall,
      averages: this.#averages?.snapshot() ?? null,
    };
  }

  /** Averages that the snapshot lacks stay as they were given. */
  restore(snapshot: StatisticsSnapshot): void {
    this.#atMs = snapshot.atMs;
    this.#time = snapshot.atMs === null ? null : this.#clock.at(snapshot.atMs);
    this.#events = snapshot.events;
    this.#syscheck = snapshot.syscheck;
    this.#firewall = snapshot.firewall;
    if (snapshot.averages !== null) this.#averages?.restore(snapshot.averages);
  }

  #endHour(hour: LocalTime): void {
    if (this.#written) this.#records.push({ path: totalsPath(hour), text: this.#hourText(hour.hour) });
    this.#counters.beginHour();
    this.#averages?.endHour();
    this.#events = 0;
    this.#syscheck = 0;
    this.#firewall = 0;
  }

  /** What the peer calls alerts is how often rules fired, those of level 0 too. */
  #hourText(hour: number): string {
    let lines = "";
    let alerts = 0;
    for (const { rule, times } of this.#counters.firedRules()) {
      lines += `${hour}-${rule.id}-${rule.level}-${times}\n`;
      alerts += times;
    }
    return `${lines}${hour}--${alerts}--${this.#events}--${this.#syscheck}--${this.#firewall}\n\n`;
  }
}

const NO_RECORDS: readonly StatisticsRecord[] = [];
