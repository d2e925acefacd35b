/** `cyb3rhq regex`: a pattern and a string a line in, the verdict of the engine's own matcher out. */
import { effort } from "#formats/patterns/effort.ts";
import { compilePattern, type PatternKind } from "#formats/patterns/pattern.ts";
import { isObject, parseJsonBytes } from "../bytes.ts";
import { type Environment, EXIT_FAILURE, EXIT_OK } from "../environment.ts";
import { answerLines } from "../lines.ts";

const TYPES: readonly PatternKind[] = ["osregex", "osmatch", "pcre2"];

type Question = { readonly type: PatternKind; readonly pattern: string; readonly string: string };

/** What is wrong with the line, when it is no question. */
function readQuestion(line: string): Question | string {
  const value = parseJsonBytes(line);
  if (!isObject(value)) return "the line is no JSON object";
  const { pattern, string } = value;
  const type = TYPES.find((known) => known === value["type"]);
  if (type === undefined) return `type is none of ${TYPES.join(", ")}`;
  if (typeof pattern !== "string") return "pattern is no string";
  if (typeof string !== "string") return "string is no string";
  return { type, pattern, string };
}

/** In the mode of a decoder's regex, which is the one that captures. */
function answer({ type, pattern: text, string }: Question): object {
  const compiled = compilePattern(type, text, { mode: "capturing" });
  if (!compiled.ok) {
    const { errcode, message } = compiled.error;
    return { compile: "error", errcode, message };
  }
  effort.renew();
  const found = compiled.pattern.match(string);
  if (type === "osmatch") return { match: found !== null };
  return found === null
    ? { match: false, captures: [] }
    : { match: true, end: found.end, captures: found.captures };
}

export async function answerPatterns(environment: Environment): Promise<number> {
  let lineNumber = 0;
  let refused = 0;
  await answerLines(environment.stdin.chunks, environment.stdout, (line) => {
    lineNumber++;
    const question = readQuestion(line);
    if (typeof question !== "string") return `${JSON.stringify(answer(question))}\n`;
    refused++;
    return `${JSON.stringify({ error: question, line: lineNumber })}\n`;
  });
  return refused === 0 ? EXIT_OK : EXIT_FAILURE;
}
