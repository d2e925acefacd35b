/**
 * `npm test`: the checks of the tree, then every test, then fuzzing. With arguments, only the test files whose path contains one of
 * them, and fuzzing when one of them is `fuzz`.
 *
 * The closing line of the tests counts all of them; what needs data or rights that this machine lacks is skipped and named. Each family
 * of inputs is fuzzed for FUZZ_SECONDS (30, in `.ci/run` 60; 0 leaves it out), two at a time, when the tests are done: they have limits of time.
 */
import { spawn } from "node:child_process";
import { existsSync, globSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { FAMILIES } from "../test/fuzz/targets.ts";
import { CHECKS } from "./check.ts";
import { ROOT, runAll, type Task } from "./run-all.ts";

/** The engine relies on them; see docs/decisions/0002-regexp-flags.md. */
const V8_FLAGS = [
  "--enable-experimental-regexp-engine-on-excessive-backtracks",
  "--regexp-backtracks-before-fallback=1000",
];
const TEST_FILES = ["src/**/*.test.ts", "tools/**/*.test.ts", "test/**/*.test.ts"];
/** Test input that belongs to others lies beside the clone; tests that can use it are told. */
const PEER_DATA = join(ROOT, "../shared/data");
const PEER_DIRECTORIES = {
  PEER_RULESET_DIR: join(PEER_DATA, "wazuh-ruleset"),
  PEER_RULESET_TESTS_DIR: join(PEER_DATA, "wazuh-ruleset-tests"),
};
/** A test that hangs is a failure, not a wait. */
const TEST_TIMEOUT_MS = 180_000;
/** Files at a time beyond a core each: many wait for the timers of real programs. */
const WAITING_FILES = 1;
const FUZZ_SECONDS_DEFAULT = 30;
/** One a core on the smallest machine that this is run on. */
const FUZZ_LANES = 2;

function runTests(files: readonly string[]): Promise<number> {
  const args = [
    ...V8_FLAGS,
    "--test",
    "--test-reporter=dot",
    "--test-reporter-destination=stderr",
    "--test-reporter=./tools/test-reporter.ts",
    "--test-reporter-destination=stdout",
    `--test-timeout=${TEST_TIMEOUT_MS}`,
    `--test-concurrency=${cpus().length + WAITING_FILES}`,
    ...files,
  ];
  return new Promise((resolve) => {
    // Managers of tests stay who started them, also where there is a user for managers.
    const user = process.getuid?.() === 0 ? { CYB3RHQ_USER: "root" } : {};
    const env = { ...process.env, ...user, ...(existsSync(PEER_DATA) ? PEER_DIRECTORIES : {}) };
    const child = spawn(process.execPath, args, { cwd: ROOT, env, stdio: ["ignore", "inherit", "inherit"] });
    child.on("close", (code) => resolve(code ?? 1));
  });
}

/** True when nothing failed; prints a line for each family and the output of those that failed. */
async function fuzz(seconds: number): Promise<boolean> {
  const tasks = FAMILIES.map((targets): Task => {
    const names = targets.join(",");
    const args = ["test/fuzz/fuzz.ts", "--target", names, "--seconds", String(seconds)];
    return { name: `fuzz ${names}`, command: process.execPath, args };
  });
  let passed = true;
  const lane = async (): Promise<void> => {
    for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) {
      if (!(await runAll([task]))) passed = false;
    }
  };
  await Promise.all(Array.from({ length: FUZZ_LANES }, lane));
  return passed;
}

const wanted = process.argv.slice(2);
const files = globSync(TEST_FILES, { cwd: ROOT })
  .filter((file) => !file.includes("node_modules"))
  .filter((file) => wanted.length === 0 || wanted.some((word) => file.includes(word)))
  .sort();
const checked = wanted.length > 0 || (await runAll(CHECKS));
const code = await runTests(files);
const fuzzSeconds = Number(process.env["FUZZ_SECONDS"] ?? FUZZ_SECONDS_DEFAULT);
const fuzzes = fuzzSeconds > 0 && (wanted.length === 0 || wanted.includes("fuzz"));
const fuzzed = !fuzzes || (await fuzz(fuzzSeconds));
process.exitCode = checked && code === 0 && fuzzed ? 0 : 1;
