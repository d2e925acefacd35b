/** What became of a string of agent-info or agent-groups, as its receiver tells the sender. */
import { isObject, isTextList, memberOf, parseJson } from "#formats/wire/cluster/json-value.ts";
import { pythonJson } from "#formats/wire/cluster/python-json.ts";
import type { Log } from "#kernel/ports/log.ts";
import { secondsText } from "../integrity/times.ts";
import { SMALL_PAYLOAD_BYTES_MAX } from "../limits.ts";

/** The report is one message and a line of a log. */
const ERRORS_MAX = 20;
/** Longer than the name of any list of agents. */
const LIST_CHARS_MAX = 32;

export type UpdateReport = {
  readonly updatedChunks: number;
  readonly errors: readonly string[];
};

/** What was no agent, counted by where it stood: a string may hold millions. */
export class RefusedCounts {
  readonly #counts = new Map<string, number>();

  /** `list` may be any text; the reader of the string bounds how many there are. */
  add(list: string, count = 1): void {
    const name = list.slice(0, LIST_CHARS_MAX);
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + count);
  }

  get errors(): readonly string[] {
    return [...this.#counts].map(([list, count]) => `${count} agents of ${list} are not well-formed`);
  }
}

export function writeUpdateReport({ updatedChunks, errors }: UpdateReport, spentMs: number): string {
  const error_messages = errors.slice(0, ERRORS_MAX);
  return pythonJson({ updated_chunks: updatedChunks, error_messages, time_spent: spentMs / 1000 });
}

/** Null when it is none. */
export function readUpdateReport(payload: Buffer): UpdateReport | null {
  const value = payload.length > SMALL_PAYLOAD_BYTES_MAX ? undefined : parseJson(payload);
  if (!isObject(value)) return null;
  const updatedChunks = memberOf(value, "updated_chunks");
  const errors = memberOf(value, "error_messages");
  return typeof updatedChunks === "number" && isTextList(errors) ? { updatedChunks, errors } : null;
}

/** The line that ends a turn, on both sides. */
export function logUpdateReport(log: Log, { updatedChunks, errors }: UpdateReport, tookMs: number): void {
  const finished = `Finished in ${secondsText(tookMs)}. Updated ${updatedChunks} chunks.`;
  if (errors.length === 0) log.write("info", finished);
  else {
    const listed = pythonJson(errors.slice(0, ERRORS_MAX));
    log.write("error", `${finished} There were ${errors.length} chunks with errors: ${listed}`);
  }
}
