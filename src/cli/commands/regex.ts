/** `cyb3rhq regex`: options and help; regex/answer.ts does it. */
import type { Command } from "commander";
import type { Environment } from "../environment.ts";

const HELP = `
Each line of stdin is an object {"type": "osregex|osmatch|pcre2", "pattern": "...", "string": "..."}; each gets one line:
  {"match": true, "end": 4, "captures": ["..."]}     end: the byte at which the matcher stood last; osmatch has match alone
  {"compile": "error", "errcode": 6, "message": "..."}
  {"error": "...", "line": 3}                        the line is no such object

Exit codes: 0 every line was an object, 1 some was not, 2 wrong use of the command line.`;

export function register(program: Command, environment: Environment): void {
  program
    .command("regex")
    .description("match strings with the pattern languages of rules")
    .option("--json", "objects in, objects out (the only form, and the default)")
    .addHelpText("after", HELP)
    .action(async () => {
      const { answerPatterns } = await import("../regex/answer.ts");
      environment.exitCode = await answerPatterns(environment);
    });
}
