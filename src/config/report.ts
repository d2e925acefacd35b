/** Collects what is wrong with a file: all of it, not only the first mistake. */
import type { Problem, SourcePosition } from "#formats/source-position.ts";

/** A file that is damaged throughout is not described line by line: further problems are counted, not kept. */
export const PROBLEMS_MAX = 1000;
/** Of one message: what a file holds appears in it. */
const MESSAGE_BYTES_MAX = 1024;

export class Report {
  readonly #problems: Problem[] = [];
  readonly #said = new Set<string>();
  #dropped = 0;

  /** In the order in which they were found. */
  problems(): Problem[] {
    const last = this.#problems.at(-1);
    if (this.#dropped === 0 || last === undefined) return [...this.#problems];
    return [...this.#problems, { ...last, message: `${this.#dropped} more problems`, expected: "" }];
  }

  error(position: SourcePosition, message: string, expected = ""): void {
    this.#add({ severity: "error", position, message, expected });
  }

  warning(position: SourcePosition, message: string, expected = ""): void {
    this.#add({ severity: "warning", position, message, expected });
  }

  /** For what is said about a name, not about a place: the first place is enough. */
  warnOnce(position: SourcePosition, message: string): void {
    if (this.#said.has(message)) return;
    this.#said.add(message);
    this.warning(position, message);
  }

  #add(problem: Problem): void {
    if (this.#problems.length >= PROBLEMS_MAX) {
      this.#dropped += 1;
      return;
    }
    // One problem is one line of a log, whatever the file holds.
    const message = problem.message.slice(0, MESSAGE_BYTES_MAX).replace(/[\0-\x1f\x7f]/g, " ");
    this.#problems.push({ ...problem, message });
  }
}
