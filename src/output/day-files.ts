/**
 * Names of the output files: `logs/alerts/2026/Nov/ossec-alerts-21.json`, its later parts `…-21-001.json`, their compressed
 * forms `….gz`, and the link `logs/alerts/alerts.json` to the one being written.
 *
 * Paths are relative to the home directory, as they stand in the checksum files. wazuh v4.14.7: src/headers/defs.h.
 */
import { CodedError } from "#kernel/errors.ts";
import { type LocalTime, MONTHS } from "#kernel/local-time.ts";
import type { Files } from "#kernel/ports/files.ts";
import type { OutputKind } from "#model/output-block.ts";

export type FileKind = Exclude<OutputKind, "snapshot" | "statistics">;

export type FileDefinition = {
  readonly kind: FileKind;
  readonly directory: string;
  readonly tag: string;
  readonly extension: "json" | "log";
  readonly link: string;
};

const ALERTS = { directory: "logs/alerts", tag: "alerts" };
const ARCHIVES = { directory: "logs/archives", tag: "archive" };
const FIREWALL = { directory: "logs/firewall", tag: "firewall" };
const DEAD_LETTERS = { directory: "logs/dead-letters", tag: "dead-letters" };
const RESPONSES = { directory: "logs/responses", tag: "responses" };

export const FILE_DEFINITIONS: readonly FileDefinition[] = [
  { kind: "alert_json", ...ALERTS, extension: "json", link: "logs/alerts/alerts.json" },
  { kind: "alert_log", ...ALERTS, extension: "log", link: "logs/alerts/alerts.log" },
  { kind: "archive_json", ...ARCHIVES, extension: "json", link: "logs/archives/archives.json" },
  { kind: "archive_log", ...ARCHIVES, extension: "log", link: "logs/archives/archives.log" },
  { kind: "firewall_log", ...FIREWALL, extension: "log", link: "logs/firewall/firewall.log" },
  { kind: "dead_letter", ...DEAD_LETTERS, extension: "json", link: "logs/dead-letters/dead-letters.json" },
  { kind: "response", ...RESPONSES, extension: "json", link: "logs/responses/responses.json" },
];

export type Day = Pick<LocalTime, "year" | "month" | "day">;

export function sameDay(a: Day, b: Day): boolean {
  return a.day === b.day && a.month === b.month && a.year === b.year;
}

function utcMs({ year, month, day }: Day): number {
  return Date.UTC(year, MONTHS.indexOf(month), day);
}

export function isBefore(a: Day, b: Day): boolean {
  return utcMs(a) < utcMs(b);
}

/** The day that lies `count` days before. */
export function daysBefore(day: Day, count: number): Day {
  const date = new Date(utcMs({ ...day, day: day.day - count }));
  return {
    year: date.getUTCFullYear(),
    month: MONTHS[date.getUTCMonth()] ?? "Jan",
    day: date.getUTCDate(),
  };
}

export function monthDirectory(definition: FileDefinition, day: Day): string {
  return `${definition.directory}/${day.year}/${day.month}`;
}

function baseName(definition: FileDefinition, day: Day): string {
  return `ossec-${definition.tag}-${String(day.day).padStart(2, "0")}`;
}

/** Without part number and extension. */
export function dayPath(definition: FileDefinition, day: Day): string {
  return `${monthDirectory(definition, day)}/${baseName(definition, day)}`;
}

export function partPath(definition: FileDefinition, day: Day, part: number): string {
  const suffix = part === 0 ? "" : `-${String(part).padStart(3, "0")}`;
  return `${dayPath(definition, day)}${suffix}.${definition.extension}`;
}

export function sumPath(definition: FileDefinition, day: Day): string {
  return `${dayPath(definition, day)}.${definition.extension}.sum`;
}

/** The number of the part when `name` is a file of that day, or null. */
function partNumber(name: string, base: string, extension: string): number | null {
  if (!name.startsWith(base) || !name.endsWith(extension)) return null;
  const middle = name.slice(base.length, name.length - extension.length);
  if (middle === "") return 0;
  return /^-\d{3,4}$/.test(middle) ? Number(middle.slice(1)) : null;
}

export type DayParts = {
  /** Numbers of the parts that are there uncompressed, in order. */
  readonly plain: readonly number[];
  /** The highest number in use, compressed ones too; -1 when the day has none. */
  readonly last: number;
  readonly signed: boolean;
};

/** What `names`, the entries of the month's directory, hold of that day. */
export function partsAmong(names: readonly string[], definition: FileDefinition, day: Day): DayParts {
  const base = baseName(definition, day);
  const extension = `.${definition.extension}`;
  const plain: number[] = [];
  let last = -1;
  for (const name of names) {
    const number = partNumber(name, base, extension);
    if (number !== null) plain.push(number);
    last = Math.max(last, number ?? partNumber(name, base, `${extension}.gz`) ?? -1);
  }
  return { plain: plain.sort((a, b) => a - b), last, signed: names.includes(`${base}${extension}.sum`) };
}

export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

/** Names in a directory; none when it is absent. */
export function namesIn(files: Files, directory: string): readonly string[] {
  try {
    return files.list(directory).map((entry) => entry.name);
  } catch (error) {
    if (error instanceof CodedError && error.code === "file_not_found") return [];
    throw error;
  }
}

/** Makes new names in the directory survive a loss of power. */
export function syncDirectory(files: Files, directory: string): void {
  const handle = files.open(directory, "read");
  try {
    handle.sync();
  } finally {
    handle.close();
  }
}
