/** The fast part of `npm test`: types, lint and format, and the rules of the tree. */
import { runAll, type Task } from "./run-all.ts";

export const CHECKS: readonly Task[] = [
  { name: "types", command: "node_modules/.bin/tsc", args: ["-p", "."] },
  {
    name: "lint and format",
    command: "node_modules/.bin/biome",
    args: ["check", "--error-on-warnings", "."],
  },
  { name: "rules of the tree", command: process.execPath, args: ["tools/tidy.ts"] },
];

if (import.meta.main) process.exitCode = (await runAll(CHECKS)) ? 0 : 1;
