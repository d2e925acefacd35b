/** What is wrong with the files of a rule set: all of it, not the first. */
import type { Problem, SourcePosition } from "#formats/source-position.ts";

export class ProblemList {
  readonly #problems: Problem[] = [];
  #errors = 0;

  error(position: SourcePosition, message: string, expected = ""): void {
    this.#errors++;
    this.#problems.push({ severity: "error", position, message, expected });
  }

  warning(position: SourcePosition, message: string, expected = ""): void {
    this.#problems.push({ severity: "warning", position, message, expected });
  }

  add(problem: Problem): void {
    if (problem.severity === "error") this.#errors++;
    this.#problems.push(problem);
  }

  get errors(): number {
    return this.#errors;
  }

  get all(): readonly Problem[] {
    return this.#problems;
  }
}
