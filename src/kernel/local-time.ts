/** Local wall-clock texts in English, whatever the locale: what alerts, rotation and time rules use. No `Intl`. */

export const MONTHS = [
  "Jan",
  "Feb",
  "Mar",
  "Apr",
  "May",
  "Jun",
  "Jul",
  "Aug",
  "Sep",
  "Oct",
  "Nov",
  "Dec",
] as const;

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}

export type LocalTime = {
  readonly year: number;
  readonly month: (typeof MONTHS)[number];
  readonly day: number;
  readonly weekday: number;
  readonly hour: number;
  readonly minute: number;
  /** `HH:MM:SS` */
  readonly clock: string;
  /** `YYYY-MM-DDTHH:MM:SS`, without milliseconds and zone. */
  readonly isoSeconds: string;
  /** `+hhmm` */
  readonly zone: string;
  /** `YYYY Mon DD HH:MM:SS` */
  readonly logDate: string;
};

/** Milliseconds that share one answer: offsets and days change on whole seconds. */
const SECOND_MS = 1000;

function readLocalTime(ms: number): LocalTime {
  const date = new Date(ms);
  const offsetMinutes = -date.getTimezoneOffset();
  const zoneMinutes = Math.abs(offsetMinutes);
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  const month = MONTHS[date.getMonth()] ?? "Jan";
  return {
    year: date.getFullYear(),
    month,
    day: date.getDate(),
    weekday: date.getDay(),
    hour: date.getHours(),
    minute: date.getMinutes(),
    clock,
    isoSeconds: `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${clock}`,
    zone: `${offsetMinutes < 0 ? "-" : "+"}${two(Math.floor(zoneMinutes / 60))}${two(zoneMinutes % 60)}`,
    logDate: `${date.getFullYear()} ${month} ${two(date.getDate())} ${clock}`,
  };
}

/** Remembers the last second asked for: events of one second share the work. */
export class LocalClock {
  #second = Number.NaN;
  #time: LocalTime = readLocalTime(0);

  at(ms: number): LocalTime {
    const second = Math.floor(ms / SECOND_MS);
    if (second !== this.#second) {
      this.#second = second;
      this.#time = readLocalTime(second * SECOND_MS);
    }
    return this.#time;
  }

  /** `2026-11-21T06:44:10.115+0000` */
  isoWithMilliseconds(ms: number): string {
    const time = this.at(ms);
    const fraction = Math.floor(ms % SECOND_MS);
    const padding = fraction < 10 ? "00" : fraction < 100 ? "0" : "";
    return `${time.isoSeconds}.${padding}${fraction}${time.zone}`;
  }

  /** `2026 Nov 21 06:44:10` */
  logDate(ms: number): string {
    return this.at(ms).logDate;
  }
}
