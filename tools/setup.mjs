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
  const tried = spawnSync(join(root, "cyb3rhq"), ["selftest"], { cwd: root, stdio: ["ignore", "ignore", 2] });
  if (tried.status !== 0) fail("the installed program does not run here; see above");
  writeFileSync(join(root, "node_modules", ".cyb3rhq-installed"), lock);
  say(`packages installed and tried in ${((Date.now() - begun) / 1000).toFixed(1)} s`);
}

/** What tests use beside Node: they are skipped, and say so, where it is missing. */
const TEST_PACKAGES = [
  { command: "zsh", packageName: "zsh" },
  { command: "fish", packageName: "fish" },
  { command: "logger", packageName: "bsdutils" },
  { command: "rsyslogd", packageName: "rsyslog" },
  { command: "haproxy", packageName: "haproxy" },
  { command: "nginx", packageName: "nginx" },
  { file: "/usr/lib/nginx/modules/ngx_stream_module.so", packageName: "libnginx-mod-stream" },
  { command: "shellcheck", packageName: "shellcheck" },
  { command: "nft", packageName: "nftables" },
  { command: "iptables", packageName: "iptables" },
  { command: "ip", packageName: "iproute2" },
];

function has(command) {
  return spawnSync("sh", ["-c", `command -v ${command}`], { stdio: "ignore" }).status === 0;
}

function installTestPackages() {
  const isThere = ({ command, file }) => (file === undefined ? has(command) : existsSync(file));
  const missing = TEST_PACKAGES.filter((one) => !isThere(one)).map(({ packageName }) => packageName);
  if (missing.length === 0) return;
  if (process.getuid() !== 0 || !has("apt-get")) {
    say(`tests that need ${missing.join(", ")} are skipped; install them to run these tests too`);
    return;
  }
  say(`installing ${missing.join(", ")} for tests …`);
  const options = {
    stdio: ["ignore", "ignore", 2],
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  };
  spawnSync("apt-get", ["-qq", "update"], options);
  const done = spawnSync("apt-get", ["-qq", "install", "-y", "--no-install-recommends", ...missing], options);
  if (done.status !== 0) say(`could not install ${missing.join(", ")}; the tests that need them are skipped`);
}

checkMachine();
const lock = readFileSync(join(root, "package-lock.json"), "utf8");
if (!isInstalled(lock)) install(lock);
if (process.argv.includes("--for-tests")) installTestPackages();
