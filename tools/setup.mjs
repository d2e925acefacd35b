/**
 * Installs what the program needs, when it is missing: run by npm before `start`, `test` and the others, under any Node.js from 20 on.
 *
 * Not TypeScript, and nothing newer than Node 20: the pinned Node.js is one of the things it installs.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const NODE_MAJOR_MIN = 20;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const quiet = process.argv.includes("--quiet");

function fail(text) {
  process.stderr.write(`setup: ${text}\n`);
  process.exit(1);
}

function say(text) {
  if (!quiet) process.stderr.write(`setup: ${text}\n`);
}

function checkMachine() {
  const major = Number(process.versions.node.split(".")[0]);
  if (major < NODE_MAJOR_MIN)
    fail(`Node.js ${process.versions.node} is too old; install Node.js ${NODE_MAJOR_MIN} or newer`);
  if (process.platform !== "linux" || !["x64", "arm64"].includes(process.arch)) {
    fail(`${process.platform}-${process.arch} is not supported; Cyb3rhq runs on Linux (x64, arm64)`);
  }
}

/** What is installed is marked by the lock file's own text, so that a changed lock file installs again. */
function isInstalled(lock) {
  const mark = join(root, "node_modules", ".cyb3rhq-installed");
  const node = join(root, "node_modules", `node-linux-${process.arch}`, "bin", "node");
  return existsSync(node) && existsSync(mark) && readFileSync(mark, "utf8") === lock;
}

function install(lock) {
  say("installing packages (a few seconds, once) …");
  const begun = Date.now();
  // npm's own output belongs to the terminal, not to what a command prints.
  const done = spawnSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
  });
  if (done.status !== 0) fail("npm ci failed; see above. Is a package registry reachable?");
  writeFileSync(join(root, "node_modules", ".cyb3rhq-installed"), lock);
  say(`packages installed in ${((Date.now() - begun) / 1000).toFixed(1)} s`);
}

checkMachine();
const lock = readFileSync(join(root, "package-lock.json"), "utf8");
if (!isInstalled(lock)) install(lock);
