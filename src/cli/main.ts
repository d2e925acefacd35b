/** Where the process starts: the real environment, the program, the exit code. */
import { nodeEnvironment } from "./node-environment.ts";
import { runProgram } from "./program.ts";

const environment = nodeEnvironment();
await runProgram(environment);
// An output that could not be written has set its own code already.
if (environment.exitCode !== 0) process.exitCode = environment.exitCode;
