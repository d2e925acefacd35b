/**
 * `npm test`: the checks of the tree, then every test. With arguments, only the test files whose path contains one of them.
 *
 * The closing line counts all tests; what needs data or rights that this machine lacks is skipped and named.
 */
import { spawn } from "node:child_process";
import { existsSync, globSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { CHECKS } from "./check.ts";
import { ROOT, runAll } from "./run-all.ts";

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

function runTests(files: readonly string[]): Promise<number> {
  const args = [
    ...V8_FLAGS,
    "--test",
    "--test-reporter=dot",
    "--test-reporter-destination=stderr",
    "--test-reporter=./tools/test-reporter.ts",
    "--test-reporter-destination=stdout",
    `--test-timeout=${TEST_TIMEOUT_MS}`,
    `--test-concurrency=${cpus().length}`,
    ...files,
  ];
  return new Promise((resolve) => {
    const env = existsSync(PEER_DATA) ? { ...process.env, ...PEER_DIRECTORIES } : process.env;
    const child = spawn(process.execPath, args, { cwd: ROOT, env, stdio: ["ignore", "inherit", "inherit"] });
    child.on("close", (code) => resolve(code ?? 1));
  });
}

const wanted = process.argv.slice(2);
const files = globSync(TEST_FILES, { cwd: ROOT })
  .filter((file) => !file.includes("node_modules"))
  .filter((file) => wanted.length === 0 || wanted.some((word) => file.includes(word)))
  .sort();
const checked = wanted.length > 0 || (await runAll(CHECKS));
const code = await runTests(files);
process.exitCode = checked && code === 0 ? 0 : 1;
