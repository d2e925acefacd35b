/** `if_fts`: lines of values that were never seen together before (wazuh v4.14.7: src/analysisd/fts.c). */
import type { Event } from "../event.ts";
import { staticIndex } from "../event.ts";
import { ownCopy } from "../own-copy.ts";
import { CATEGORY_IDS } from "../ruleset/category.ts";

/** The peer's line buffer. */
const LINE_BYTES_MAX = 255;
/** wazuh v4.14.7: `analysisd.fts_list_size`, `analysisd.fts_min_size_for_str`. */
const RECENT_LINES = 32;
const COMMON_PREFIX_BYTES_MIN = 14;
/** So many recent lines with a longer common start are taken for one kind of message. */
const ALIKE_LINES = 3;
/** Lines come from outside: at 255 bytes each this is at most 16 MiB; beyond it the oldest goes and would be new again. */
export const LINES_MAX = 65_536;

const STATIC_ORDER = ["id", "dstuser", "srcuser", "srcip", "dstip", "data", "system_name"] as const;

/** Null when the event's decoder selects no fields. */
export function firstTimeSeenLine(event: Event): string | null {
  const { fts, shownName } = event.decoder;
  if (fts === null) return null;
  const values = STATIC_ORDER.map((field) =>
    fts.statics.has(field) ? (event.statics[staticIndex(field)] ?? "") : "",
  );
  const line = [shownName, ...values, fts.location ? event.location : ""].join(" ");
  const dynamics = fts.dynamics
    .map((name) => event.dynamic(name.toLowerCase()))
    .filter((value) => value !== undefined);
  return [line, ...dynamics].join(" ").slice(0, LINE_BYTES_MAX);
}

function commonPrefixLength(left: string, right: string): number {
  let length = 0;
  while (length < left.length && left.charCodeAt(length) === right.charCodeAt(length)) length++;
  return length;
}

export type FirstTimeSeenSnapshot = { readonly lines: readonly string[]; readonly recent: readonly string[] };

export class FirstTimeSeen {
  readonly #lines = new Set<string>();
  readonly #recent: string[] = [];

  /** True, once, for a line that was not known. */
  offer(event: Event): boolean {
    const line = firstTimeSeenLine(event);
    if (line === null || this.#lines.has(line)) return false;
    const stored = ownCopy(event.category === CATEGORY_IDS ? this.#shorten(line) : line);
    if (this.#lines.has(stored)) return false;
    this.#lines.add(stored);
    if (this.#lines.size > LINES_MAX) this.#dropOldest();
    return true;
  }

  /** A line that starts like several recent ones is cut, and then stands for all of them. */
  #shorten(line: string): string {
    const alike = this.#recent.filter(
      (recent) => commonPrefixLength(line, recent) > COMMON_PREFIX_BYTES_MIN,
    ).length;
    const stored = alike >= ALIKE_LINES ? line.slice(0, COMMON_PREFIX_BYTES_MIN) : line;
    this.#recent.push(ownCopy(stored));
    if (this.#recent.length > RECENT_LINES) this.#recent.shift();
    return stored;
  }

  #dropOldest(): void {
    for (const line of this.#lines) {
      this.#lines.delete(line);
      return;
    }
  }

  get size(): number {
    return this.#lines.size;
  }

  snapshot(): FirstTimeSeenSnapshot {
    return { lines: [...this.#lines], recent: [...this.#recent] };
  }

  restore({ lines, recent }: FirstTimeSeenSnapshot): void {
    for (const line of lines) this.#lines.add(line);
    this.#recent.push(...recent);
  }
}
