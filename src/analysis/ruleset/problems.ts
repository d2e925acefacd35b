/** What is wrong with the files of a rule set: all of it, not the first. */
import type { Problem, SourcePosition } from "#formats/source-position.ts";

/** Errors, and warnings apart from them, beyond which a broken or hostile file only counts on. */
export const PROBLEMS_OF_A_KIND_MAX = 1000;

export class ProblemList {
  readonly #problems: Problem[] = [];
  readonly #counts = { error: 0, warning: 0 };
  #firstLeftOut: SourcePosition | null = null;

  error(position: SourcePosition, message: string, expected = ""): void {
    this.add({ severity: "error", position, message, expected });
  }

  warning(position: SourcePosition, message: string, expected = ""): void {
    this.add({ severity: "warning", position, message, expected });
  }

  add(problem: Problem): void {
    this.#counts[problem.severity]++;
    if (this.#counts[problem.severity] <= PROBLEMS_OF_A_KIND_MAX) this.#problems.push(problem);
    else this.#firstLeftOut ??= problem.position;
  }

  /** How many errors there were, shown or not. */
  get errors(): number {
    return this.#counts.error;
  }

  get all(): readonly Problem[] {
    if (this.#firstLeftOut === null) return this.#problems;
    const leftOut = this.#counts.error + this.#counts.warning - this.#problems.length;
    const message = `${leftOut} more problems are not shown.`;
    return [
      ...this.#problems,
      { severity: "warning", position: this.#firstLeftOut, message, expected: "correct those above first" },
    ];
  }
}
