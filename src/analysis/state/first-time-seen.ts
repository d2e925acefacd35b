/** `if_fts`: lines of values that were never seen together before (wazuh v4.14.7: src/analysisd/fts.c). */
import type { Event } from "../event.ts";
import { staticIndex } from "../event.ts";
import { CATEGORY_IDS } from "../ruleset/category.ts";

/** The peer's line buffer. */
const LINE_BYTES_MAX = 255;
/** wazuh v4.14.7: `analysisd.fts_list_size`, `analysisd.fts_min_size_for_str`. */
const RECENT_LINES = 32;
const COMMON_PREFIX_BYTES_MIN = 14;
/** So many recent lines with a common start are taken for one kind of message. */
const ALIKE_LINES = 3;
/** Lines come from outside: at 255 bytes each this is at most 64 MiB; beyond it the oldest goes and would be new again. */
const LINES_MAX = 262_144;

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

export class FirstTimeSeen {
  readonly #lines = new Set<string>();
  readonly #recent: string[] = [];

  /** True, once, for a line that was not known. */
  offer(event: Event): boolean {
    const line = firstTimeSeenLine(event);
    if (line === null || this.#lines.has(line)) return false;
    const stored = event.category === CATEGORY_IDS ? this.#shorten(line) : line;
    if (this.#lines.has(stored)) return false;
    this.#lines.add(stored);
    if (this.#lines.size > LINES_MAX) for (const oldest of this.#lines) return this.#lines.delete(oldest);
    return true;
  }

  /** A line of which several recent ones share a long start stands for all of them. */
  #shorten(line: string): string {
    let alike = 0;
    let shortest = line.length;
    for (const recent of this.#recent) {
      const length = commonPrefixLength(line, recent);
      if (length <= COMMON_PREFIX_BYTES_MIN) continue;
      alike++;
      shortest = Math.min(shortest, length);
    }
    this.#recent.push(line);
    if (this.#recent.length > RECENT_LINES) this.#recent.shift();
    return alike >= ALIKE_LINES ? line.slice(0, shortest) : line;
  }

  get lines(): Iterable<string> {
    return this.#lines;
  }

  restore(lines: Iterable<string>): void {
    for (const line of lines) this.#lines.add(line);
  }
}
