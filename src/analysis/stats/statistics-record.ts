/** What the statistics have for a file below `stats/`, in the peer's layout (wazuh v4.14.7: src/headers/defs.h). */
import type { LocalTime } from "#kernel/local-time.ts";

export type StatisticsRecord = {
  /** Below `stats/`: of a file in `totals/` the text becomes the end, of any other the whole. */
  readonly path: string;
  readonly text: string;
};

/** The file of a day: lines of its hours, then those of the day. */
export function totalsPath({ year, month, day }: Pick<LocalTime, "year" | "month" | "day">): string {
  return `totals/${year}/${month}/ossec-totals-${String(day).padStart(2, "0")}.log`;
}
