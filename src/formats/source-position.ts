/** Where something stands in a text file, and what is wrong there: shared by every reader of files that people write. */

export type SourcePosition = {
  readonly file: string;
  /** Both count from 1; a column is a byte of the line. */
  readonly line: number;
  readonly column: number;
};

export type Problem = {
  readonly severity: "error" | "warning";
  readonly position: SourcePosition;
  /** The peer's text with its number where it has one: users search for it. */
  readonly message: string;
  /** What was expected, or what to do; empty when the message says it all. */
  readonly expected: string;
};

/** `file:line:column: error: message (expected …)`, the form that editors and CI tools understand. */
export function formatProblem(problem: Problem): string {
  const { file, line, column } = problem.position;
  const hint = problem.expected === "" ? "" : ` (${problem.expected})`;
  return `${file}:${line}:${column}: ${problem.severity}: ${problem.message}${hint}`;
}
